#include "gpu/pipelines.h"

#include <algorithm>
#include <chrono>

#include "bitmetal/error.h"
#include "gpu/kernel_sources.h"

namespace bitmetal::gpu {
namespace {

double now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

std::string key_of(std::string_view kernel, const FunctionConstants& constants) {
  std::string key(kernel);
  for (const FunctionConstant& c : constants) {
    key += '\0';
    key.append(reinterpret_cast<const char*>(&c.index), sizeof c.index);
    key.append(reinterpret_cast<const char*>(&c.type), sizeof c.type);
    key.append(reinterpret_cast<const char*>(c.value.data()), c.value.size());
  }
  return key;
}

}  // namespace

const Pipeline& Library::pipeline(std::string_view kernel, const FunctionConstants& constants,
                                  bool reflect) {
  const std::string key = key_of(kernel, constants);
  const std::lock_guard lock(mutex_);
  if (const auto known = pipelines_.find(key); known != pipelines_.end()) {
    owner_.count(&PipelineStats::hits, 0);
    return known->second;
  }
  const double start = now();
  Pipeline made = build(std::string(kernel), constants, reflect);
  owner_.count(&PipelineStats::pipelines, now() - start);
  return pipelines_.emplace(key, std::move(made)).first->second;
}

Pipeline Library::build(const std::string& kernel, const FunctionConstants& constants,
                        bool reflect) {
  const AutoreleaseScope scope;
  const Ref<MTL::FunctionConstantValues> values(MTL::FunctionConstantValues::alloc()->init());
  for (const FunctionConstant& c : constants) {
    values->setConstantValue(c.value.data(), c.type, c.index);
  }
  NS::Error* error = nullptr;
  const Ref<MTL::Function> function(library_->newFunction(to_ns(kernel), values.get(), &error));
  if (!function) fail<CompileError>("kernel '", kernel, "': ", describe(error));

  Pipeline made{kernel, {}, 0, 0, 0, {}};
  MTL::ComputePipelineReflection* reflection = nullptr;
  auto [state, found] = owner_.archive().pipeline(
      *function.get(), reflect ? MTL::PipelineOptionBindingInfo : MTL::PipelineOptionNone,
      &reflection, &error);
  if (found) owner_.count(&PipelineStats::archived, 0);
  made.state = std::move(state);
  if (!made.state) fail<CompileError>("kernel '", kernel, "': ", describe(error));
  made.max_threads = static_cast<uint32_t>(made.state->maxTotalThreadsPerThreadgroup());
  made.simd_width = static_cast<uint32_t>(made.state->threadExecutionWidth());
  made.threadgroup_bytes = made.state->staticThreadgroupMemoryLength();
  const NS::Array* bindings = reflection ? reflection->bindings() : nullptr;
  for (NS::UInteger i = 0; bindings && i < bindings->count(); ++i) {
    const auto* binding = bindings->object<MTL::Binding>(i);
    made.arguments.push_back({to_string(binding->name()), static_cast<uint32_t>(binding->index()),
                              binding->access() == MTL::BindingAccessReadOnly,
                              binding->type() == MTL::BindingTypeThreadgroupMemory});
  }
  std::sort(made.arguments.begin(), made.arguments.end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });
  return made;
}

std::vector<DeclaredConstant> Library::constants(std::string_view kernel) const {
  const AutoreleaseScope scope;
  const Ref<MTL::Function> function(library_->newFunction(to_ns(kernel)));
  if (!function) fail<CompileError>("kernel '", kernel, "' is not in the source");
  const NS::Dictionary* dictionary = function->functionConstantsDictionary();
  NS::Enumerator<NS::String>* names = dictionary->keyEnumerator<NS::String>();
  std::vector<DeclaredConstant> found;
  while (const NS::String* name = names->nextObject()) {
    const auto* constant = dictionary->object<MTL::FunctionConstant>(name);
    found.push_back({to_string(name), static_cast<uint32_t>(constant->index()), constant->type()});
  }
  return found;
}

const Pipeline& Pipelines::get(std::string_view family, std::string_view kernel,
                               const FunctionConstants& constants) {
  std::shared_ptr<Library> library;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = families_.find(family); known != families_.end()) {
      library = known->second;
    }
  }
  if (!library) {
    library = this->family(family);
    const std::lock_guard lock(mutex_);
    library = families_.emplace(family, library).first->second;
  }
  return library->pipeline(kernel, constants);
}

// Compiled with the library where the build had Apple's compiler; but not for a system that is
// older than that one's.
std::shared_ptr<Library> Pipelines::family(std::string_view name) {
  if (const std::string_view bytes = metallib_of(name); !bytes.empty()) {
    const AutoreleaseScope scope;
    const dispatch_data_t data =
        dispatch_data_create(bytes.data(), bytes.size(), nullptr, DISPATCH_DATA_DESTRUCTOR_DEFAULT);
    NS::Error* error = nullptr;
    Ref<MTL::Library> library(device_.newLibrary(data, &error));
    dispatch_release(data);
    if (library) return std::make_shared<Library>(*this, std::move(library));
  }
  return compile(expanded_source(std::string(name) + ".metal"), false);
}

std::shared_ptr<Library> Pipelines::compile(const std::string& source, bool fast_math) {
  const std::string key = (fast_math ? 'f' : 's') + source;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = sources_.find(key); known != sources_.end()) {
      if (auto library = known->second.lock()) return library;
    }
  }
  auto library = std::make_shared<Library>(*this, build(source, fast_math));
  const std::lock_guard lock(mutex_);
  std::erase_if(sources_, [](const auto& entry) { return entry.second.expired(); });
  // Two threads may have compiled the same source: one of the two stays.
  const auto place = sources_.emplace(key, library).first;
  if (auto first = place->second.lock()) return first;
  place->second = library;
  return library;
}

Ref<MTL::Library> Pipelines::build(const std::string& source, bool fast_math) {
  const AutoreleaseScope scope;
  const double start = now();
  const Ref<MTL::CompileOptions> options(MTL::CompileOptions::alloc()->init());
  options->setFastMathEnabled(fast_math);                // setMathMode() needs macOS 15
  options->setLanguageVersion(MTL::LanguageVersion3_1);  // the first with bfloat
  NS::Error* error = nullptr;
  Ref<MTL::Library> library(device_.newLibrary(to_ns(source), options.get(), &error));
  // Warnings come as an error beside a library.
  if (!library) throw CompileError(describe(error));
  count(&PipelineStats::libraries, now() - start);
  return library;
}

void Pipelines::count(uint64_t PipelineStats::* what, double seconds) {
  const std::lock_guard lock(mutex_);
  ++(stats_.*what);
  stats_.compile_seconds += seconds;
}

PipelineStats Pipelines::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace bitmetal::gpu
