// Whole programs: metal-cpp above, MSL below.
#include <cmath>
#include <functional>

#include "fixture.h"

using namespace fixture;

namespace {

constexpr const char* kSource = R"(
#include <metal_stdlib>
using namespace metal;

constant float factor [[function_constant(0)]];

kernel void scaled_sum(device const float* a [[buffer(0)]], device const float* b [[buffer(1)]],
                       device float* out [[buffer(2)]], constant uint& count [[buffer(3)]],
                       uint i [[thread_position_in_grid]]) {
  if (i < count) out[i] = factor * (a[i] + b[i]);
}

kernel void group_sum(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                      threadgroup float* scratch [[threadgroup(0)]],
                      uint lane [[thread_index_in_threadgroup]],
                      uint group [[threadgroup_position_in_grid]],
                      uint size [[threads_per_threadgroup]],
                      uint i [[thread_position_in_grid]]) {
  scratch[lane] = x[i];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint step = size / 2; step > 0; step /= 2) {
    if (lane < step) scratch[lane] += scratch[lane + step];
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (lane == 0) out[group] = scratch[0];
}

kernel void beyond(device float* x [[buffer(0)]], uint i [[thread_position_in_grid]]) {
  x[i + 1] = 1;
}
)";

Ptr<MTL::ComputePipelineState> make_pipeline(Gpu& gpu, const char* name, float factor) {
  auto values = NS::TransferPtr(MTL::FunctionConstantValues::alloc()->init());
  values->setConstantValue(&factor, MTL::DataTypeFloat, NS::UInteger{0});
  auto library = gpu.library(kSource);
  NS::Error* error = nullptr;
  auto function = NS::TransferPtr(library->newFunction(ns(name), values.get(), &error));
  if (!function) check::fail(__FILE__, __LINE__, text(error));
  return NS::TransferPtr(gpu.device->newComputePipelineState(function.get(), &error));
}

MTL::CommandBuffer* encode_and_wait(
    Gpu& gpu, const std::function<void(MTL::ComputeCommandEncoder*)>& encode) {
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  MTL::ComputeCommandEncoder* encoder = commands->computeCommandEncoder();
  encode(encoder);
  encoder->endEncoding();
  commands->commit();
  commands->waitUntilCompleted();
  return commands;
}

}  // namespace

TEST(a_kernel_with_a_function_constant) {
  Gpu gpu;
  auto pipeline = make_pipeline(gpu, "scaled_sum", 0.5f);
  constexpr uint32_t kCount = 1000;
  auto a = gpu.buffer(kCount * 4), b = gpu.buffer(kCount * 4), out = gpu.buffer(kCount * 4);
  for (uint32_t i = 0; i < kCount; ++i) {
    data<float>(a)[i] = static_cast<float>(i);
    data<float>(b)[i] = 2;
  }
  MTL::CommandBuffer* done = encode_and_wait(gpu, [&](MTL::ComputeCommandEncoder* encoder) {
    encoder->setComputePipelineState(pipeline.get());
    const MTL::Buffer* buffers[] = {a.get(), b.get(), out.get()};
    const NS::UInteger offsets[] = {0, 0, 0};
    encoder->setBuffers(buffers, offsets, NS::Range(0, 3));
    encoder->setBytes(&kCount, sizeof kCount, 3);
    encoder->dispatchThreads(MTL::Size(1024, 1, 1), MTL::Size(128, 1, 1));
  });
  CHECK(text(done->error()) == "");
  for (uint32_t i = 0; i < kCount; ++i) {
    CHECK(data<float>(out)[i] == 0.5f * (static_cast<float>(i) + 2));
  }
}

TEST(threadgroup_memory_and_barriers_in_every_order) {
  Gpu gpu;
  auto pipeline = make_pipeline(gpu, "group_sum", 1);
  constexpr uint32_t kGroups = 4, kSize = 64;
  auto x = gpu.buffer(kGroups * kSize * 4), out = gpu.buffer(kGroups * 4);
  for (uint32_t i = 0; i < kGroups * kSize; ++i)
    data<float>(x)[i] = static_cast<float>(i / kSize + 1);
  for (int order : {SOFTMETAL_ORDER_FORWARD, SOFTMETAL_ORDER_REVERSE, SOFTMETAL_ORDER_SHUFFLED}) {
    softmetal_set_order(order, 42);
    MTL::CommandBuffer* done = encode_and_wait(gpu, [&](MTL::ComputeCommandEncoder* encoder) {
      encoder->setComputePipelineState(pipeline.get());
      encoder->setBuffer(x.get(), 0, 0);
      encoder->setBuffer(out.get(), 0, 1);
      encoder->setThreadgroupMemoryLength(kSize * 4, 0);
      encoder->dispatchThreadgroups(MTL::Size(kGroups, 1, 1), MTL::Size(kSize, 1, 1));
    });
    CHECK(text(done->error()) == "");
    for (uint32_t g = 0; g < kGroups; ++g) {
      CHECK(data<float>(out)[g] == static_cast<float>(kSize * (g + 1)));
    }
  }
  softmetal_set_order(SOFTMETAL_ORDER_FORWARD, 0);
}

TEST(a_wrong_source_is_reported_with_its_line) {
  Gpu gpu;
  NS::Error* error = nullptr;
  CHECK(gpu.device->newLibrary(ns("#include <metal_stdlib>\nkernel void k(device float* x "
                                  "[[buffer(0)]]) {\n  x[0] = nonsense;\n}\n"),
                               nullptr, &error) == nullptr);
  CHECK_TEXT(text(error), "program_source:3");
  CHECK_TEXT(text(error), "nonsense");
}

TEST(a_debug_marker_bounds_what_is_bound) {
  Gpu gpu;
  auto pipeline = make_pipeline(gpu, "beyond", 1);
  auto x = gpu.buffer(4096);
  const auto run = [&] {
    softmetal_set_check(1);
    MTL::CommandBuffer* done = encode_and_wait(gpu, [&](MTL::ComputeCommandEncoder* encoder) {
      encoder->setComputePipelineState(pipeline.get());
      encoder->setBuffer(x.get(), 256, 0);
      encoder->dispatchThreads(MTL::Size(64, 1, 1), MTL::Size(32, 1, 1));
    });
    softmetal_set_check(0);
    softmetal_take_reports([](void*, const char*) {}, nullptr);
    return done;
  };
  CHECK(run()->status() == MTL::CommandBufferStatusCompleted);
  x->addDebugMarker(ns("row"), NS::Range(256, 64 * 4));
  CHECK_TEXT(text(run()->error()),
             "at offset 256 of buffer 'x' [[buffer(0)]], which has 256 bytes");
  x->removeAllDebugMarkers();
  CHECK(run()->status() == MTL::CommandBufferStatusCompleted);
}

TEST(the_checker_fails_the_command_buffer) {
  Gpu gpu;
  auto pipeline = make_pipeline(gpu, "beyond", 1);
  auto x = gpu.buffer(64 * 4);
  x->setLabel(ns("weights"));
  softmetal_set_check(1);
  MTL::CommandBuffer* done = encode_and_wait(gpu, [&](MTL::ComputeCommandEncoder* encoder) {
    encoder->setComputePipelineState(pipeline.get());
    encoder->setBuffer(x.get(), 0, 0);
    encoder->dispatchThreads(MTL::Size(64, 1, 1), MTL::Size(32, 1, 1));
  });
  softmetal_set_check(0);
  CHECK(done->status() == MTL::CommandBufferStatusError);
  CHECK_TEXT(text(done->error()), "beyond");
  int reports = 0;
  softmetal_take_reports([](void* count, const char*) { ++*static_cast<int*>(count); }, &reports);
  CHECK(reports == 1);
}
