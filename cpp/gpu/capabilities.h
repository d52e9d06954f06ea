// What a GPU can do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gpu/metal.hpp"

namespace bitmetal::gpu {

struct Capabilities {
  std::string name;
  std::vector<std::string> families;  // those that it reports: "apple7" (M1), "metal3", ...
  bool unified_memory = false;        // host and GPU share one memory
  bool simdgroup_matrix = false;
  bool float_matrix = false;  // simdgroup matrices of float are no slower than multiplying by hand
  bool multiplies_matrices(bool of_float) const {
    return of_float ? float_matrix : simdgroup_matrix;
  }
  // Threads have registers for 128 sums (255 are said of NVIDIA's). Apple's would spill.
  bool large_tiles = false;
  bool bfloat = false;          // MSL's bfloat
  bool tensors = false;         // Metal 4's tensors
  bool residency_sets = false;  // as Residency uses them
  uint64_t max_buffer_bytes = 0;
  uint64_t max_threadgroup_bytes = 0;
  uint64_t max_threads_per_threadgroup = 0;
  uint64_t working_set_bytes = 0;  // what the system recommends to stay below
};

// By asking, and not by the family alone: a virtual machine's GPU reports an older one than it
// has. Compiles a small kernel for what no query answers.
Capabilities probe(MTL::Device& device);

}  // namespace bitmetal::gpu
