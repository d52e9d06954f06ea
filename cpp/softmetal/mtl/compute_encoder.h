// MTLComputeCommandEncoder.
#pragma once

#include <Metal/MTLComputeCommandEncoder.hpp>
#include <array>
#include <memory>

#include "mtl/encoder.h"
#include "mtl/pipeline.h"

namespace softmetal {

class ComputeEncoder : public CommandEncoder {
 public:
  static Type type;

  ComputeEncoder(CommandBuffer& buffer, MTL::DispatchType dispatch_type);

 private:
  friend struct ComputeEncoderMethods;

  using Bytes = std::vector<std::byte>;

  // One entry of the argument table: a buffer, or bytes that were copied, or neither.
  struct Slot {
    Ref<Buffer> buffer;
    uint64_t offset = 0;
    uint64_t length = 0;  // from there, as far as a debug marker of the buffer says
    std::shared_ptr<const Bytes> bytes;
  };

  // A dispatch whose arguments are fixed and whose grid may still be in a buffer.
  struct Prepared {
    std::shared_ptr<const Kernel> kernel;
    Launch launch;
    std::vector<std::shared_ptr<const Bytes>> bytes;  // what launch.buffers points at
    std::vector<Ref<String>> labels;
  };

  std::shared_ptr<Prepared> prepare(const char* method, MTL::Size threads_per_group);
  void bind(const char* method, const Argument& argument, Prepared& out);

  const MTL::DispatchType dispatch_type_;
  uint64_t group_ = 0;  // of commands; 0 where dispatches are serial
  Ref<ComputePipelineState> pipeline_;
  std::array<Slot, kMaxBuffers> slots_;
  std::array<uint64_t, kMaxBuffers> threadgroup_bytes_{};
};

}  // namespace softmetal
