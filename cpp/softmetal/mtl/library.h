// MTLLibrary, MTLFunction and the values of function constants.
#pragma once

#include <Metal/MTLLibrary.hpp>
#include <memory>
#include <vector>

#include "mtl/descriptors.h"
#include "mtl/device.h"

namespace softmetal {

class FunctionConstantValues : public Object {
 public:
  static Type type;

  std::vector<ConstantValue> values;
};

class FunctionConstantObject : public Object {
 public:
  static Type type;

  FunctionConstantObject() = default;
  explicit FunctionConstantObject(const FunctionConstant& constant)
      : name(string(constant.name)),
        data_type(static_cast<MTL::DataType>(constant.type)),
        index(constant.index),
        required(constant.required) {}

  Ref<String> name;
  MTL::DataType data_type = MTL::DataTypeNone;
  uint64_t index = 0;
  bool required = false;
};

class Library : public DeviceObject {
 public:
  static Type type;

  Library(Device& device, std::shared_ptr<const Program> program, std::string key,
          uint64_t max_total_threads);

  const KernelInfo* find(std::string_view name) const;

  const std::shared_ptr<const Program> program;
  const std::string key;             // of everything that decided the program
  const uint64_t max_total_threads;  // the compile option; 0 where unset
};

class Function : public DeviceObject {
 public:
  static Type type;

  Function(Library& library, const KernelInfo& info, std::string name,
           std::vector<ConstantValue> constants, std::shared_ptr<const Kernel> kernel);

  // The kernel itself. Throws CompileError where required constants have no value.
  std::shared_ptr<const Kernel> kernel() const;
  // Of everything that decides the kernel.
  std::string key() const;

  const Ref<Library> library;
  const KernelInfo& info;
  const std::string name;  // the specialized name where one was given
  const std::vector<ConstantValue> constants;

 private:
  const std::shared_ptr<const Kernel> kernel_;  // null where made without constant values
};

// Compiles, or reports why not and answers null.
Ref<Library> new_library(Device& device, std::string_view source,
                         const CompileOptionsObject* options, Error** error);
Ref<Library> new_library_from_file(Device& device, const std::string& path, Error** error);
// Of a file's or a memory block's bytes: MSL source. Apple's compiled libraries are refused.
Ref<Library> new_library_from_bytes(Device& device, std::string_view bytes, Error** error);

}  // namespace softmetal
