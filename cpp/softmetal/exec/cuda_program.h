// An MSL program for NVIDIA GPUs: translated, compiled, kept on disk. Needs no GPU.
#pragma once

#include <memory>
#include <string>

#include "nvrtc.h"
#include "source_program.h"

namespace softmetal {

class CudaCompiler {
 public:
  CudaCompiler(const Nvrtc& nvrtc, int capability) : nvrtc_(nvrtc), capability_(capability) {}

  // Throws CompileError for what can be seen before a kernel is asked for: templates are not
  // instantiated. A program that passed once is remembered.
  std::shared_ptr<const SourceProgram> parse(std::string_view msl,
                                             const CompileOptions& options) const;

  // A cubin with one kernel (msl::kCudaEntry), its constants fixed.
  std::string build(const SourceProgram& program, size_t kernel,
                    const msl::ConstantBytes& constants) const;

 private:
  const Nvrtc& nvrtc_;
  int capability_;
};

}  // namespace softmetal
