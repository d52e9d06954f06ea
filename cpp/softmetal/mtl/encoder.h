// MTLCommandEncoder: what compute and blit encoders share.
#pragma once

#include "mtl/command_buffer.h"

namespace softmetal {

class Fence;

class CommandEncoder : public DeviceObject {
 public:
  static Type type;

 protected:
  CommandEncoder(CommandBuffer& buffer, const char* begin_method);
  ~CommandEncoder();

  // The buffer that is being encoded; a misuse of `method` after endEncoding.
  CommandBuffer& open_buffer(const char* method) const;
  // A misuse of `method` unless the bytes are within the buffer.
  static void check_range(const char* method, const char* argument, const Buffer* buffer,
                          uint64_t offset, uint64_t size);

  void end_encoding();
  void update_fence(Fence* fence);
  void wait_for_fence(Fence* fence);

 private:
  friend struct EncoderMethods;

  Ref<CommandBuffer> buffer_;  // null once encoding has ended
  uint64_t debug_groups_ = 0;
};

}  // namespace softmetal
