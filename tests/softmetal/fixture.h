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

}  // namespace fixture
