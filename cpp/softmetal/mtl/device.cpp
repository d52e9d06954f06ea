#include "mtl/device.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <thread>

#include "foundation/dispatch.h"
#include "mtl/archive.h"
#include "mtl/background.h"
#include "mtl/buffer.h"
#include "mtl/command_queue.h"
#include "mtl/event.h"
#include "mtl/faults.h"
#include "mtl/library.h"
#include "mtl/misuse.h"
#include "mtl/pipeline.h"
#include "mtl/residency_set.h"
#include "runtime/block_ref.h"
#include "runtime/property.h"

namespace softmetal {

namespace {

// Not owned: its last user destroys a device.
std::mutex devices_mutex;
Device* processor_device = nullptr;
Device* cuda_device = nullptr;

template <class Make>
Ref<Device> shared_device(Device*& known, Make make_one) {
  std::lock_guard lock(devices_mutex);
  if (known != nullptr && known->retain_if_alive()) return Ref<Device>::adopt(known);
  Ref<Device> device = make_one();
  known = device.get();
  return device;
}

}  // namespace

Device::Device(Executor& runs_kernels, const Profile& shown)
    : executor(runs_kernels), profile(shown), owner_(getpid()) {}

Device::~Device() {
  std::lock_guard lock(devices_mutex);
  if (processor_device == this) processor_device = nullptr;
  if (cuda_device == this) cuda_device = nullptr;
}

Ref<Device> Device::system_default() {
  return shared_device(processor_device,
                       [] { return make<Device>(cpu_executor(), current_profile()); });
}

Ref<Device> Device::cuda() {
  if (cuda_gpu().executor == nullptr) return nullptr;
  return shared_device(cuda_device,
                       [] { return make<Device>(*cuda_gpu().executor, cuda_profile()); });
}

void* Device::allocate(const char* method, uint64_t bytes, Reach reach) {
  if (faults::allocation_fails()) {
    explain_nil(method, "a fault was asked for");
    return nullptr;
  }
  void* data = executor.allocate(bytes, reach);
  if (data == nullptr) {
    explain_nil(method, "no memory is left for " + std::to_string(bytes) + " bytes");
    return nullptr;
  }
  allocated_.fetch_add(bytes);
  return data;
}

void Device::deallocate(void* data, uint64_t bytes, Reach reach) {
  executor.deallocate(data, bytes, reach);
  allocated_.fetch_sub(bytes);
}

bool Device::is_in_forked_child() const { return getpid() != owner_; }

struct DeviceMethods : Device {
  String* name() const { return string(profile.device_name).autorelease(); }
  Architecture* architecture() const {
    return make<Architecture>(profile.architecture).autorelease();
  }
  // Any number that is no other device's; IOKit counts its own upwards from 2^32.
  uint64_t registry_id() const { return profile.unified_memory ? 1 : 2; }
  bool supports_family(MTL::GPUFamily family) const { return profile.supports(family); }
  bool has_unified_memory() const { return profile.unified_memory; }
  bool yes() const { return true; }
  bool no() const { return false; }
  MTL::DeviceLocation location() const {
    return profile.unified_memory ? MTL::DeviceLocationBuiltIn : MTL::DeviceLocationSlot;
  }
  uint64_t location_number() const { return 0; }
  uint64_t max_transfer_rate() const { return 0; }
  MTL::ReadWriteTextureTier texture_tier() const { return MTL::ReadWriteTextureTierNone; }
  MTL::ArgumentBuffersTier argument_tier() const { return MTL::ArgumentBuffersTier2; }
  bool supports_counters(MTL::CounterSamplingPoint) const { return false; }
  Array* counter_sets() const { return nullptr; }
  uint64_t peer_group() const { return 0; }
  uint32_t peer_number() const { return 0; }

  uint64_t current_allocated() const { return allocated_.load(); }
  uint64_t working_set() const { return profile.working_set(); }
  uint64_t max_buffer_length() const { return profile.max_buffer_length; }
  uint64_t max_threadgroup_memory() const { return profile.threadgroup_memory; }
  MTL::Size max_threads() const {
    const uint64_t limit = profile.max_threads_per_group;
    return MTL::Size(limit, limit, limit);
  }

  // The device's clock is the host's.
  void sample_timestamps(uint64_t* cpu, uint64_t* gpu) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    *cpu = static_cast<uint64_t>(std::chrono::nanoseconds(now).count());
    *gpu = *cpu;
  }
  uint64_t timestamp_frequency() const { return 1'000'000'000; }

  uint64_t compile_tasks() const { return std::max(1u, std::thread::hardware_concurrency()); }
  bool maximizes_compilation() const { return maximize_compilation_.load(); }
  void set_maximize_compilation(bool on) { maximize_compilation_ = on; }

  Buffer* new_buffer(uint64_t length, MTL::ResourceOptions options) {
    return softmetal::new_buffer("-[MTLDevice newBufferWithLength:options:]", *this, length,
                                 options)
        .leak();
  }
  Buffer* new_buffer_with_bytes(const void* bytes, uint64_t length, MTL::ResourceOptions options) {
    constexpr const char* kName = "-[MTLDevice newBufferWithBytes:length:options:]";
    if (bytes == nullptr) misuse(kName, "pointer is null");
    auto buffer = softmetal::new_buffer(kName, *this, length, options);
    if (buffer) {
      executor.copy(buffer->data(), bytes, length);
      executor.finish();
    }
    return buffer.leak();
  }
  Buffer* new_buffer_no_copy(void* bytes, uint64_t length, MTL::ResourceOptions options,
                             Deallocator deallocator) {
    return softmetal::new_buffer_no_copy(
               "-[MTLDevice newBufferWithBytesNoCopy:length:options:deallocator:]", *this, bytes,
               length, options, deallocator)
        .leak();
  }
  MTL::SizeAndAlign heap_buffer_size(uint64_t length, MTL::ResourceOptions) const {
    return {Heap::round_size(length), Heap::kAlignment};
  }
  Heap* new_heap(HeapDescriptor* descriptor) {
    constexpr const char* kName = "-[MTLDevice newHeapWithDescriptor:]";
    if (descriptor == nullptr) misuse(kName, "descriptor is nil");
    return softmetal::new_heap(kName, *this, *descriptor).leak();
  }

  Library* new_library_with_source(String* source, CompileOptionsObject* options, Error** error) {
    if (source == nullptr)
      misuse("-[MTLDevice newLibraryWithSource:options:error:]", "source is nil");
    return new_library(*this, source->view(), options, error).leak();
  }
  void new_library_later(String* source, CompileOptionsObject* options,
                         void (^handler)(Library*, Error*)) {
    if (source == nullptr || handler == nullptr) {
      misuse("-[MTLDevice newLibraryWithSource:options:completionHandler:]",
             "source or completionHandler is nil");
    }
    auto copy =
        options == nullptr ? Ref<CompileOptionsObject>() : make<CompileOptionsObject>(*options);
    answer_later(handler, [self = Ref<Device>::retain(this), source = Ref<String>::retain(source),
                           copy](Error** error) {
      return new_library(*self, source->view(), copy.get(), error).leak();
    });
  }
  Library* new_library_with_url(URL* url, Error** error) {
    if (url == nullptr) misuse("-[MTLDevice newLibraryWithURL:error:]", "url is nil");
    return new_library_from_file(*this, url->path(), error).leak();
  }
  Library* new_library_with_file(String* path, Error** error) {
    if (path == nullptr) misuse("-[MTLDevice newLibraryWithFile:error:]", "filepath is nil");
    return new_library_from_file(*this, std::string(path->view()), error).leak();
  }
  Library* new_library_with_data(dispatch_data_t data, Error** error) {
    if (data == nullptr) misuse("-[MTLDevice newLibraryWithData:error:]", "data is nil");
    return new_library_from_bytes(*this, DispatchData::from(data)->bytes, error).leak();
  }
  // The program's own default.metallib: a program on Linux has none.
  Library* new_default_library() {
    explain_nil("-[MTLDevice newDefaultLibrary]", "there is no default library without a bundle");
    return nullptr;
  }

  ComputePipelineState* new_pipeline_of(Function* function, Error** error) {
    return new_pipeline(*this, function, nullptr, MTL::PipelineOptionNone, error).leak();
  }
  ComputePipelineState* new_pipeline_with_reflection(Function* function,
                                                     MTL::PipelineOption options,
                                                     ComputePipelineReflection** reflection,
                                                     Error** error) {
    auto pipeline = new_pipeline(*this, function, nullptr, options, error);
    if (pipeline && reflection != nullptr) *reflection = reflect(*pipeline).autorelease();
    return pipeline.leak();
  }
  ComputePipelineState* new_pipeline_with_descriptor(ComputePipelineDescriptor* descriptor,
                                                     MTL::PipelineOption options,
                                                     ComputePipelineReflection** reflection,
                                                     Error** error) {
    check_descriptor(descriptor);
    auto pipeline = new_pipeline(*this, descriptor->function.get(), descriptor, options, error);
    if (pipeline && reflection != nullptr) *reflection = reflect(*pipeline).autorelease();
    return pipeline.leak();
  }

  void new_pipeline_later(Function* function, void (^handler)(ComputePipelineState*, Error*)) {
    answer_later(handler, [self = Ref<Device>::retain(this),
                           function = Ref<Function>::retain(function)](Error** error) {
      return new_pipeline(*self, function.get(), nullptr, MTL::PipelineOptionNone, error).leak();
    });
  }
  using ReflectionHandler = void (^)(ComputePipelineState*, ComputePipelineReflection*, Error*);
  void new_pipeline_with_reflection_later(Function* function, MTL::PipelineOption options,
                                          ReflectionHandler handler) {
    run_in_background([self = Ref<Device>::retain(this), options,
                       function = Ref<Function>::retain(function), handler = BlockRef(handler)] {
      Error* error = nullptr;
      hand_over(new_pipeline(*self, function.get(), nullptr, options, &error), error,
                handler.get());
    });
  }
  void new_pipeline_with_descriptor_later(ComputePipelineDescriptor* descriptor,
                                          MTL::PipelineOption options, ReflectionHandler handler) {
    check_descriptor(descriptor);
    run_in_background([self = Ref<Device>::retain(this), options,
                       copy = make<ComputePipelineDescriptor>(*descriptor),
                       handler = BlockRef(handler)] {
      Error* error = nullptr;
      hand_over(new_pipeline(*self, copy->function.get(), copy.get(), options, &error), error,
                handler.get());
    });
  }

  BinaryArchive* new_binary_archive(BinaryArchiveDescriptor* descriptor, Error** error) {
    return new_archive(*this, descriptor, error).leak();
  }

  CommandQueue* new_queue() {
    return new_bounded_queue(CommandQueueDescriptor().max_command_buffers);
  }
  CommandQueue* new_bounded_queue(uint64_t max_command_buffers) {
    if (max_command_buffers == 0) {
      misuse("-[MTLDevice newCommandQueueWithMaxCommandBufferCount:]", "the count is 0");
    }
    return make<CommandQueue>(*this, max_command_buffers).leak();
  }
  CommandQueue* new_queue_with(CommandQueueDescriptor* descriptor) {
    constexpr const char* kName = "-[MTLDevice newCommandQueueWithDescriptor:]";
    if (descriptor == nullptr) misuse(kName, "descriptor is nil");
    if (descriptor->log_state) misuse(kName, "descriptor.logState is not supported by softmetal");
    return new_bounded_queue(descriptor->max_command_buffers);
  }

  Event* new_event() { return make<Event>(*this).leak(); }
  SharedEvent* new_shared_event() { return make<SharedEvent>(*this).leak(); }
  SharedEvent* new_shared_event_with(SharedEventHandle* handle) {
    return Ref<SharedEvent>(handle->event).leak();
  }
  Fence* new_fence() { return make<Fence>(*this).leak(); }
  ResidencySet* new_residency_set(ResidencySetDescriptor* descriptor, Error**) {
    auto set = make<ResidencySet>(*this);
    if (descriptor != nullptr) set->label = descriptor->label;
    return set.leak();
  }

 private:
  static void check_descriptor(const ComputePipelineDescriptor* descriptor) {
    if (descriptor == nullptr || !descriptor->function) {
      misuse("-[MTLDevice newComputePipelineStateWithDescriptor:...]",
             "descriptor or its computeFunction is nil");
    }
  }

  static void hand_over(Ref<ComputePipelineState> pipeline, Error* error,
                        ReflectionHandler handler) {
    Ref<ComputePipelineReflection> reflection;
    if (pipeline) reflection = reflect(*pipeline);
    handler(pipeline.get(), reflection.get(), error);
  }
};

namespace {

constexpr Method kArchitecture[] = {
    getter<&Architecture::name>("name"),
};

constexpr Method kDeviceObject[] = {
    getter<&DeviceObject::device>("device"),
    getter<&DeviceObject::label>("label"),
    setter<&DeviceObject::label>("setLabel:"),
};

constexpr Method kDevice[] = {
    method<&DeviceMethods::name>("name"),
    method<&DeviceMethods::architecture>("architecture"),
    method<&DeviceMethods::registry_id>("registryID"),
    method<&DeviceMethods::supports_family>("supportsFamily:"),
    method<&DeviceMethods::has_unified_memory>("hasUnifiedMemory"),
    method<&DeviceMethods::yes>("isHeadless"),
    method<&DeviceMethods::no>("isLowPower"),
    method<&DeviceMethods::no>("isRemovable"),
    method<&DeviceMethods::no>("supportsDynamicLibraries"),
    method<&DeviceMethods::no>("supportsRaytracing"),
    method<&DeviceMethods::no>("supportsFunctionPointers"),
    method<&DeviceMethods::location>("location"),
    method<&DeviceMethods::location_number>("locationNumber"),
    method<&DeviceMethods::max_transfer_rate>("maxTransferRate"),
    method<&DeviceMethods::texture_tier>("readWriteTextureSupport"),
    method<&DeviceMethods::argument_tier>("argumentBuffersSupport"),
    method<&DeviceMethods::supports_counters>("supportsCounterSampling:"),
    method<&DeviceMethods::counter_sets>("counterSets"),
    method<&DeviceMethods::peer_group>("peerGroupID"),
    method<&DeviceMethods::peer_number>("peerIndex"),
    method<&DeviceMethods::peer_number>("peerCount"),
    method<&DeviceMethods::current_allocated>("currentAllocatedSize"),
    method<&DeviceMethods::working_set>("recommendedMaxWorkingSetSize"),
    method<&DeviceMethods::max_buffer_length>("maxBufferLength"),
    method<&DeviceMethods::max_threadgroup_memory>("maxThreadgroupMemoryLength"),
    method<&DeviceMethods::max_threads>("maxThreadsPerThreadgroup"),
    method<&DeviceMethods::sample_timestamps>("sampleTimestamps:gpuTimestamp:"),
    method<&DeviceMethods::timestamp_frequency>("queryTimestampFrequency"),
    method<&DeviceMethods::compile_tasks>("maximumConcurrentCompilationTaskCount"),
    method<&DeviceMethods::maximizes_compilation>("shouldMaximizeConcurrentCompilation"),
    method<&DeviceMethods::set_maximize_compilation>("setShouldMaximizeConcurrentCompilation:"),
    method<&DeviceMethods::new_buffer>("newBufferWithLength:options:"),
    method<&DeviceMethods::new_buffer_with_bytes>("newBufferWithBytes:length:options:"),
    method<&DeviceMethods::new_buffer_no_copy>(
        "newBufferWithBytesNoCopy:length:options:deallocator:"),
    method<&DeviceMethods::heap_buffer_size>("heapBufferSizeAndAlignWithLength:options:"),
    method<&DeviceMethods::new_heap>("newHeapWithDescriptor:"),
    method<&DeviceMethods::new_library_with_source>("newLibraryWithSource:options:error:"),
    method<&DeviceMethods::new_library_later>("newLibraryWithSource:options:completionHandler:"),
    method<&DeviceMethods::new_library_with_url>("newLibraryWithURL:error:"),
    method<&DeviceMethods::new_library_with_file>("newLibraryWithFile:error:"),
    method<&DeviceMethods::new_library_with_data>("newLibraryWithData:error:"),
    method<&DeviceMethods::new_default_library>("newDefaultLibrary"),
    method<&DeviceMethods::new_pipeline_of>("newComputePipelineStateWithFunction:error:"),
    method<&DeviceMethods::new_pipeline_with_reflection>(
        "newComputePipelineStateWithFunction:options:reflection:error:"),
    method<&DeviceMethods::new_pipeline_with_descriptor>(
        "newComputePipelineStateWithDescriptor:options:reflection:error:"),
    method<&DeviceMethods::new_pipeline_later>(
        "newComputePipelineStateWithFunction:completionHandler:"),
    method<&DeviceMethods::new_pipeline_with_reflection_later>(
        "newComputePipelineStateWithFunction:options:completionHandler:"),
    method<&DeviceMethods::new_pipeline_with_descriptor_later>(
        "newComputePipelineStateWithDescriptor:options:completionHandler:"),
    method<&DeviceMethods::new_binary_archive>("newBinaryArchiveWithDescriptor:error:"),
    method<&DeviceMethods::new_queue>("newCommandQueue"),
    method<&DeviceMethods::new_bounded_queue>("newCommandQueueWithMaxCommandBufferCount:"),
    method<&DeviceMethods::new_queue_with>("newCommandQueueWithDescriptor:"),
    method<&DeviceMethods::new_event>("newEvent"),
    method<&DeviceMethods::new_shared_event>("newSharedEvent"),
    method<&DeviceMethods::new_shared_event_with>("newSharedEventWithHandle:"),
    method<&DeviceMethods::new_fence>("newFence"),
    method<&DeviceMethods::new_residency_set>("newResidencySetWithDescriptor:error:"),
};

}  // namespace

constinit Type Architecture::type = Type::define<Architecture, Life::allocated>(
    "MTLArchitecture", &RootObject::type, kArchitecture);
constinit Type DeviceObject::type("softmetal.DeviceObject", &RootObject::type, kDeviceObject);
constinit Type Device::type =
    Type::define<Device, Life::internal>("MTLDevice", &RootObject::type, kDevice);

}  // namespace softmetal

using softmetal::Array;
using softmetal::Device;

extern "C" {

SOFTMETAL_API Device* MTLCreateSystemDefaultDevice() { return Device::system_default().leak(); }

SOFTMETAL_API Array* MTLCopyAllDevices() {
  softmetal::ObjectList devices;
  devices.push_back(Device::system_default());
  if (auto cuda = Device::cuda()) devices.push_back(std::move(cuda));
  return softmetal::array(std::move(devices)).leak();
}

// The set of devices never changes: there is nothing to observe, and no observer to hand out.
SOFTMETAL_API Array* MTLCopyAllDevicesWithObserver(softmetal::Object** observer,
                                                   void (^)(Device*, softmetal::String*)) {
  if (observer != nullptr) *observer = nullptr;
  return MTLCopyAllDevices();
}

SOFTMETAL_API void MTLRemoveDeviceObserver(const softmetal::Object*) {}

}  // extern "C"
