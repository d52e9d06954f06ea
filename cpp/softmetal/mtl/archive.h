// MTLBinaryArchive. It holds keys, one for each kernel it was given; the compiled code itself is in
// the executor's cache on disk, where the same key finds it.
#pragma once

#include <Metal/MTLBinaryArchive.hpp>
#include <mutex>
#include <set>

#include "mtl/pipeline.h"

namespace softmetal {

class BinaryArchive : public DeviceObject {
 public:
  static Type type;

  explicit BinaryArchive(Device& device) : DeviceObject(device) {}

  bool contains(const Function& function);

 private:
  friend struct ArchiveMethods;
  friend Ref<BinaryArchive> new_archive(Device&, BinaryArchiveDescriptor*, Error**);

  std::mutex mutex_;
  std::set<uint64_t> keys_;
};

Ref<BinaryArchive> new_archive(Device& device, BinaryArchiveDescriptor* descriptor, Error** error);

// Of an NSArray of archives, or nil.
bool archives_contain(const Array* archives, const Function& function);

}  // namespace softmetal
