// What the tests need of Metal again and again.
#pragma once

#include <softmetal/error.h>
#include <softmetal/softmetal.h>

#include <Metal/Metal.hpp>
#include <string>

#include "check.h"

namespace fixture {

template <class T>
using Ptr = NS::SharedPtr<T>;

inline NS::String* ns(const std::string& text) {
  return NS::String::string(text.c_str(), NS::UTF8StringEncoding);
}

inline std::string text(const NS::String* string) {
  return string == nullptr ? std::string() : std::string(string->utf8String());
}

inline std::string text(const NS::Error* error) {
  return error == nullptr ? std::string() : text(error->localizedDescription());
}

// A device with a queue and one pipeline a kernel of the executor double.
struct Gpu {
  Ptr<MTL::Device> device = NS::TransferPtr(MTL::CreateSystemDefaultDevice());
  Ptr<MTL::CommandQueue> queue = NS::TransferPtr(device->newCommandQueue());

  Ptr<MTL::Library> library(const std::string& source) {
    NS::Error* error = nullptr;
    auto out = NS::TransferPtr(device->newLibrary(ns(source), nullptr, &error));
    if (!out) check::fail(__FILE__, __LINE__, text(error));
    return out;
  }

  Ptr<MTL::ComputePipelineState> pipeline(const std::string& kernel) {
    auto made = library("kernel void " + kernel);
    auto function = NS::TransferPtr(made->newFunction(ns(kernel)));
    NS::Error* error = nullptr;
    auto out = NS::TransferPtr(device->newComputePipelineState(function.get(), &error));
    if (!out) check::fail(__FILE__, __LINE__, text(error));
    return out;
  }

  Ptr<MTL::Buffer> buffer(size_t bytes) {
    return NS::TransferPtr(device->newBuffer(bytes, MTL::ResourceStorageModeShared));
  }
};

template <class T>
T* data(const Ptr<MTL::Buffer>& buffer) {
  return static_cast<T*>(buffer->contents());
}

// Encodes one "append" of `value` to `list`; values arrive in the order of execution.
inline void encode_append(MTL::ComputeCommandEncoder* encoder, MTL::ComputePipelineState* append,
                          MTL::Buffer* list, uint32_t value) {
  encoder->setComputePipelineState(append);
  encoder->setBuffer(list, 0, 0);
  encoder->setBytes(&value, sizeof value, 1);
  encoder->dispatchThreads(MTL::Size(1, 1, 1), MTL::Size(1, 1, 1));
}

inline void encode_append(MTL::CommandBuffer* commands, MTL::ComputePipelineState* append,
                          MTL::Buffer* list, uint32_t value) {
  MTL::ComputeCommandEncoder* encoder = commands->computeCommandEncoder();
  encode_append(encoder, append, list, value);
  encoder->endEncoding();
}

inline std::vector<uint32_t> values(const Ptr<MTL::Buffer>& list) {
  const auto* words = data<uint32_t>(list);
  return {words + 1, words + 1 + words[0]};
}

// Commits one that runs "append" and waits for it.
inline MTL::CommandBuffer* run_append(Gpu& gpu, MTL::ComputePipelineState* append,
                                      MTL::Buffer* list, uint32_t value) {
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  encode_append(commands, append, list, value);
  commands->commit();
  commands->waitUntilCompleted();
  return commands;
}

}  // namespace fixture
