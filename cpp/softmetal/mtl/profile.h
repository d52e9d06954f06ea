// The limits of real Apple GPUs, as their devices report them.
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

  // The share that a 16 GB and a 64 GB machine reported.
  uint64_t working_set() const { return memory / 3 * 2; }
  bool supports(MTL::GPUFamily asked) const;
};

std::span<const Profile> profiles();

// For devices created from now on. The first is that of the environment variable SOFTMETAL_PROFILE.
const Profile& current_profile();
bool set_current_profile(std::string_view id);

}  // namespace softmetal
