// What a GPU can do.
#pragma once

#include <cstdint>
#include <string>

#include "gpu/metal.hpp"

namespace bitmetal::gpu {

struct Capabilities {
  std::string name;
  int apple_family = 0;         // 7 for M1, 8 for M2, 9 for M3; 0 where none is reported
  bool unified_memory = false;  // host and GPU share one memory
  bool simdgroup_matrix = false;
  bool bfloat = false;   // MSL's bfloat
  bool tensors = false;  // Metal 4's tensor operations
  uint64_t max_buffer_bytes = 0;
  uint64_t max_threadgroup_bytes = 0;
  uint64_t max_threads_per_threadgroup = 0;
  uint64_t working_set_bytes = 0;  // what the system recommends to stay below
};

// By asking, and not by the family alone: a virtual machine's GPU reports an older one than it
// has. Compiles a small kernel for what no query answers.
Capabilities probe(MTL::Device& device);

}  // namespace bitmetal::gpu
