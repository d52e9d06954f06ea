#include "mtl/blit_encoder.h"

#include "mtl/event.h"
#include "mtl/misuse.h"

namespace softmetal {

BlitEncoder::BlitEncoder(CommandBuffer& buffer)
    : CommandEncoder(buffer, "-[MTLCommandBuffer blitCommandEncoder]") {}

struct BlitEncoderMethods : BlitEncoder {
  void copy(Buffer* source, uint64_t source_offset, Buffer* destination,
            uint64_t destination_offset, uint64_t size) {
    constexpr const char* kName =
        "-[MTLBlitCommandEncoder copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:]";
    CommandBuffer& buffer = open_buffer(kName);
    check_range(kName, "sourceBuffer", source, source_offset, size);
    check_range(kName, "destinationBuffer", destination, destination_offset, size);
    // Metal's rule on macOS.
    if (source_offset % 4 != 0 || destination_offset % 4 != 0 || size % 4 != 0) {
      misuse(kName, "sourceOffset, destinationOffset and size must be multiples of 4");
    }
    const bool overlaps = source == destination && source_offset < destination_offset + size &&
                          destination_offset < source_offset + size;
    if (overlaps && size != 0) misuse(kName, "the two ranges overlap");
    buffer.use(*source);
    buffer.use(*destination);
    buffer.add({[=] {
      destination->device->executor.copy(destination->data() + destination_offset,
                                         source->data() + source_offset, size);
    }});
  }

  void fill(Buffer* target, NS::Range range, uint8_t value) {
    constexpr const char* kName = "-[MTLBlitCommandEncoder fillBuffer:range:value:]";
    CommandBuffer& buffer = open_buffer(kName);
    check_range(kName, "buffer", target, range.location, range.length);
    if (range.location % 4 != 0 || range.length % 4 != 0) {
      misuse(kName, "the range's location and length must be multiples of 4");
    }
    buffer.use(*target);
    buffer.add({[=] {
      target->device->executor.fill(target->data() + range.location, value, range.length);
    }});
  }

  // A managed resource would be copied back now; an Apple GPU has none.
  void synchronize(Resource*) {
    misuse("-[MTLBlitCommandEncoder synchronizeResource:]",
           "the resource's storage mode is not managed");
  }

  void update(Fence* fence) { update_fence(fence); }
  void wait(Fence* fence) { wait_for_fence(fence); }
  void end() { end_encoding(); }
};

namespace {

constexpr Method kMethods[] = {
    method<&BlitEncoderMethods::copy>(
        "copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:"),
    method<&BlitEncoderMethods::fill>("fillBuffer:range:value:"),
    method<&BlitEncoderMethods::synchronize>("synchronizeResource:"),
    method<&BlitEncoderMethods::update>("updateFence:"),
    method<&BlitEncoderMethods::wait>("waitForFence:"),
    method<&BlitEncoderMethods::end>("endEncoding"),
};

}  // namespace

constinit Type BlitEncoder::type = Type::define<BlitEncoder, Life::internal>(
    "MTLBlitCommandEncoder", &CommandEncoder::type, kMethods);

}  // namespace softmetal
