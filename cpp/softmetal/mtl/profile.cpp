#include "mtl/profile.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "exec/executor.h"

namespace softmetal {

namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

// A buffer may have 9/16 of the memory, as a 16 GB and a 64 GB machine reported. A9's limits are
// those of Apple's feature set tables; the virtual machine's GPU reports less than it can do.
constexpr Profile kProfiles[] = {
    {"apple7", "softmetal (as Apple M1)", "applegpu_g13g", MTL::GPUFamilyApple7, 16 * kGiB,
     9 * kGiB, 1024, 32768, true},
    {"apple8", "softmetal (as Apple M2)", "applegpu_g14g", MTL::GPUFamilyApple8, 16 * kGiB,
     9 * kGiB, 1024, 32768, true},
    {"apple9", "softmetal (as Apple M3)", "applegpu_g15g", MTL::GPUFamilyApple9, 16 * kGiB,
     9 * kGiB, 1024, 32768, true},
    {"apple3", "softmetal (as Apple A9)", "applegpu_g9", MTL::GPUFamilyApple3, 2 * kGiB, kGiB / 4,
     512, 16384, true},
    {"paravirtual", "softmetal (as Apple Paravirtual device)", "applegpu_paravirtual",
     MTL::GPUFamilyApple5, 7 * kGiB, 7 * kGiB / 2, 1024, 32768, true},
};

const Profile* find(std::string_view id) {
  for (const Profile& profile : kProfiles) {
    if (id == profile.id) return &profile;
  }
  return nullptr;
}

const Profile* first() {
  const char* wanted = std::getenv("SOFTMETAL_PROFILE");
  if (wanted == nullptr) return &kProfiles[0];
  if (const Profile* found = find(wanted)) return found;
  std::fprintf(stderr, "softmetal: SOFTMETAL_PROFILE is '%s', expected one of", wanted);
  for (const Profile& profile : kProfiles) std::fprintf(stderr, " '%s'", profile.id);
  std::fputc('\n', stderr);
  std::abort();
}

std::atomic<const Profile*>& current() {
  static std::atomic<const Profile*> profile{first()};
  return profile;
}

}  // namespace

bool Profile::supports(MTL::GPUFamily asked) const {
  switch (asked) {
    case MTL::GPUFamilyMac1:
    case MTL::GPUFamilyMac2:
    case MTL::GPUFamilyCommon1:
    case MTL::GPUFamilyCommon2: return true;
    case MTL::GPUFamilyCommon3:
    case MTL::GPUFamilyMetal3: return family >= MTL::GPUFamilyApple7;
    default: return asked >= MTL::GPUFamilyApple1 && asked <= family;
  }
}

std::span<const Profile> profiles() { return kProfiles; }

const Profile& current_profile() { return *current().load(); }

const Profile& cuda_profile() {
  // Kernels find what the last family has, M3's: bfloat, SIMD-group matrices, atomic floats.
  static const Profile profile = {"cuda",
                                  cuda_gpu().name.c_str(),
                                  cuda_gpu().architecture.c_str(),
                                  MTL::GPUFamilyApple9,
                                  cuda_gpu().memory,
                                  cuda_gpu().memory,
                                  1024,
                                  32768,
                                  false};
  return profile;
}

bool set_current_profile(std::string_view id) {
  const Profile* found = find(id);
  if (found != nullptr) current().store(found);
  return found != nullptr;
}

}  // namespace softmetal
