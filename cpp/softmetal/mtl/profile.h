// What a device says of itself: the limits of real Apple GPUs, as theirs report them, and those of
// this machine's NVIDIA GPU.
#pragma once

#include <Metal/MTLDevice.hpp>
#include <span>
#include <string_view>

namespace softmetal {

struct Profile {
  const char* id;            // "apple7"
  const char* device_name;   // what MTLDevice.name says
  const char* architecture;  // what MTLArchitecture.name says
  MTL::GPUFamily family;     // and all Apple families before it
  uint64_t memory;           // of the whole machine
  uint64_t max_buffer_length;
  uint32_t max_threads_per_group;
  uint32_t threadgroup_memory;
  bool unified_memory = true;  // shared buffers are as near to the GPU as private ones

  // The share that a 16 GB and a 64 GB machine reported.
  uint64_t working_set() const { return unified_memory ? memory / 3 * 2 : memory; }
  bool supports(MTL::GPUFamily asked) const;
};

std::span<const Profile> profiles();

// For devices created from now on. The first is that of the environment variable SOFTMETAL_PROFILE.
const Profile& current_profile();
bool set_current_profile(std::string_view id);

// Of cuda_gpu(), which there must be.
const Profile& cuda_profile();

}  // namespace softmetal
