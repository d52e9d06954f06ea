#include "gpu/backend.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "bitmetal/device.h"
#include "core/machine.h"
#include "core/profile.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// Below this many bytes a copy takes less time than mapping memory for the GPU.
constexpr size_t kLeastWrapped = size_t{64} << 10;

constexpr MTL::ResourceOptions kShared =
    MTL::ResourceStorageModeShared | MTL::ResourceHazardTrackingModeUntracked;
constexpr MTL::ResourceOptions kPrivate =
    MTL::ResourceStorageModePrivate | MTL::ResourceHazardTrackingModeUntracked;

// Long enough for the bus to be busy, short enough to pin.
constexpr size_t kStagingBytes = size_t{32} << 20;

}  // namespace

GpuBackend::GpuBackend(Ref<MTL::Device> device, const std::string& kind)
    : device_(std::move(device)),
      capabilities_(probe(*device_.get())),
      pipelines_(*device_.get()),
      residency_(*device_.get(), capabilities_.working_set_bytes),
      stream_(*device_.get(), kind, residency_) {}

std::string GpuBackend::describe() const {
  return cat(capabilities_.name, ", ", capabilities_.working_set_bytes >> 20, " MiB");
}

std::vector<std::pair<std::string, Capability>> GpuBackend::list_capabilities() {
  const Capabilities& c = capabilities_;
  // A pipeline knows it, no query of the device does.
  const uint64_t simd_width = pipelines_.get("fill", "fill_8").simd_width;
  return {{"memory_bytes", uint64_t{memory()}},
          {"families", c.families},
          {"simd_width", simd_width},
          {"simdgroup_matrix", c.simdgroup_matrix},
          {"bfloat16", c.bfloat},
          {"tensors", c.tensors},
          {"residency_sets", c.residency_sets},
          {"max_buffer_bytes", c.max_buffer_bytes},
          {"max_threadgroup_bytes", c.max_threadgroup_bytes},
          {"max_threads_per_threadgroup", c.max_threads_per_threadgroup},
          {"working_set_bytes", c.working_set_bytes}};
}

bool GpuBackend::supports(DType dtype) const {
  return dtype != DType::f64 && (dtype != DType::bf16 || capabilities_.bfloat);
}

Block GpuBackend::allocate(size_t bytes, Memory memory) {
  stream_.require_own_process();
  const AutoreleaseScope scope;
  Ref<MTL::Buffer> buffer(device_->newBuffer(bytes, memory == Memory::shared ? kShared : kPrivate));
  if (!buffer) return {};
  residency_.add(*buffer.get());
  auto* handle = new Buffer(std::move(buffer));
  return {handle->base, bytes, handle, memory};
}

void GpuBackend::release(Block block) {
  if (Stream::in_forked_child()) return;  // the buffer is the parent's
  const AutoreleaseScope scope;
  auto* buffer = static_cast<Buffer*>(block.handle);
  residency_.remove(*buffer->metal.get());
  delete buffer;
}

void GpuBackend::renew(const Block& block) {
  static_cast<Buffer*>(block.handle)->last_written = 0;  // last_used stays: the host has to wait
}

bool GpuBackend::wrap(Block& block) {
  stream_.require_own_process();
  if (!capabilities_.unified_memory) return false;
  if (block.bytes < kLeastWrapped || block.bytes > capabilities_.max_buffer_bytes) return false;
  const uintptr_t page = page_size();
  const auto begin = reinterpret_cast<uintptr_t>(block.data) & ~(page - 1);
  const auto end = (reinterpret_cast<uintptr_t>(block.data) + block.bytes + page - 1) & ~(page - 1);
  const AutoreleaseScope scope;
  Ref<MTL::Buffer> buffer(
      device_->newBuffer(reinterpret_cast<void*>(begin), end - begin, kShared, nullptr));
  if (!buffer) return false;
  residency_.add(*buffer.get());
  block.handle = new Buffer(std::move(buffer));
  return true;
}

void GpuBackend::unwrap(const Block& block) { release(block); }

std::pair<void*, size_t> GpuBackend::object_of(const Array& a) {
  if (!capabilities_.unified_memory) return {};
  const Buffer& buffer = buffer_of(a);
  return {buffer.metal.get(), static_cast<size_t>(a.data() - buffer.base)};
}

Block GpuBackend::wrap_object(void* object) {
  stream_.require_own_process();
  auto* metal = static_cast<MTL::Buffer*>(object);
  if (!capabilities_.unified_memory || metal->device() != device_.get()) return {};
  residency_.add(*metal);
  auto* buffer = new Buffer(Ref<MTL::Buffer>::retain(metal));
  // Another handle may have work under way on the same memory.
  buffer->last_used = buffer->last_written = stream_.next_serial() - 1;
  const bool shared = metal->storageMode() != MTL::StorageModePrivate;
  return {buffer->base, metal->length(), buffer, shared ? Memory::shared : Memory::device};
}

void GpuBackend::host_reads(const Array& a) { stream_.wait(buffer_of(a).last_written); }

void GpuBackend::host_writes(const Array& a) {
  // A failure matters to readers only: what is about to be written makes up for it.
  stream_.wait_until_completed(buffer_of(a).last_used);
  buffer_of(a).last_written = 0;
}

void GpuBackend::upload(const void* from, const Array& to) {
  if (to.host_visible()) return Backend::upload(from, to);
  host_writes(to);
  transfer(to, static_cast<std::byte*>(const_cast<void*>(from)), Way::up);
}

void GpuBackend::download(const Array& from, void* to) {
  if (from.host_visible()) return Backend::download(from, to);
  host_reads(from);
  transfer(from, static_cast<std::byte*>(to), Way::down);
}

void GpuBackend::transfer(const Array& a, std::byte* host, Way way) {
  constexpr size_t kUnit = 4;  // Metal copies whole words
  std::optional<ProfileScope> scope_of_copy;
  if (Profile::active()) {
    scope_of_copy.emplace(way == Way::up ? "copy to the device" : "copy to the host",
                          a.device().kind(), a.bytes());
  }
  const AutoreleaseScope scope;
  const std::lock_guard lock(staging_mutex_);
  if (!staging_) staging_ = Ref<MTL::Buffer>(device_->newBuffer(kStagingBytes, kShared));
  if (!staging_) fail<OutOfMemory>("memory: no staging buffer for copies between host and GPU");
  auto* const stage = static_cast<std::byte*>(staging_->contents());
  const Buffer& buffer = buffer_of(a);
  const size_t begin = static_cast<size_t>(a.data() - buffer.base), end = begin + a.bytes();
  for (size_t at = begin / kUnit * kUnit; at < end; at += kStagingBytes) {
    const size_t stop = std::min(end, at + kStagingBytes), first = std::max(at, begin);
    const size_t whole = (stop - at + kUnit - 1) / kUnit * kUnit;
    const bool partial = first != at || whole != stop - at;
    if (way == Way::down || partial)
      stream_.copy(*buffer.metal.get(), at, *staging_.get(), 0, whole);
    if (way == Way::down) {
      std::memcpy(host + (first - begin), stage + (first - at), stop - first);
    } else {
      std::memcpy(stage + (first - at), host + (first - begin), stop - first);
      stream_.copy(*staging_.get(), 0, *buffer.metal.get(), at, whole);
    }
  }
}

size_t GpuBackend::memory() const {
  return capabilities_.unified_memory ? Backend::memory() : capabilities_.working_set_bytes;
}

uint64_t GpuBackend::begin_batch() {
  stream_.commit();  // what came before does not belong to the batch
  stream_.hold();
  return stream_.next_serial();
}

uint64_t GpuBackend::end_batch() {
  stream_.unhold();
  stream_.commit();
  return stream_.next_serial() - 1;
}

void GpuBackend::run(std::string_view family, const std::string& kernel,
                     const FunctionConstants& constants, std::initializer_list<Argument> arguments,
                     const Grid& grid) {
  stream_.require_own_process();
  stream_.dispatch(pipelines_.get(family, kernel, constants),
                   std::span(arguments.begin(), arguments.size()), grid);
}

Array forwards(const Array& a) {
  for (int i = 0; i < a.rank(); ++i) {
    if (a.stride(i) < 0 && a.shape(i) > 1) return bitmetal::copy(a);
  }
  return a;
}

namespace {

// Never destroyed: written once, when the devices are looked for.
std::vector<GpuBackend*>& opened() {
  static auto& all = *new std::vector<GpuBackend*>;
  return all;
}

Device* open(Ref<MTL::Device> metal, const std::string& kind) {
  auto backend = std::make_unique<GpuBackend>(std::move(metal), kind);
  const Capabilities c = backend->capabilities();
  opened().push_back(backend.get());
  return new Device(kind, c.name, c.unified_memory, std::move(backend));
}

}  // namespace

void save_archives() noexcept {
  for (GpuBackend* backend : opened()) backend->pipelines().archive().save();
}

std::vector<Device*> open_devices(const std::string& kind, const std::string& discrete_kind) {
  const AutoreleaseScope scope;
  std::vector<Device*> found;
  if (Ref<MTL::Device> metal{MTL::CreateSystemDefaultDevice()}) found.push_back(open(metal, kind));
  if (discrete_kind.empty()) return found;
  NS::Array* all = MTL::CopyAllDevices();
  for (NS::UInteger i = 0; i < all->count(); ++i) {
    auto* device = all->object<MTL::Device>(i);
    if (device->hasUnifiedMemory()) continue;
    found.push_back(open(Ref<MTL::Device>::retain(device), discrete_kind));
    break;  // one device a kind
  }
  all->release();
  return found;
}

Array elements_from(const Array& a, int64_t lowest) {
  const auto [begin, end] = byte_range(a);
  const auto count = (end - begin) / static_cast<int64_t>(size_of(a.dtype()));
  return a.with({count}, {1}, lowest);
}

GpuBackend* backend_of(const Device& device) {
  return dynamic_cast<GpuBackend*>(&device.backend());
}

}  // namespace bitmetal::gpu
