// MTLComputePipelineState and its descriptor.
#pragma once

#include <Metal/MTLComputePipeline.hpp>
#include <Metal/MTLDevice.hpp>
#include <array>
#include <memory>

#include "mtl/library.h"
#include "mtl/misuse.h"

namespace softmetal {

// Whether a kernel may write through a buffer argument: a hint to Apple's compiler, kept and not
// used.
class BufferDescriptor : public Object {
 public:
  static Type type;

  MTL::Mutability mutability = MTL::MutabilityDefault;
};

class BufferDescriptorArray : public Object {
 public:
  static Type type;

  BufferDescriptor* at(uint64_t index) {
    Ref<BufferDescriptor>& slot = slot_at("objectAtIndexedSubscript:", index);
    if (!slot) slot = make<BufferDescriptor>();
    return slot.get();
  }
  void put(BufferDescriptor* descriptor, uint64_t index) {
    slot_at("setObject:atIndexedSubscript:", index) =
        descriptor != nullptr ? make<BufferDescriptor>(*descriptor) : nullptr;
  }

 private:
  Ref<BufferDescriptor>& slot_at(const char* selector, uint64_t index) {
    if (index >= slots_.size()) {
      misuse("-[MTLPipelineBufferDescriptorArray]", std::string(selector) + " index is above 30");
    }
    return slots_[index];
  }
  std::array<Ref<BufferDescriptor>, kMaxBuffers> slots_;
};

class ComputePipelineDescriptor : public Object {
 public:
  static Type type;

  ComputePipelineDescriptor();
  ComputePipelineDescriptor(const ComputePipelineDescriptor& other);

  Ref<String> label;
  Ref<Function> function;
  bool multiple_of_width = false;
  uint64_t max_total_threads = 0;
  MTL::Size required_threads{0, 0, 0};
  bool support_indirect = false;
  uint64_t max_call_stack_depth = 1;
  MTL::ShaderValidation shader_validation = MTL::ShaderValidationDefault;
  Ref<Array> binary_archives;
  Ref<BufferDescriptorArray> buffers;
};

class ComputePipelineState : public DeviceObject {
 public:
  static Type type;

  ComputePipelineState(Device& device, std::shared_ptr<const Kernel> kernel, uint64_t max_threads,
                       const ComputePipelineDescriptor* descriptor);

  const std::shared_ptr<const Kernel> kernel;
  const uint64_t max_total_threads;
  const MTL::Size required_threads;  // all 0: any
  const bool multiple_of_width;
};

class ComputePipelineReflection : public Object {
 public:
  static Type type;

  Ref<Array> bindings;
};

// One argument of a kernel, as reflection shows it.
class BindingObject : public Object {
 public:
  static Type type;

  Ref<String> name;
  MTL::BindingType kind = MTL::BindingTypeBuffer;
  MTL::BindingAccess access = MTL::BindingAccessReadWrite;
  uint64_t index = 0;
  uint64_t alignment = 0;
  uint64_t data_size = 0;
};

Ref<ComputePipelineState> new_pipeline(Device& device, Function* function,
                                       const ComputePipelineDescriptor* descriptor,
                                       MTL::PipelineOption options, Error** error);
Ref<ComputePipelineReflection> reflect(const ComputePipelineState& pipeline);

}  // namespace softmetal
