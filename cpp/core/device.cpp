#include "bitmetal/device.h"

#include <pthread.h>

#include <atomic>
#include <mutex>

#include "bitmetal/error.h"
#include "core/backend.h"
#include "core/buffer_pool.h"
#include "core/machine.h"
#include "core/memory_pressure.h"
#include "core/profile.h"
#include "cpu/backend.h"
#ifdef BITMETAL_METAL_KIND
#include "gpu/backend.h"
#endif
#ifdef BITMETAL_SOFTMETAL
#include <softmetal/softmetal.h>
#endif

namespace bitmetal {

Device::Device(std::string kind, std::string name, bool unified_memory,
               std::unique_ptr<Backend> backend)
    : kind_(std::move(kind)),
      name_(std::move(name)),
      unified_memory_(unified_memory),
      backend_(std::move(backend)),
      pool_(std::make_unique<BufferPool>(*backend_)) {}

Device::~Device() = default;

namespace {

#ifdef BITMETAL_METAL_KIND
// "metal" where the build links Apple's frameworks, "softmetal" where it links ours.
constexpr std::string_view kMetalKind = BITMETAL_METAL_KIND;
// Ours shows an NVIDIA GPU as a Metal device with a memory of its own.
constexpr const char* kDiscreteKind = kMetalKind == "softmetal" ? "cuda" : "";
#endif

// Why a kind of device is not there, in words.
std::string reason_absent(std::string_view kind) {
#ifdef BITMETAL_METAL_KIND
  if (kind == kMetalKind) return "the system shows no Metal device";
  if (kind == "metal") return "needs macOS on Apple silicon";
  if (kind == "softmetal") return "is for Linux; this build uses Metal itself";
#ifdef BITMETAL_SOFTMETAL
  if (kind == "cuda") return softmetal_cuda_missing();
#endif
  if (kind == "cuda") return "is for Linux";
#else
  if (kind == "cuda") return BITMETAL_METAL_ABSENT;
  if (kind == "metal" || kind == "softmetal") return BITMETAL_METAL_ABSENT;
#endif
  return "this build has no such device";
}

// Never destroyed: arrays held by Python outlive static destructors.
const std::vector<Device*>& registry() {
  static const std::vector<Device*>& list = *[] {
    auto* found = new std::vector<Device*>;
    found->push_back(new Device("cpu", processor_name(), true, cpu::make_backend()));
#ifdef BITMETAL_METAL_KIND
    for (Device* gpu : gpu::open_devices(std::string(kMetalKind), kDiscreteKind)) {
      // The first is the default, which softmetal never is.
      found->insert(gpu->kind() == "softmetal" ? found->end() : found->begin(), gpu);
    }
#endif
    const auto lock = [] {
      for (Device* d : registry()) d->pool().lock();
      Profile::lock();
    };
    const auto unlock = [] {
      Profile::unlock();
      for (Device* d : registry()) d->pool().unlock();
    };
    pthread_atfork(lock, unlock, unlock);
    watch_pressure();
    return found;
  }();
  return list;
}

std::atomic<Device*> process_default{nullptr};
thread_local std::vector<Device*> entered;

}  // namespace

const std::vector<Device*>& devices() { return registry(); }

std::vector<Availability> availability() {
  std::vector<Availability> rows;
  for (std::string_view kind : {"metal", "cuda", "cpu", "softmetal"}) {
    rows.push_back({std::string(kind), false, reason_absent(kind)});
    for (Device* device : registry()) {
      if (device->kind() == kind) {
        rows.back() = {device->kind(), true, device->backend().describe()};
      }
    }
  }
  return rows;
}

Device& find_device(std::string_view kind) {
  for (Device* device : registry()) {
    if (device->kind() == kind) return *device;
  }
  std::string known;
  for (const Availability& row : availability()) {
    if (row.kind == kind) fail<DeviceError>("device: '", kind, "' is not available: ", row.reason);
    known += (known.empty() ? "'" : ", '") + row.kind + "'";
  }
  fail<ValueError>("device: '", kind, "' is not a kind of device, expected one of ", known);
}

Device& default_device() {
  if (!entered.empty()) return *entered.back();
  Device* chosen = process_default.load(std::memory_order_relaxed);
  return chosen ? *chosen : *registry().front();
}

void set_default_device(Device& device) { process_default = &device; }

void enter_device(Device& device) { entered.push_back(&device); }

void leave_device() {
  if (entered.empty()) fail<ValueError>("device: left more often than entered on this thread");
  entered.pop_back();
}

}  // namespace bitmetal
