// MTLBlitCommandEncoder, for buffers.
#pragma once

#include "mtl/encoder.h"

namespace softmetal {

class BlitEncoder : public CommandEncoder {
 public:
  static Type type;

  explicit BlitEncoder(CommandBuffer& buffer);
};

}  // namespace softmetal
