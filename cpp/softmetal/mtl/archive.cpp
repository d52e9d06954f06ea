#include "mtl/archive.h"

#include <fstream>

#include "foundation/constants.h"

namespace softmetal {

namespace {

// First line of the file; each further one is a key in hexadecimal.
constexpr std::string_view kHeader = "softmetal binary archive 1";

// 64-bit FNV-1a: the same in every process, which std::hash need not be.
uint64_t hash_key(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

Ref<Error> archive_error(MTL::BinaryArchiveError code, const std::string& text) {
  return make_error(*MTLBinaryArchiveDomain, static_cast<int64_t>(code), text);
}

}  // namespace

bool BinaryArchive::contains(const Function& function) {
  std::lock_guard lock(mutex_);
  return keys_.contains(hash_key(function.key()));
}

bool archives_contain(const Array* archives, const Function& function) {
  if (archives == nullptr) return false;
  for (const Ref<Object>& each : archives->objects) {
    auto* archive = cast<BinaryArchive>(each.get());
    if (archive != nullptr && archive->contains(function)) return true;
  }
  return false;
}

Ref<BinaryArchive> new_archive(Device& device, BinaryArchiveDescriptor* descriptor, Error** error) {
  auto archive = make<BinaryArchive>(device);
  if (descriptor == nullptr || !descriptor->url) return archive;
  const std::string& path = descriptor->url->path();
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line != kHeader) {
    report(error, archive_error(MTL::BinaryArchiveErrorInvalidFile,
                                '"' + path + "\" is no binary archive of softmetal"));
    return nullptr;
  }
  uint64_t key = 0;
  while (file >> std::hex >> key) archive->keys_.insert(key);
  if (!file.eof()) {
    report(error, archive_error(MTL::BinaryArchiveErrorInvalidFile, '"' + path + "\" is damaged"));
    return nullptr;
  }
  return archive;
}

struct ArchiveMethods : BinaryArchive {
  bool add_pipeline(ComputePipelineDescriptor* descriptor, Error** error) {
    // Compiled now, so that the executor's cache has it.
    if (!new_pipeline(*device, descriptor->function.get(), descriptor, MTL::PipelineOptionNone,
                      error)) {
      return false;
    }
    std::lock_guard lock(mutex_);
    keys_.insert(hash_key(descriptor->function->key()));
    return true;
  }

  bool serialize(URL* url, Error** error) {
    std::lock_guard lock(mutex_);
    std::ofstream file(url->path(), std::ios::trunc);
    file << kHeader << '\n' << std::hex;
    for (const uint64_t key : keys_) file << key << '\n';
    file.flush();
    if (!file) {
      report(error, archive_error(MTL::BinaryArchiveErrorInternalError,
                                  "cannot write \"" + url->path() + '"'));
      return false;
    }
    return true;
  }
};

namespace {

constexpr Method kMethods[] = {
    method<&ArchiveMethods::add_pipeline>("addComputePipelineFunctionsWithDescriptor:error:"),
    method<&ArchiveMethods::serialize>("serializeToURL:error:"),
};

}  // namespace

constinit Type BinaryArchive::type =
    Type::define<BinaryArchive, Life::internal>("MTLBinaryArchive", &DeviceObject::type, kMethods);

}  // namespace softmetal
