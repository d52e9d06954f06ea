// MTLDevice.
#pragma once

#include <sys/types.h>

#include <Metal/MTLDevice.hpp>

#include "exec/executor.h"
#include "foundation/collections.h"
#include "foundation/error.h"
#include "foundation/string.h"
#include "mtl/profile.h"

namespace softmetal {

class Device : public Object {
 public:
  static Type type;

  Device(Executor& executor, const Profile& profile);
  ~Device();

  // The device that runs kernels on the processor; made anew when nobody held it.
  static Ref<Device> system_default();
  // The same for the NVIDIA GPU; null where there is none.
  static Ref<Device> cuda();

  // Memory that kernels reach, or null. `method` is who asks, for softmetal_last_error().
  void* allocate(const char* method, uint64_t bytes, Reach reach);
  void deallocate(void* data, uint64_t bytes, Reach reach);

  // A child that fork() made has the memory but none of the threads.
  bool is_in_forked_child() const;

  Executor& executor;
  const Profile& profile;

 private:
  friend struct DeviceMethods;
  const pid_t owner_;
  std::atomic<uint64_t> allocated_{0};
  std::atomic<bool> maximize_compilation_{false};
};

class Architecture : public Object {
 public:
  static Type type;

  Architecture() = default;
  explicit Architecture(const char* text) : name(string(text)) {}

  Ref<String> name;
};

// What most Metal objects have: a device, and a label that shows up in errors.
class DeviceObject : public Object {
 public:
  static Type type;

  Ref<Device> device;
  Ref<String> label;

 protected:
  DeviceObject() = default;
  explicit DeviceObject(Device& owner) : device(Ref<Device>::retain(&owner)) {}
};

}  // namespace softmetal
