// Compiled pipelines on disk, so that a second process need not compile them again.
//
// One file a GPU, in BITMETAL_CACHE_DIR, else where the system keeps caches:
// ~/Library/Caches/bitmetal on macOS, $XDG_CACHE_HOME/bitmetal or ~/.cache/bitmetal elsewhere. An
// empty BITMETAL_CACHE_DIR, or no such folder, means none. A file that Metal does not take
// (damaged, of another system's version), or that has grown large, is forgotten and written anew.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "gpu/object.h"

namespace bitmetal::gpu {

// All members may be called from any thread.
class Archive {
 public:
  explicit Archive(MTL::Device& device);

  struct Result {
    Ref<MTL::ComputePipelineState> state;  // null where the kernel cannot be built, see `error`
    bool found = false;                    // in the file
  };
  // Reflection and error are autoreleased.
  Result pipeline(MTL::Function& function, MTL::PipelineOption options,
                  MTL::ComputePipelineReflection** reflection, NS::Error** error);

  // Writes what is new to the file, in one step: other processes see the old one or the new one.
  // Throws nothing: what cannot be kept is compiled again.
  void save() noexcept;

  const std::string& path() const { return path_; }  // "" for none

 private:
  void open();

  MTL::Device& device_;
  std::string path_;
  std::mutex mutex_;
  Ref<MTL::BinaryArchive> archive_;
  bool opened_ = false;
  uint64_t fresh_ = 0;  // pipelines that the file has not
};

}  // namespace bitmetal::gpu
