#include "mtl/profile.h"

#include <atomic>

namespace softmetal {

namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

constexpr Profile kProfiles[] = {
    {"apple7", "softmetal (as Apple M1)", "applegpu_g13g", MTL::GPUFamilyApple7, 16 * kGiB, 1024,
     32768},
    {"apple8", "softmetal (as Apple M2)", "applegpu_g14g", MTL::GPUFamilyApple8, 16 * kGiB, 1024,
     32768},
    {"apple9", "softmetal (as Apple M3)", "applegpu_g15g", MTL::GPUFamilyApple9, 16 * kGiB, 1024,
     32768},
};

std::atomic<const Profile*> current{&kProfiles[0]};

}  // namespace

bool Profile::supports(MTL::GPUFamily asked) const {
  switch (asked) {
    case MTL::GPUFamilyMac1:
    case MTL::GPUFamilyMac2:
    case MTL::GPUFamilyCommon1:
    case MTL::GPUFamilyCommon2:
    case MTL::GPUFamilyCommon3:
    case MTL::GPUFamilyMetal3: return true;
    default: return asked >= MTL::GPUFamilyApple1 && asked <= family;
  }
}

std::span<const Profile> profiles() { return kProfiles; }

const Profile& current_profile() { return *current.load(); }

bool set_current_profile(std::string_view id) {
  for (const Profile& profile : kProfiles) {
    if (id == profile.id) {
      current.store(&profile);
      return true;
    }
  }
  return false;
}

}  // namespace softmetal
