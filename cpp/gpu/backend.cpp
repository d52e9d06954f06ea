#include "gpu/backend.h"

#include <unistd.h>

#include <atomic>

#include "bitmetal/device.h"
#include "core/machine.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// Below this many bytes a copy takes less time than mapping memory for the GPU.
constexpr size_t kLeastWrapped = size_t{64} << 10;

constexpr MTL::ResourceOptions kOptions =
    MTL::ResourceStorageModeShared | MTL::ResourceHazardTrackingModeUntracked;

}  // namespace

GpuBackend::GpuBackend(Ref<MTL::Device> device, const std::string& kind)
    : device_(std::move(device)),
      capabilities_(probe(*device_.get())),
      pipelines_(*device_.get()),
      stream_(*device_.get(), kind) {}

std::string GpuBackend::describe() const {
  return cat(capabilities_.name, ", ", capabilities_.working_set_bytes >> 20, " MiB");
}

bool GpuBackend::supports(DType dtype) const {
  return dtype != DType::f64 && (dtype != DType::bf16 || capabilities_.bfloat);
}

Block GpuBackend::allocate(size_t bytes) {
  stream_.require_own_process();
  const AutoreleaseScope scope;
  Ref<MTL::Buffer> buffer(device_->newBuffer(bytes, kOptions));
  if (!buffer) return {};
  auto* handle = new Buffer(std::move(buffer));
  return {handle->base, bytes, handle};
}

void GpuBackend::release(Block block) {
  if (Stream::in_forked_child()) return;  // the buffer is the parent's
  const AutoreleaseScope scope;
  delete static_cast<Buffer*>(block.handle);
}

void GpuBackend::renew(const Block& block) {
  static_cast<Buffer*>(block.handle)->last_written = 0;  // last_used stays: the host has to wait
}

bool GpuBackend::wrap(Block& block) {
  stream_.require_own_process();
  if (block.bytes < kLeastWrapped || block.bytes > capabilities_.max_buffer_bytes) return false;
  const uintptr_t page = page_size();
  const auto begin = reinterpret_cast<uintptr_t>(block.data) & ~(page - 1);
  const auto end = (reinterpret_cast<uintptr_t>(block.data) + block.bytes + page - 1) & ~(page - 1);
  const AutoreleaseScope scope;
  Ref<MTL::Buffer> buffer(
      device_->newBuffer(reinterpret_cast<void*>(begin), end - begin, kOptions, nullptr));
  if (!buffer) return false;
  block.handle = new Buffer(std::move(buffer));
  return true;
}

void GpuBackend::unwrap(const Block& block) { release(block); }

void GpuBackend::host_reads(const Array& a) { stream_.wait(buffer_of(a).last_written); }

void GpuBackend::host_writes(const Array& a) {
  // A failure matters to readers only: what is about to be written makes up for it.
  stream_.wait_until_completed(buffer_of(a).last_used);
  buffer_of(a).last_written = 0;
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

std::atomic<GpuBackend*> opened{nullptr};

}  // namespace

void save_archives() noexcept {
  if (GpuBackend* backend = opened.load()) backend->pipelines().archive().save();
}

Device* open_device(const std::string& kind) {
  Ref<MTL::Device> metal(MTL::CreateSystemDefaultDevice());
  if (!metal) return nullptr;
  auto backend = std::make_unique<GpuBackend>(std::move(metal), kind);
  const Capabilities c = backend->capabilities();
  opened = backend.get();
  return new Device(kind, c.name, c.unified_memory, std::move(backend));
}

GpuBackend* backend_of(const Device& device) {
  return dynamic_cast<GpuBackend*>(&device.backend());
}

}  // namespace bitmetal::gpu
