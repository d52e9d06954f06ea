#include "gpu/capabilities.h"

#include "gpu/object.h"

namespace bitmetal::gpu {
namespace {

bool compiles(MTL::Device& device, std::string_view source) {
  NS::Error* error = nullptr;
  return static_cast<bool>(Ref<MTL::Library>(device.newLibrary(to_ns(source), nullptr, &error)));
}

struct Family {
  MTL::GPUFamily family;
  const char* name;
};
constexpr Family kFamilies[] = {
    {MTL::GPUFamilyApple5, "apple5"},   {MTL::GPUFamilyApple6, "apple6"},
    {MTL::GPUFamilyApple7, "apple7"},   {MTL::GPUFamilyApple8, "apple8"},
    {MTL::GPUFamilyApple9, "apple9"},   {MTL::GPUFamilyApple10, "apple10"},
    {MTL::GPUFamilyMac2, "mac2"},       {MTL::GPUFamilyCommon2, "common2"},
    {MTL::GPUFamilyCommon3, "common3"}, {MTL::GPUFamilyMetal3, "metal3"},
    {MTL::GPUFamilyMetal4, "metal4"},
};

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
  for (const Family& each : kFamilies) {
    if (device.supportsFamily(each.family)) c.families.push_back(each.name);
  }
  c.unified_memory = device.hasUnifiedMemory();
  c.simdgroup_matrix =
      device.supportsFamily(MTL::GPUFamilyApple7) || compiles(device, kUsesMatrices);
  // Apple's multiply float as fast as half. Tensor cores have no unit for it.
  c.float_matrix = c.simdgroup_matrix && c.unified_memory;
  c.large_tiles = c.simdgroup_matrix && !c.unified_memory;
  c.bfloat = device.supportsFamily(MTL::GPUFamilyMetal3) || compiles(device, kUsesBfloat);
  c.tensors = device.supportsFamily(MTL::GPUFamilyMetal4) &&
              responds(&device, "newTensorWithDescriptor:error:");
  c.residency_sets = responds(&device, "newResidencySetWithDescriptor:error:");
  c.max_buffer_bytes = device.maxBufferLength();
  c.max_threadgroup_bytes = device.maxThreadgroupMemoryLength();
  c.max_threads_per_threadgroup = device.maxThreadsPerThreadgroup().width;
  c.working_set_bytes = device.recommendedMaxWorkingSetSize();
  return c;
}

}  // namespace bitmetal::gpu
