#include "gpu/archive.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "gpu/stream.h"

namespace bitmetal::gpu {
namespace fs = std::filesystem;
namespace {

// Whoever edits kernels of their own adds one with every edit; the library's own take a tenth.
constexpr uintmax_t kMaxFileBytes = uintmax_t{64} << 20;

fs::path cache_folder() {
  if (const char* own = std::getenv("BITMETAL_CACHE_DIR")) return own;
#ifndef __APPLE__
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg) {
    return fs::path(xdg) / "bitmetal";
  }
#endif
  const char* home = std::getenv("HOME");
  if (!home || !*home) return {};
#ifdef __APPLE__
  return fs::path(home) / "Library" / "Caches" / "bitmetal";
#else
  return fs::path(home) / ".cache" / "bitmetal";
#endif
}

NS::URL* url_of(const std::string& path) { return NS::URL::fileURLWithPath(to_ns(path)); }

}  // namespace

Archive::Archive(MTL::Device& device) : device_(device) {
  const AutoreleaseScope scope;
  const fs::path folder = cache_folder();
  std::error_code failure;
  if (folder.empty() || (fs::create_directories(folder, failure), failure)) return;
  std::string name = to_string(device.name());
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
  }
  path_ = (folder / (name + ".pipelines")).string();
}

void Archive::open() {
  opened_ = true;
  if (path_.empty()) return;
  const Ref<MTL::BinaryArchiveDescriptor> descriptor(MTL::BinaryArchiveDescriptor::alloc()->init());
  NS::Error* error = nullptr;
  std::error_code none;
  const uintmax_t bytes = fs::file_size(path_, none);
  if (!none && bytes <= kMaxFileBytes) {
    descriptor->setUrl(url_of(path_));
    archive_ = Ref<MTL::BinaryArchive>(device_.newBinaryArchive(descriptor.get(), &error));
    if (archive_) return;
    descriptor->setUrl(nullptr);
  }
  archive_ = Ref<MTL::BinaryArchive>(device_.newBinaryArchive(descriptor.get(), &error));
}

Archive::Result Archive::pipeline(MTL::Function& function, MTL::PipelineOption options,
                                  MTL::ComputePipelineReflection** reflection, NS::Error** error) {
  const std::lock_guard lock(mutex_);
  if (!opened_) open();
  const Ref<MTL::ComputePipelineDescriptor> descriptor(
      MTL::ComputePipelineDescriptor::alloc()->init());
  descriptor->setComputeFunction(&function);
  const auto build = [&](MTL::PipelineOption how, NS::Error** why) {
    return Ref<MTL::ComputePipelineState>(
        device_.newComputePipelineState(descriptor.get(), how, reflection, why));
  };
  if (!archive_) return {build(options, error), false};
  const NS::Object* archives[] = {archive_.get()};
  descriptor->setBinaryArchives(NS::Array::array(archives, 1));
  NS::Error* missing = nullptr;
  if (auto state = build(options | MTL::PipelineOptionFailOnBinaryArchiveMiss, &missing)) {
    return {std::move(state), true};
  }
  // Compiled into the archive, where the state then finds it: once, not twice.
  NS::Error* refused = nullptr;
  if (archive_->addComputePipelineFunctions(descriptor.get(), &refused)) ++fresh_;
  return {build(options, error), false};
}

void Archive::save() noexcept {
  if (Stream::in_forked_child()) return;
  const std::lock_guard lock(mutex_);
  if (!archive_ || fresh_ == 0) return;
  const AutoreleaseScope scope;
  const std::string fresh_path = path_ + "." + std::to_string(getpid());
  NS::Error* error = nullptr;
  std::error_code failure;
  if (archive_->serializeToURL(url_of(fresh_path), &error)) {
    fs::rename(fresh_path, path_, failure);
    if (!failure) fresh_ = 0;
  }
  fs::remove(fresh_path, failure);
}

}  // namespace bitmetal::gpu
