// MTLResidencySet. Host memory is always resident: the set keeps its allocations alive, and its
// counts.
#pragma once

#include <mutex>
#include <vector>

#include "mtl/buffer.h"

namespace softmetal {

class ResidencySet : public DeviceObject {
 public:
  static Type type;

  explicit ResidencySet(Device& device) : DeviceObject(device) {}

 private:
  friend struct ResidencySetMethods;

  std::mutex mutex_;
  std::vector<Ref<Allocation>> pending_;    // as it will be after commit
  std::vector<Ref<Allocation>> committed_;  // in the order added, none twice
};

}  // namespace softmetal
