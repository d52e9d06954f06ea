#include "mtl/library.h"

#include <Block.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "foundation/constants.h"
#include "foundation/number.h"
#include "mtl/background.h"
#include "mtl/function_descriptor.h"
#include "mtl/misuse.h"
#include "runtime/property.h"

namespace softmetal {

namespace {

Ref<Error> library_error(MTL::LibraryError code, std::string_view text) {
  return make_error(*MTLLibraryErrorDomain, static_cast<int64_t>(code), text);
}

std::string macro_text(Object* value) {
  if (auto* text = cast<String>(value)) return std::string(text->view());
  if (auto* number = cast<Number>(value)) return number->text();
  misuse("-[MTLCompileOptions setPreprocessorMacros:]", "a value is neither NSString nor NSNumber");
}

CompileOptions executor_options(const CompileOptionsObject* options) {
  CompileOptions out;
  if (options == nullptr) return out;
  constexpr const char* kName = "-[MTLDevice newLibraryWithSource:options:error:]";
  if (options->library_type != MTL::LibraryTypeExecutable || options->libraries) {
    misuse(kName, "options: dynamic libraries are not supported by softmetal");
  }
  if (options->enable_logging) {
    misuse(kName, "options: logging out of kernels is not supported by softmetal");
  }
  if (options->macros) {
    const Dictionary& macros = *options->macros;
    for (size_t i = 0; i < macros.keys.size(); ++i) {
      auto* name = cast<String>(macros.keys[i].get());
      if (name == nullptr) misuse(kName, "options: a macro's name is no NSString");
      out.macros.emplace_back(name->view(), macro_text(macros.values[i].get()));
    }
    std::sort(out.macros.begin(), out.macros.end());
  }
  out.language_version = static_cast<uint32_t>(options->language_version);
  out.fast_math = options->fast_math;
  return out;
}

// All that decides a program, in one text whose parts cannot run into each other.
std::string program_key(std::string_view source, const CompileOptions& options) {
  std::ostringstream key;
  key << options.language_version << ' ' << options.fast_math << '\n';
  for (const auto& [name, value] : options.macros) {
    key << name.size() << ' ' << name << ' ' << value.size() << ' ' << value << '\n';
  }
  key << source;
  return key.str();
}

}  // namespace

Library::Library(Device& owner, std::shared_ptr<const Program> made, std::string program_key,
                 uint64_t max_threads)
    : DeviceObject(owner),
      program(std::move(made)),
      key(std::move(program_key)),
      max_total_threads(max_threads) {}

const KernelInfo* Library::find(std::string_view name) const {
  for (const KernelInfo& info : program->kernels()) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

Ref<Library> new_library(Device& device, std::string_view source,
                         const CompileOptionsObject* options, Error** error) {
  const CompileOptions chosen = executor_options(options);
  try {
    auto program = device.executor.compile(source, chosen);
    return make<Library>(device, std::move(program), program_key(source, chosen),
                         options != nullptr ? options->max_total_threads : 0);
  } catch (const CompileError& failure) {
    report(error, library_error(MTL::LibraryErrorCompileFailure, failure.what()));
  } catch (const std::exception& failure) {
    report(error, library_error(MTL::LibraryErrorInternal, failure.what()));
  }
  return nullptr;
}

Ref<Library> new_library_from_bytes(Device& device, std::string_view bytes, Error** error) {
  if (bytes.starts_with("MTLB")) {
    report(error,
           library_error(MTL::LibraryErrorUnsupported,
                         "a metallib holds code for Apple GPUs; softmetal takes MSL source"));
    return nullptr;
  }
  return new_library(device, bytes, nullptr, error);
}

Ref<Library> new_library_from_file(Device& device, const std::string& path, Error** error) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  if (!file || !(bytes << file.rdbuf())) {
    report(error, library_error(MTL::LibraryErrorFileNotFound, "cannot read \"" + path + '"'));
    return nullptr;
  }
  return new_library_from_bytes(device, bytes.view(), error);
}

Function::Function(Library& made_by, const KernelInfo& kernel_info, std::string function_name,
                   std::vector<ConstantValue> values, std::shared_ptr<const Kernel> specialized)
    : DeviceObject(*made_by.device),
      library(Ref<Library>::retain(&made_by)),
      info(kernel_info),
      name(std::move(function_name)),
      constants(std::move(values)),
      kernel_(std::move(specialized)) {}

std::shared_ptr<const Kernel> Function::kernel() const {
  return kernel_ != nullptr ? kernel_ : library->program->specialize(info.name, constants);
}

std::string Function::key() const {
  std::ostringstream out;
  out << info.name << '\n';
  for (const ConstantValue& value : constants) {
    out << value.name << ' ' << value.index << ' ' << value.type;
    for (std::byte byte : value.bytes) out << ' ' << static_cast<int>(byte);
    out << '\n';
  }
  out << library->key;
  return out.str();
}

namespace {

constexpr Method kFunctionConstantMethods[] = {
    getter<&FunctionConstantObject::name>("name"),
    getter<&FunctionConstantObject::data_type>("type"),
    getter<&FunctionConstantObject::index>("index"),
    getter<&FunctionConstantObject::required>("required"),
};

struct FunctionMethods : Function {
  String* get_name() const { return string(name).autorelease(); }
  MTL::FunctionType function_type() const { return MTL::FunctionTypeKernel; }
  MTL::FunctionOptions options() const { return MTL::FunctionOptionNone; }
  MTL::PatchType patch_type() const { return MTL::PatchTypeNone; }
  int64_t patch_control_points() const { return -1; }  // no tessellation function
  Array* no_attributes() const { return nullptr; }
  Dictionary* constants_dictionary() const {
    ObjectList names, objects;
    for (const FunctionConstant& constant : info.constants) {
      names.push_back(string(constant.name));
      objects.push_back(make<FunctionConstantObject>(constant));
    }
    return make<Dictionary>(std::move(names), std::move(objects)).autorelease();
  }
};

constexpr Method kFunctionMethods[] = {
    method<&FunctionMethods::get_name>("name"),
    method<&FunctionMethods::function_type>("functionType"),
    method<&FunctionMethods::options>("options"),
    method<&FunctionMethods::patch_type>("patchType"),
    method<&FunctionMethods::patch_control_points>("patchControlPointCount"),
    method<&FunctionMethods::no_attributes>("vertexAttributes"),
    method<&FunctionMethods::no_attributes>("stageInputAttributes"),
    method<&FunctionMethods::constants_dictionary>("functionConstantsDictionary"),
};

using FunctionHandler = void (^)(Function*, Error*);

struct LibraryMethods : Library {
  Function* new_function(String* name) {
    const KernelInfo* info = find(view(name));
    if (info == nullptr) {
      explain_nil("-[MTLLibrary newFunctionWithName:]",
                  "there is no kernel \"" + std::string(view(name)) + '"');
      return nullptr;
    }
    return make<Function>(*this, *info, info->name, std::vector<ConstantValue>(), nullptr).leak();
  }

  Function* specialize(String* name, FunctionConstantValues* values, String* new_name,
                       Error** error) {
    const KernelInfo* info = find(view(name));
    if (info == nullptr) {
      report(error, library_error(MTL::LibraryErrorFunctionNotFound,
                                  "there is no kernel \"" + std::string(view(name)) + '"'));
      return nullptr;
    }
    std::vector<ConstantValue> constants;
    if (values != nullptr) constants = values->values;
    try {
      auto kernel = program->specialize(info->name, constants);
      std::string shown(new_name != nullptr ? new_name->view() : info->name);
      return make<Function>(*this, *info, std::move(shown), std::move(constants), std::move(kernel))
          .leak();
    } catch (const std::exception& failure) {
      report(error, library_error(MTL::LibraryErrorCompileFailure, failure.what()));
      return nullptr;
    }
  }

  Function* new_with_constants(String* name, FunctionConstantValues* values, Error** error) {
    return specialize(name, values, nullptr, error);
  }

  Function* new_with_descriptor(FunctionDescriptor* descriptor, Error** error) {
    if (descriptor->constants) {
      return specialize(descriptor->name.get(), descriptor->constants.get(),
                        descriptor->specialized_name.get(), error);
    }
    Function* function = new_function(descriptor->name.get());
    if (function == nullptr) {
      report(error, library_error(MTL::LibraryErrorFunctionNotFound, last_nil_reason()));
    }
    return function;
  }

  void new_with_constants_later(String* name, FunctionConstantValues* values,
                                FunctionHandler handler) {
    auto copy =
        values == nullptr ? Ref<FunctionConstantValues>() : make<FunctionConstantValues>(*values);
    answer_later(handler, [self = Ref<Library>::retain(this), name = Ref<String>::retain(name),
                           copy](Error** error) {
      return static_cast<LibraryMethods*>(self.get())
          ->new_with_constants(name.get(), copy.get(), error);
    });
  }

  void new_with_descriptor_later(FunctionDescriptor* descriptor, FunctionHandler handler) {
    answer_later(handler, [self = Ref<Library>::retain(this),
                           copy = make<FunctionDescriptor>(*descriptor)](Error** error) {
      return static_cast<LibraryMethods*>(self.get())->new_with_descriptor(copy.get(), error);
    });
  }

  Array* function_names() const {
    ObjectList names;
    for (const KernelInfo& info : program->kernels()) names.push_back(string(info.name));
    return array(std::move(names)).autorelease();
  }
  MTL::LibraryType library_type() const { return MTL::LibraryTypeExecutable; }
  String* install_name() const { return nullptr; }
};

constexpr Method kLibraryMethods[] = {
    method<&LibraryMethods::new_function>("newFunctionWithName:"),
    method<&LibraryMethods::new_with_constants>("newFunctionWithName:constantValues:error:"),
    method<&LibraryMethods::new_with_constants_later>(
        "newFunctionWithName:constantValues:completionHandler:"),
    method<&LibraryMethods::new_with_descriptor>("newFunctionWithDescriptor:error:"),
    method<&LibraryMethods::new_with_descriptor_later>(
        "newFunctionWithDescriptor:completionHandler:"),
    method<&LibraryMethods::function_names>("functionNames"),
    method<&LibraryMethods::library_type>("type"),
    method<&LibraryMethods::install_name>("installName"),
};

}  // namespace

constinit Type FunctionConstantObject::type = Type::define<FunctionConstantObject, Life::allocated>(
    "MTLFunctionConstant", &RootObject::type, kFunctionConstantMethods);
constinit Type Library::type =
    Type::define<Library, Life::internal>("MTLLibrary", &DeviceObject::type, kLibraryMethods);
constinit Type Function::type =
    Type::define<Function, Life::internal>("MTLFunction", &DeviceObject::type, kFunctionMethods);

}  // namespace softmetal
