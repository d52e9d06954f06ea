#include "mtl/encoder.h"

#include "mtl/event.h"
#include "mtl/misuse.h"

namespace softmetal {

CommandEncoder::CommandEncoder(CommandBuffer& buffer, const char* begin_method)
    : DeviceObject(*buffer.device), buffer_(Ref<CommandBuffer>::retain(&buffer)) {
  buffer.begin_encoding(begin_method, *this);
}

CommandEncoder::~CommandEncoder() {
  if (buffer_) buffer_->end_encoding(true);
}

CommandBuffer& CommandEncoder::open_buffer(const char* method) const {
  if (!buffer_) misuse(method, "the encoder has ended encoding");
  return *buffer_;
}

void CommandEncoder::check_range(const char* method, const char* argument, const Buffer* buffer,
                                 uint64_t offset, uint64_t size) {
  if (buffer == nullptr) misuse(method, std::string(argument) + " is nil");
  if (offset > buffer->length() || size > buffer->length() - offset) {
    misuse(method, "bytes " + std::to_string(offset) + " to " + std::to_string(offset + size) +
                       " of " + argument + ", whose length is " + std::to_string(buffer->length()));
  }
}

void CommandEncoder::end_encoding() {
  CommandBuffer& buffer = open_buffer("-[MTLCommandEncoder endEncoding]");
  if (debug_groups_ != 0) {
    misuse("-[MTLCommandEncoder endEncoding]", "a debug group was pushed and not popped");
  }
  buffer.end_encoding(false);
  buffer_ = nullptr;
}

void CommandEncoder::update_fence(Fence* fence) {
  constexpr const char* kName = "-[MTLCommandEncoder updateFence:]";
  CommandBuffer& buffer = open_buffer(kName);
  if (fence == nullptr) misuse(kName, "fence is nil");
  fence->announce();
  buffer.use(*fence);
  buffer.add({[fence] { fence->update(); }, 0, true});
}

void CommandEncoder::wait_for_fence(Fence* fence) {
  constexpr const char* kName = "-[MTLCommandEncoder waitForFence:]";
  CommandBuffer& buffer = open_buffer(kName);
  if (fence == nullptr) misuse(kName, "fence is nil");
  buffer.use(*fence);
  buffer.add({[fence, updates = fence->announced()] {
    if (fence->wait(updates, kWaitLimit)) return;
    throw CommandFailure{MTL::CommandBufferErrorTimeout,
                         "fence \"" + std::string(view(fence->label.get())) +
                             "\" was not updated in " + std::to_string(kWaitLimit.count()) + " s"};
  }});
}

struct EncoderMethods : CommandEncoder {
  void signpost(String*) { open_buffer("-[MTLCommandEncoder insertDebugSignpost:]"); }
  void push_group(String*) {
    open_buffer("-[MTLCommandEncoder pushDebugGroup:]");
    ++debug_groups_;
  }
  void pop_group() {
    open_buffer("-[MTLCommandEncoder popDebugGroup]");
    if (debug_groups_ == 0) misuse("-[MTLCommandEncoder popDebugGroup]", "no group was pushed");
    --debug_groups_;
  }
};

namespace {

constexpr Method kMethods[] = {
    method<&EncoderMethods::signpost>("insertDebugSignpost:"),
    method<&EncoderMethods::push_group>("pushDebugGroup:"),
    method<&EncoderMethods::pop_group>("popDebugGroup"),
};

}  // namespace

constinit Type CommandEncoder::type("MTLCommandEncoder", &DeviceObject::type, kMethods);

}  // namespace softmetal
