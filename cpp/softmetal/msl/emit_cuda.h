// Writes an MSL program as CUDA C++ for NVRTC.
#pragma once

#include <optional>
#include <string>

#include "analysis.h"
#include "syntax.h"

namespace softmetal::msl {

// The names under which the driver finds a kernel and, where it has arguments, what
// exec/cuda_abi.h says of them.
inline constexpr char kCudaEntry[] = "sm_entry";
inline constexpr char kCudaArguments[] = "sm_arguments";

// The translation of `program`, to stand behind the text of cuda_library(), with an entry for one
// kernel (an index in Program::kernels), or for none.
std::string emit_cuda(const Program& program, const Analysis& analysis,
                      std::optional<size_t> kernel, const ConstantBytes& constants);

}  // namespace softmetal::msl
