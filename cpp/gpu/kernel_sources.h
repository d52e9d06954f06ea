// The files of metal/, embedded when the library is built (cmake/embed_kernels.cmake writes the
// definition).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bitmetal::gpu {

struct KernelSource {
  std::string_view file;
  std::string_view text;
};
std::span<const KernelSource> kernel_sources();

// metal/FAMILY.metal as Apple's compiler made a library of it, or nothing where the build had none.
std::string_view metallib_of(std::string_view family);

// A file with what it includes of metal/ in place, each header once.
std::string expanded_source(std::string_view file);

}  // namespace bitmetal::gpu
