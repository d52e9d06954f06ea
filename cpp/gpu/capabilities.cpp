#include "gpu/capabilities.h"

#include "gpu/object.h"

namespace bitmetal::gpu {
namespace {

bool compiles(MTL::Device& device, std::string_view source) {
  NS::Error* error = nullptr;
  return static_cast<bool>(Ref<MTL::Library>(device.newLibrary(to_ns(source), nullptr, &error)));
}

constexpr std::string_view kUsesMatrices = R"(
#include <metal_stdlib>
using namespace metal;
[[kernel]] void probe(device float* a [[buffer(0)]]) {
  simdgroup_float8x8 m;
  simdgroup_load(m, a, 8);
  simdgroup_multiply(m, m, m);
  simdgroup_store(m, a, 8);
})";

constexpr std::string_view kUsesBfloat = R"(
#include <metal_stdlib>
using namespace metal;
[[kernel]] void probe(device bfloat* a [[buffer(0)]]) { a[0] = bfloat(float(a[1])); })";

}  // namespace

Capabilities probe(MTL::Device& device) {
  const AutoreleaseScope scope;
  Capabilities c;
  c.name = to_string(device.name());
  constexpr MTL::GPUFamily kApple[] = {MTL::GPUFamilyApple5, MTL::GPUFamilyApple6,
                                       MTL::GPUFamilyApple7, MTL::GPUFamilyApple8,
                                       MTL::GPUFamilyApple9, MTL::GPUFamilyApple10};
  for (int i = 0; i < static_cast<int>(std::size(kApple)); ++i) {
    if (device.supportsFamily(kApple[i])) c.apple_family = 5 + i;
  }
  c.unified_memory = device.hasUnifiedMemory();
  c.simdgroup_matrix = c.apple_family >= 7 || compiles(device, kUsesMatrices);
  c.bfloat = device.supportsFamily(MTL::GPUFamilyMetal3) || compiles(device, kUsesBfloat);
  c.tensors = c.apple_family >= 10 && device.supportsFamily(MTL::GPUFamilyMetal4);
  c.max_buffer_bytes = device.maxBufferLength();
  c.max_threadgroup_bytes = device.maxThreadgroupMemoryLength();
  c.max_threads_per_threadgroup = device.maxThreadsPerThreadgroup().width;
  c.working_set_bytes = device.recommendedMaxWorkingSetSize();
  return c;
}

}  // namespace bitmetal::gpu
