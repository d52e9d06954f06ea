// Devices: where arrays live and operations run.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bitmetal {

class Backend;
class BufferPool;

// One device of the machine. Devices live as long as the process; a reference never dangles.
class Device {
 public:
  Device(std::string kind, std::string name, bool unified_memory, std::unique_ptr<Backend> backend);
  ~Device();

  const std::string& kind() const { return kind_; }        // "cpu", "softmetal", "cuda", "metal"
  const std::string& name() const { return name_; }        // the hardware's own name
  bool unified_memory() const { return unified_memory_; }  // the host reads arrays in place
  Backend& backend() const { return *backend_; }
  BufferPool& pool() const { return *pool_; }

 private:
  std::string kind_;
  std::string name_;
  bool unified_memory_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<BufferPool> pool_;
};

// What this machine has, best first.
const std::vector<Device*>& devices();

// By kind; throws DeviceError with the reason when it is absent.
Device& find_device(std::string_view kind);

// Why a kind of device is or is not there, one row a kind.
struct Availability {
  std::string kind;
  bool available;
  std::string reason;
};
std::vector<Availability> availability();

// The device that new arrays get: the innermost one entered by this thread, else the process's
// default, else the best there is.
Device& default_device();
void set_default_device(Device& device);
void enter_device(Device& device);
void leave_device();

}  // namespace bitmetal
