#include "mtl/compute_encoder.h"

#include "mtl/event.h"
#include "mtl/misuse.h"

namespace softmetal {

namespace {

// Metal's own limits.
constexpr uint64_t kMaxSetBytes = 4096;
constexpr uint64_t kThreadgroupMemoryUnit = 16;

std::string text(MTL::Size size) {
  return std::to_string(size.width) + " x " + std::to_string(size.height) + " x " +
         std::to_string(size.depth);
}

bool has_zero(MTL::Size size) { return size.width == 0 || size.height == 0 || size.depth == 0; }

// What an indirect dispatch reads: MTLDispatchThreadgroupsIndirectArguments.
struct IndirectArguments {
  uint32_t groups[3];
};

}  // namespace

ComputeEncoder::ComputeEncoder(CommandBuffer& buffer, MTL::DispatchType dispatch_type)
    : CommandEncoder(buffer, "-[MTLCommandBuffer computeCommandEncoder]"),
      dispatch_type_(dispatch_type),
      group_(dispatch_type == MTL::DispatchTypeConcurrent ? buffer.new_group() : 0) {}

void ComputeEncoder::bind(const char* method, const Argument& argument, Prepared& out) {
  const std::string name = "argument \"" + argument.name + "\" of \"" +
                           pipeline_->kernel->info().name + "\" (index " +
                           std::to_string(argument.index) + ")";
  if (argument.kind == ArgumentKind::threadgroup) {
    const uint64_t bytes = threadgroup_bytes_[argument.index];
    if (bytes == 0) misuse(method, name + " has no threadgroup memory");
    out.launch.threadgroup_bytes[argument.index] = bytes;
    return;
  }
  const Slot& slot = slots_[argument.index];
  Binding& binding = out.launch.buffers[argument.index];
  if (slot.buffer) {
    if (argument.element_alignment != 0 && slot.offset % argument.element_alignment != 0) {
      misuse(method, name + " has the offset " + std::to_string(slot.offset) +
                         ", no multiple of its alignment, " +
                         std::to_string(argument.element_alignment));
    }
    binding.data = slot.buffer->data() + slot.offset;
    binding.size = slot.length;
    if (slot.buffer->label) {
      binding.label = slot.buffer->label->view();
      out.labels.push_back(slot.buffer->label);
    }
    open_buffer(method).use(*slot.buffer);
  } else if (slot.bytes != nullptr) {
    // Bytes are bound read-only: no kernel writes what setBytes copied.
    binding.data = const_cast<std::byte*>(slot.bytes->data());
    binding.size = slot.bytes->size();
    binding.is_copy = true;
    out.bytes.push_back(slot.bytes);
  } else {
    misuse(method, name + " is not set");
  }
}

std::shared_ptr<ComputeEncoder::Prepared> ComputeEncoder::prepare(const char* method,
                                                                  MTL::Size threads_per_group) {
  CommandBuffer& buffer = open_buffer(method);
  if (!pipeline_) misuse(method, "no compute pipeline state is set");
  if (has_zero(threads_per_group)) {
    misuse(method, "threadsPerThreadgroup is " + text(threads_per_group));
  }
  const uint64_t threads =
      threads_per_group.width * threads_per_group.height * threads_per_group.depth;
  if (threads > pipeline_->max_total_threads) {
    misuse(method, "threadsPerThreadgroup is " + text(threads_per_group) +
                       ", the pipeline's maxTotalThreadsPerThreadgroup " +
                       std::to_string(pipeline_->max_total_threads));
  }
  const MTL::Size required = pipeline_->required_threads;
  if (required.width != 0 &&
      (required.width != threads_per_group.width || required.height != threads_per_group.height ||
       required.depth != threads_per_group.depth)) {
    misuse(method, "threadsPerThreadgroup is " + text(threads_per_group) +
                       ", the pipeline requires " + text(required));
  }
  if (pipeline_->multiple_of_width && threads % kSimdWidth != 0) {
    misuse(method, "threadsPerThreadgroup is " + text(threads_per_group) +
                       ", no multiple of threadExecutionWidth as the pipeline promises");
  }

  auto out = std::make_shared<Prepared>();
  out->kernel = pipeline_->kernel;
  out->launch.threads_per_group = {static_cast<uint32_t>(threads_per_group.width),
                                   static_cast<uint32_t>(threads_per_group.height),
                                   static_cast<uint32_t>(threads_per_group.depth)};
  for (const Argument& argument : pipeline_->kernel->info().arguments) {
    bind(method, argument, *out);
  }
  uint64_t memory = pipeline_->kernel->static_threadgroup_bytes();
  for (const size_t bytes : out->launch.threadgroup_bytes) memory += bytes;
  if (memory > device->profile.threadgroup_memory) {
    misuse(method, "threadgroup memory is " + std::to_string(memory) +
                       " bytes, the device's maxThreadgroupMemoryLength " +
                       std::to_string(device->profile.threadgroup_memory));
  }
  buffer.use(*pipeline_);
  return out;
}

struct ComputeEncoderMethods : ComputeEncoder {
  void set_pipeline(ComputePipelineState* state) {
    constexpr const char* kName = "-[MTLComputeCommandEncoder setComputePipelineState:]";
    open_buffer(kName);
    if (state == nullptr) misuse(kName, "state is nil");
    pipeline_ = Ref<ComputePipelineState>::retain(state);
  }

  void set_buffer(Buffer* buffer, uint64_t offset, uint64_t index) {
    put("-[MTLComputeCommandEncoder setBuffer:offset:atIndex:]", buffer, offset, index);
  }

  void set_buffers(Buffer* const* buffers, const uint64_t* offsets, NS::Range range) {
    constexpr const char* kName = "-[MTLComputeCommandEncoder setBuffers:offsets:withRange:]";
    for (uint64_t i = 0; i < range.length; ++i) {
      put(kName, buffers[i], offsets[i], range.location + i);
    }
  }

  void set_offset(uint64_t offset, uint64_t index) {
    constexpr const char* kName = "-[MTLComputeCommandEncoder setBufferOffset:atIndex:]";
    Slot& slot = slot_at(kName, index);
    if (!slot.buffer) misuse(kName, "index " + std::to_string(index) + " holds no buffer");
    check_range(kName, "the buffer", slot.buffer.get(), offset, 0);
    slot.offset = offset;
    slot.length = slot.buffer->marked_length(offset);
  }

  void set_bytes(const void* bytes, uint64_t length, uint64_t index) {
    constexpr const char* kName = "-[MTLComputeCommandEncoder setBytes:length:atIndex:]";
    Slot& slot = slot_at(kName, index);
    if (bytes == nullptr) misuse(kName, "bytes is null");
    if (length == 0 || length > kMaxSetBytes) {
      misuse(kName, "length is " + std::to_string(length) + ", it must be 1 to 4096");
    }
    const auto* first = static_cast<const std::byte*>(bytes);
    slot = {nullptr, 0, 0, std::make_shared<const Bytes>(first, first + length)};
  }

  void set_threadgroup_memory(uint64_t length, uint64_t index) {
    constexpr const char* kName = "-[MTLComputeCommandEncoder setThreadgroupMemoryLength:atIndex:]";
    slot_at(kName, index);
    if (length % kThreadgroupMemoryUnit != 0) {
      misuse(kName, "length is " + std::to_string(length) + ", no multiple of 16");
    }
    if (length > device->profile.threadgroup_memory) {
      misuse(kName, "length is " + std::to_string(length) + ", maxThreadgroupMemoryLength " +
                        std::to_string(device->profile.threadgroup_memory));
    }
    threadgroup_bytes_[index] = length;
  }

  void dispatch_threads(MTL::Size threads, MTL::Size threads_per_group) {
    constexpr const char* kName =
        "-[MTLComputeCommandEncoder dispatchThreads:threadsPerThreadgroup:]";
    auto prepared = prepare(kName, threads_per_group);
    if (has_zero(threads)) misuse(kName, "threadsPerGrid is " + text(threads));
    prepared->launch.threads = {threads.width, threads.height, threads.depth};
    add([prepared] { prepared->kernel->run(prepared->launch); });
  }

  void dispatch_groups(MTL::Size groups, MTL::Size threads_per_group) {
    constexpr const char* kName =
        "-[MTLComputeCommandEncoder dispatchThreadgroups:threadsPerThreadgroup:]";
    auto prepared = prepare(kName, threads_per_group);
    if (has_zero(groups)) misuse(kName, "threadgroupsPerGrid is " + text(groups));
    prepared->launch.threads = {groups.width * threads_per_group.width,
                                groups.height * threads_per_group.height,
                                groups.depth * threads_per_group.depth};
    add([prepared] { prepared->kernel->run(prepared->launch); });
  }

  void dispatch_indirect(Buffer* buffer, uint64_t offset, MTL::Size threads_per_group) {
    constexpr const char* kName =
        "-[MTLComputeCommandEncoder dispatchThreadgroupsWithIndirectBuffer:indirectBufferOffset:"
        "threadsPerThreadgroup:]";
    auto prepared = prepare(kName, threads_per_group);
    check_range(kName, "indirectBuffer", buffer, offset, sizeof(IndirectArguments));
    if (offset % alignof(uint32_t) != 0) misuse(kName, "indirectBufferOffset is no multiple of 4");
    open_buffer(kName).use(*buffer);
    add([prepared, buffer, offset] {
      IndirectArguments arguments;
      Executor& executor = buffer->device->executor;
      executor.copy(&arguments, buffer->data() + offset, sizeof arguments);
      executor.finish();
      Launch launch = prepared->launch;
      for (int axis = 0; axis < 3; ++axis) {
        if (arguments.groups[axis] == 0) return;  // a GPU runs nothing then, and says nothing
        launch.threads[axis] = uint64_t{arguments.groups[axis]} * launch.threads_per_group[axis];
      }
      prepared->kernel->run(launch);
    });
  }

  void barrier(MTL::BarrierScope) { open_group("memoryBarrierWithScope:"); }
  void barrier_for(Resource* const*, uint64_t) { open_group("memoryBarrierWithResources:count:"); }
  void update(Fence* fence) {
    update_fence(fence);
    open_group("updateFence:");
  }
  void wait(Fence* fence) {
    wait_for_fence(fence);
    open_group("waitForFence:");
  }

  // What a kernel reaches through pointers in memory rather than through the argument table.
  void use_resource(Resource* resource, MTL::ResourceUsage) {
    constexpr const char* kName = "-[MTLComputeCommandEncoder useResource:usage:]";
    if (resource == nullptr) misuse(kName, "resource is nil");
    open_buffer(kName).use(*resource);
  }
  void use_resources(Resource* const* resources, uint64_t count, MTL::ResourceUsage usage) {
    for (uint64_t i = 0; i < count; ++i) use_resource(resources[i], usage);
  }
  void use_heap(Heap* heap) {
    constexpr const char* kName = "-[MTLComputeCommandEncoder useHeap:]";
    if (heap == nullptr) misuse(kName, "heap is nil");
    open_buffer(kName).use(*heap);
  }
  void use_heaps(Heap* const* heaps, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) use_heap(heaps[i]);
  }

  MTL::DispatchType dispatch_type() const { return dispatch_type_; }

  void end() {
    end_encoding();
    pipeline_ = nullptr;
    slots_ = {};
  }

 private:
  Slot& slot_at(const char* method, uint64_t index) {
    open_buffer(method);
    if (index >= kMaxBuffers) {
      misuse(method, "index is " + std::to_string(index) + ", the last one is 30");
    }
    return slots_[index];
  }

  void put(const char* method, Buffer* buffer, uint64_t offset, uint64_t index) {
    Slot& slot = slot_at(method, index);
    if (buffer != nullptr) check_range(method, "buffer", buffer, offset, 0);
    slot = {Ref<Buffer>::retain(buffer), offset,
            buffer != nullptr ? buffer->marked_length(offset) : 0, nullptr};
  }

  void add(std::function<void()> run) {
    open_buffer("-[MTLComputeCommandEncoder]").add({std::move(run), group_});
  }

  // Commands before this keep clear of those after it.
  void open_group(const char* selector) {
    CommandBuffer& buffer = open_buffer(selector);
    if (group_ != 0) group_ = buffer.new_group();
  }
};

namespace {

constexpr Method kMethods[] = {
    method<&ComputeEncoderMethods::set_pipeline>("setComputePipelineState:"),
    method<&ComputeEncoderMethods::set_buffer>("setBuffer:offset:atIndex:"),
    method<&ComputeEncoderMethods::set_buffers>("setBuffers:offsets:withRange:"),
    method<&ComputeEncoderMethods::set_offset>("setBufferOffset:atIndex:"),
    method<&ComputeEncoderMethods::set_bytes>("setBytes:length:atIndex:"),
    method<&ComputeEncoderMethods::set_threadgroup_memory>("setThreadgroupMemoryLength:atIndex:"),
    method<&ComputeEncoderMethods::dispatch_threads>("dispatchThreads:threadsPerThreadgroup:"),
    method<&ComputeEncoderMethods::dispatch_groups>("dispatchThreadgroups:threadsPerThreadgroup:"),
    method<&ComputeEncoderMethods::dispatch_indirect>(
        "dispatchThreadgroupsWithIndirectBuffer:indirectBufferOffset:threadsPerThreadgroup:"),
    method<&ComputeEncoderMethods::barrier>("memoryBarrierWithScope:"),
    method<&ComputeEncoderMethods::barrier_for>("memoryBarrierWithResources:count:"),
    method<&ComputeEncoderMethods::update>("updateFence:"),
    method<&ComputeEncoderMethods::wait>("waitForFence:"),
    method<&ComputeEncoderMethods::use_resource>("useResource:usage:"),
    method<&ComputeEncoderMethods::use_resources>("useResources:count:usage:"),
    method<&ComputeEncoderMethods::use_heap>("useHeap:"),
    method<&ComputeEncoderMethods::use_heaps>("useHeaps:count:"),
    method<&ComputeEncoderMethods::dispatch_type>("dispatchType"),
    method<&ComputeEncoderMethods::end>("endEncoding"),
};

}  // namespace

constinit Type ComputeEncoder::type = Type::define<ComputeEncoder, Life::internal>(
    "MTLComputeCommandEncoder", &CommandEncoder::type, kMethods);

}  // namespace softmetal
