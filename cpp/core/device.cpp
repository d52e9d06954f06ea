#include "bitmetal/device.h"

#include <pthread.h>

#include <atomic>
#include <mutex>

#include "bitmetal/error.h"
#include "core/backend.h"
#include "core/buffer_pool.h"
#include "core/machine.h"
#include "cpu/backend.h"

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

// Never destroyed: arrays held by Python outlive static destructors.
const std::vector<Device*>& registry() {
  static const std::vector<Device*>& list = *[] {
    auto* found = new std::vector<Device*>;
    found->push_back(new Device("cpu", processor_name(), true, cpu::make_backend()));
    pthread_atfork(
        [] {
          for (Device* d : registry()) d->pool().lock();
        },
        [] {
          for (Device* d : registry()) d->pool().unlock();
        },
        [] {
          for (Device* d : registry()) d->pool().unlock();
        });
    return found;
  }();
  return list;
}

std::atomic<Device*> process_default{nullptr};
thread_local std::vector<Device*> entered;

}  // namespace

const std::vector<Device*>& devices() { return registry(); }

std::vector<Availability> availability() {
  return {{"metal", false, "this build has no Metal device yet"},
          {"cuda", false, "this build has no CUDA device yet"},
          {"cpu", true, cpu::describe()},
          {"softmetal", false, "this build has no softmetal device yet"}};
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
