// Runs kernels on an NVIDIA GPU: one stream, on which everything follows in order.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include "../msl/emit_cuda.h"
#include "abi.h"
#include "cuda_abi.h"
#include "cuda_driver.h"
#include "cuda_program.h"
#include "executor.h"

namespace softmetal {
namespace {

using cuda::Address;
using cuda::Handle;

constexpr size_t kThreadgroupAlignment = 16;
constexpr uint32_t kMaxThreads = 1024;
// CUDA's limits of a grid, in blocks.
constexpr uint32_t kMaxBlocks[3] = {0x7fffffff, 65535, 65535};
// What arguments that nobody set point to: kernels read those that a function constant disables.
constexpr size_t kUnboundBytes = size_t{1} << 20;
// Where copied bytes lie that a kernel takes a pointer to. Metal copies 4096 bytes at most.
constexpr size_t kRingBytes = size_t{1} << 20;

Address address_of(const void* data) { return reinterpret_cast<uintptr_t>(data); }

// The GPU of this process. The primary context is the one that other libraries use, so that arrays
// can be shared with them.
class Gpu {
 public:
  Gpu(const cuda::Driver& driver, int device) : driver_(driver), device_(device) {}

  const cuda::Driver& driver() const { return driver_; }

  // The driver, for the calling thread. The context is made here first: looking for a GPU is cheap.
  const cuda::Driver& use() {
    std::call_once(once_, [&] {
      check(driver_.retain_context(&context_, device_));
      check(driver_.set_context(context_));
      check(driver_.create_stream(&stream_, cuda::kStreamNonBlocking));
    });
    thread_local const Gpu* current = nullptr;
    if (current != this) check(driver_.set_context(context_));
    current = this;
    return driver_;
  }

  Handle stream() const { return stream_; }
  bool lost() const { return lost_.load(); }

  void check(cuda::Result result) {
    if (result == 0) return;
    // After an error that a kernel made, the driver answers every call with it.
    const std::string text = driver_.describe(result);
    if (result >= 700 && result < 800 && result != cuda::kAlreadyRegistered) lost_ = true;
    throw ExecutionError("the GPU reports " + text);
  }

  void wait() { check(use().wait_for_stream(stream_)); }

  // Room for bytes that a kernel is to read, until much more has been asked for.
  Address place(const void* bytes, size_t size) {
    const std::lock_guard lock(mutex_);
    if (!ring_) check(use().allocate(&ring_, kRingBytes));
    if (ring_at_ + size > kRingBytes) {
      wait();
      ring_at_ = 0;
    }
    const Address at = ring_ + ring_at_;
    ring_at_ += (size + 255) / 256 * 256;
    check(driver_.copy(at, address_of(bytes), size, stream_));
    return at;
  }

  Address unbound() {
    const std::lock_guard lock(mutex_);
    if (!unbound_) {
      check(use().allocate(&unbound_, kUnboundBytes));
      check(driver_.fill(unbound_, 0, kUnboundBytes, stream_));
    }
    return unbound_;
  }

 private:
  const cuda::Driver& driver_;
  const int device_;
  std::once_flag once_;
  Handle context_ = nullptr, stream_ = nullptr;
  std::atomic<bool> lost_{false};
  std::mutex mutex_;
  Address ring_ = 0, unbound_ = 0;
  size_t ring_at_ = 0;
};

// A run of threadgroups along one axis whose size is one.
struct Segment {
  uint32_t first, count, size;
};

std::vector<Segment> segments(uint64_t threads, uint32_t size, uint32_t limit, bool whole) {
  std::vector<Segment> out;
  const auto full = static_cast<uint32_t>(whole ? (threads + size - 1) / size : threads / size);
  for (uint32_t at = 0; at < full; at += limit)
    out.push_back({at, std::min(limit, full - at), size});
  const auto rest = static_cast<uint32_t>(threads % size);
  if (!whole && rest) out.push_back({full, 1, rest});
  return out;
}

class CudaKernel final : public Kernel {
 public:
  CudaKernel(Gpu& gpu, std::shared_ptr<const SourceProgram> program, size_t index,
             const msl::ConstantBytes& constants, const std::string& code)
      : gpu_(gpu), program_(std::move(program)), info_(program_->kernels()[index]) {
    const cuda::Driver& driver = gpu_.use();
    gpu_.check(driver.load_module(&module_, code.data()));
    gpu_.check(driver.module_function(&function_, module_, msl::kCudaEntry));
    int threads = 0, bytes = 0;
    gpu_.check(driver.function_attribute(&threads, cuda::kMaxThreadsPerBlock, function_));
    gpu_.check(driver.function_attribute(&bytes, cuda::kSharedBytes, function_));
    max_threads_ = static_cast<uint32_t>(threads);
    static_bytes_ = static_cast<size_t>(bytes);
    read_descriptions();
    for (const Argument& argument : info_.arguments)
      absent_.push_back(program_->is_absent(index, argument, constants));
    visible_ = info_;
    visible_.arguments.clear();
    for (size_t i = 0; i < info_.arguments.size(); ++i)
      if (!absent_[i]) visible_.arguments.push_back(info_.arguments[i]);
  }
  ~CudaKernel() override {
    if (module_) gpu_.driver().unload_module(module_);
  }

  const KernelInfo& info() const override { return visible_; }
  size_t static_threadgroup_bytes() const override { return static_bytes_; }
  uint32_t max_threads() const override { return max_threads_; }
  void run(const Launch& launch) const override;

 private:
  void read_descriptions() {
    std::vector<sm_cuda_argument> described(info_.arguments.size());
    by_value_.resize(described.size());
    if (described.empty()) return;
    const cuda::Driver& driver = gpu_.use();
    Address at = 0;
    size_t size = 0;
    gpu_.check(driver.module_global(&at, &size, module_, msl::kCudaArguments));
    gpu_.check(driver.copy(address_of(described.data()), at, described.size() * sizeof described[0],
                           gpu_.stream()));
    gpu_.wait();
    for (size_t i = 0; i < described.size(); ++i) {
      Argument& argument = info_.arguments[i];
      argument.element_size = described[i].size;
      argument.element_alignment = described[i].alignment;
      argument.read_only = described[i].read_only;
      by_value_[i] = described[i].by_value;
    }
  }

  // The bytes of an argument that travels with the launch.
  void read_value(const Binding& binding, size_t size, std::vector<std::byte>& out) const {
    const size_t there = std::min(size, binding.data ? binding.size : 0);
    if (there == 0) return;
    if (binding.is_copy) {
      std::memcpy(out.data(), binding.data, there);
      return;
    }
    gpu_.check(
        gpu_.use().copy(address_of(out.data()), address_of(binding.data), there, gpu_.stream()));
    gpu_.wait();
  }

  Gpu& gpu_;
  const std::shared_ptr<const SourceProgram> program_;
  KernelInfo info_;     // all arguments
  KernelInfo visible_;  // without those that a function constant leaves away
  std::vector<bool> absent_, by_value_;
  Handle module_ = nullptr, function_ = nullptr;
  uint32_t max_threads_ = 0;
  size_t static_bytes_ = 0;
};

void CudaKernel::run(const Launch& launch) const {
  const auto fail = [&](const std::string& text) {
    throw ExecutionError("kernel '" + info_.name + "': " + text);
  };
  sm_cuda_launch box{};
  uint64_t threads = 1;
  for (size_t i = 0; i < 3; ++i) {
    const uint32_t size = launch.threads_per_group[i];
    if (launch.threads[i] == 0) return;
    if (launch.threads[i] > UINT32_MAX) fail("a grid has at most 4294967295 threads a side");
    if (size == 0) fail("a threadgroup is empty");
    box.grid[i] = static_cast<uint32_t>(launch.threads[i]);
    box.group_size[i] = size;
    box.groups[i] = box.grid[i] / size + (box.grid[i] % size != 0);
    threads *= size;
  }
  if (threads > max_threads_)
    fail("a threadgroup has " + std::to_string(threads) + " threads, the limit is " +
         std::to_string(max_threads_));

  const cuda::Driver& driver = gpu_.use();
  std::vector<Address> pointers(info_.arguments.size());
  std::vector<std::vector<std::byte>> values(info_.arguments.size());
  std::vector<void*> parameters;
  size_t dynamic_bytes = 0;
  for (size_t i = 0; i < info_.arguments.size(); ++i) {
    const Argument& argument = info_.arguments[i];
    if (argument.kind == ArgumentKind::threadgroup) {
      dynamic_bytes = (dynamic_bytes + kThreadgroupAlignment - 1) & ~(kThreadgroupAlignment - 1);
      box.threadgroup_offset[argument.index] = static_cast<uint32_t>(dynamic_bytes);
      dynamic_bytes += launch.threadgroup_bytes[argument.index];
      continue;
    }
    const Binding& binding = launch.buffers[argument.index];
    if (by_value_[i]) {
      values[i].resize(argument.element_size);
      read_value(binding, argument.element_size, values[i]);
      parameters.push_back(values[i].data());
      continue;
    }
    pointers[i] = !binding.data     ? gpu_.unbound()
                  : binding.is_copy ? gpu_.place(binding.data, binding.size)
                                    : address_of(binding.data);
    parameters.push_back(&pointers[i]);
  }
  parameters.push_back(&box);

  // Threadgroups at the edge are smaller, and a block's size is its launch's. One-dimensional ones
  // end early instead: their threads have the same places in a block that is whole.
  const bool flat = box.group_size[1] == 1 && box.group_size[2] == 1;
  std::vector<Segment> along[3];
  for (size_t i = 0; i < 3; ++i)
    along[i] = segments(box.grid[i], box.group_size[i], kMaxBlocks[i], flat && i == 0);
  for (const Segment& z : along[2]) {
    for (const Segment& y : along[1]) {
      for (const Segment& x : along[0]) {
        box.first_group[0] = x.first;
        box.first_group[1] = y.first;
        box.first_group[2] = z.first;
        gpu_.check(driver.launch(function_, x.count, y.count, z.count, x.size, y.size, z.size,
                                 static_cast<unsigned>(dynamic_bytes), gpu_.stream(),
                                 parameters.data(), nullptr));
      }
    }
  }
}

class CudaProgram final : public Program {
 public:
  CudaProgram(Gpu& gpu, const CudaCompiler& compiler, std::shared_ptr<const SourceProgram> source)
      : gpu_(gpu), compiler_(compiler), source_(std::move(source)) {}

  const std::vector<KernelInfo>& kernels() const override { return source_->kernels(); }

  std::shared_ptr<const Kernel> specialize(
      std::string_view name, const std::vector<ConstantValue>& constants) const override {
    const size_t index = source_->index_of(name);
    const msl::ConstantBytes values = source_->constant_values(index, constants);
    return std::make_shared<CudaKernel>(gpu_, source_, index, values,
                                        compiler_.build(*source_, index, values));
  }

 private:
  Gpu& gpu_;
  const CudaCompiler& compiler_;
  const std::shared_ptr<const SourceProgram> source_;
};

class CudaExecutor final : public Executor {
 public:
  CudaExecutor(const cuda::Driver& driver, int device, const Nvrtc& nvrtc, int capability)
      : gpu_(driver, device), compiler_(nvrtc, capability) {}

  std::shared_ptr<const Program> compile(std::string_view msl,
                                         const CompileOptions& options) override {
    return std::make_shared<CudaProgram>(gpu_, compiler_, compiler_.parse(msl, options));
  }

  void* allocate(size_t bytes, Reach reach) override try {
    const cuda::Driver& driver = gpu_.use();
    if (reach == Reach::host) {
      void* data = nullptr;
      if (driver.allocate_host(&data, bytes, cuda::kHostPortable | cuda::kHostMapped) != 0)
        return nullptr;
      std::memset(data, 0, bytes);
      return data;
    }
    Address at = 0;
    if (driver.allocate(&at, bytes) != 0) return nullptr;
    gpu_.check(driver.fill(at, 0, bytes, gpu_.stream()));
    return reinterpret_cast<void*>(at);
  } catch (const ExecutionError&) {
    return nullptr;
  }

  // Waits for what still uses the memory; an error of that shows elsewhere.
  void deallocate(void* data, size_t, Reach reach) override {
    if (!data) return;
    try {
      const cuda::Driver& driver = gpu_.use();
      if (reach == Reach::host)
        driver.free_host(data);
      else
        driver.free(address_of(data));
    } catch (const ExecutionError&) {
    }
  }

  bool map(void* data, size_t bytes) override {
    try {
      return gpu_.use().register_host(data, bytes, cuda::kHostPortable | cuda::kHostMapped) == 0;
    } catch (const ExecutionError&) {
      return false;
    }
  }
  void unmap(void* data) override { gpu_.use().unregister_host(data); }

  void copy(void* to, const void* from, size_t bytes) override {
    gpu_.check(gpu_.use().copy(address_of(to), address_of(from), bytes, gpu_.stream()));
  }
  void fill(void* data, uint8_t value, size_t bytes) override {
    gpu_.check(gpu_.use().fill(address_of(data), value, bytes, gpu_.stream()));
  }

  void begin() override {
    const cuda::Driver& driver = gpu_.use();
    Events& events = events_of_thread();
    if (!events.start) {
      gpu_.check(driver.create_event(&events.start, 0));
      gpu_.check(driver.create_event(&events.end, 0));
    }
    gpu_.check(driver.record_event(events.start, gpu_.stream()));
  }
  std::optional<double> finish() override {
    const cuda::Driver& driver = gpu_.use();
    const Events& events = events_of_thread();
    if (events.start) gpu_.check(driver.record_event(events.end, gpu_.stream()));
    gpu_.wait();
    float milliseconds = 0;
    if (!events.start || driver.elapsed(&milliseconds, events.start, events.end) != 0)
      return std::nullopt;
    return milliseconds * 1e-3;
  }
  bool lost() const override { return gpu_.lost(); }

 private:
  // Of a queue's thread, which lives about as long as the process.
  struct Events {
    Handle start = nullptr, end = nullptr;
  };
  static Events& events_of_thread() {
    thread_local Events events;
    return events;
  }

  Gpu gpu_;
  const CudaCompiler compiler_;
};

CudaGpu find_gpu() {
  CudaGpu found;
  const cuda::Driver* driver = cuda::find_driver(found.missing);
  if (!driver) return found;
  int count = 0, device = 0, major = 0, minor = 0;
  size_t memory = 0;
  char name[256] = {};
  cuda::Result result = driver->init(0);
  if (result == 0) result = driver->device_count(&count);
  if (result == 0 && count == 0) {
    found.missing = "NVIDIA's driver shows no GPU";
    return found;
  }
  if (result == 0) result = driver->device(&device, 0);
  if (result == 0) result = driver->device_name(name, sizeof name, device);
  if (result == 0) result = driver->device_memory(&memory, device);
  if (result == 0) result = driver->device_attribute(&major, cuda::kCapabilityMajor, device);
  if (result == 0) result = driver->device_attribute(&minor, cuda::kCapabilityMinor, device);
  if (result != 0) {
    found.missing = "NVIDIA's driver reports " + driver->describe(result);
    return found;
  }
  const int capability = 10 * major + minor;
  if (capability < 75) {
    found.missing = std::string(name) + " is too old: compute capability 7.5 is the least";
    return found;
  }
  const Nvrtc* nvrtc = Nvrtc::instance(found.missing);
  if (!nvrtc) return found;
  found.executor = new CudaExecutor(*driver, device, *nvrtc, capability);
  found.name = name;
  found.architecture = "sm_" + std::to_string(capability);
  found.memory = memory;
  return found;
}

}  // namespace

const CudaGpu& cuda_gpu() {
  static const CudaGpu& gpu = *new CudaGpu(find_gpu());
  return gpu;
}

}  // namespace softmetal
