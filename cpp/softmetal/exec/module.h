// A compiled program in this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../msl/syntax.h"
#include "abi.h"
#include "executor.h"

namespace softmetal {

// Owns the loaded library. Function constants are ordinary variables of the program that are
// computed while it is loaded; each set of values therefore gets a copy of the library, patched, of
// its own.
class Module {
 public:
  // Throws CompileError when the file cannot be loaded.
  Module(const std::string& path, const msl::ConstantBytes& constants);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const sm_kernel& kernel(size_t i) const { return descriptor_->kernels[i]; }
  // Which of its arguments the function constants leave there; nullptr: all.
  const bool* given(size_t kernel) const;
  const std::string& path() const { return path_; }
  // What the loader added to the addresses in the file.
  uintptr_t load_address() const { return load_address_; }
  // True for an address in the library's own code and constants.
  bool contains(const void* address) const;

  struct Variable {
    uint64_t id;
    size_t offset, size;
  };
  // The kernel's threadgroup variables, laid out from offset 0, and the bytes they take.
  const std::vector<Variable>& variables(size_t kernel) const { return layouts_[kernel].variables; }
  size_t threadgroup_bytes(size_t kernel) const { return layouts_[kernel].bytes; }

 private:
  void lay_out();

  struct Layout {
    std::vector<Variable> variables;
    size_t bytes = 0;
  };
  std::string path_;
  void* handle_ = nullptr;
  const sm_module* descriptor_ = nullptr;
  uintptr_t load_address_ = 0;
  uintptr_t image_end_ = 0;
  std::vector<Layout> layouts_;
};

}  // namespace softmetal
