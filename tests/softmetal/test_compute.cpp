// From a device to a result, and what is left of it afterwards.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <memory>

#include "fixture.h"

using namespace fixture;

TEST(adds_two_buffers) {
  Gpu gpu;
  auto pipeline = gpu.pipeline("add");
  constexpr int kCount = 1000;
  auto a = gpu.buffer(kCount * 4), b = gpu.buffer(kCount * 4), out = gpu.buffer(kCount * 4);
  for (int i = 0; i < kCount; ++i) {
    data<float>(a)[i] = static_cast<float>(i);
    data<float>(b)[i] = 1;
  }
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  MTL::ComputeCommandEncoder* encoder = commands->computeCommandEncoder();
  encoder->setComputePipelineState(pipeline.get());
  encoder->setBuffer(a.get(), 0, 0);
  encoder->setBuffer(b.get(), 0, 1);
  encoder->setBuffer(out.get(), 0, 2);
  encoder->dispatchThreads(MTL::Size(kCount, 1, 1), MTL::Size(256, 1, 1));
  encoder->endEncoding();
  commands->commit();
  commands->waitUntilCompleted();
  CHECK(commands->status() == MTL::CommandBufferStatusCompleted);
  CHECK(commands->error() == nullptr);
  CHECK(commands->GPUEndTime() >= commands->GPUStartTime() && commands->GPUStartTime() > 0);
  for (int i = 0; i < kCount; ++i) CHECK(data<float>(out)[i] == static_cast<float>(i + 1));
}
