// Command buffers: order, handlers, events, failures and misuse.
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "fixture.h"

using namespace fixture;

TEST(buffers_of_a_queue_run_in_order) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  auto list = gpu.buffer(4096);
  MTL::CommandBuffer* last = nullptr;
  for (uint32_t i = 0; i < 50; ++i) {
    last = gpu.queue->commandBuffer();
    encode_append(last, append.get(), list.get(), i);
    last->commit();
  }
  last->waitUntilCompleted();
  std::vector<uint32_t> expected(50);
  std::iota(expected.begin(), expected.end(), 0u);
  CHECK(values(list) == expected);
}

TEST(enqueue_reserves_the_turn) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  auto list = gpu.buffer(4096);
  MTL::CommandBuffer* first = gpu.queue->commandBuffer();
  MTL::CommandBuffer* second = gpu.queue->commandBuffer();
  first->enqueue();
  second->enqueue();
  CHECK(first->status() == MTL::CommandBufferStatusEnqueued);
  encode_append(second, append.get(), list.get(), 2);
  second->commit();
  usleep(20000);
  CHECK(second->status() == MTL::CommandBufferStatusCommitted);
  encode_append(first, append.get(), list.get(), 1);
  first->commit();
  second->waitUntilCompleted();
  CHECK((values(list) == std::vector<uint32_t>{1, 2}));
}

TEST(handlers_run_elsewhere_and_are_freed) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  auto list = gpu.buffer(4096);
  auto witness = std::make_shared<std::vector<std::string>>();
  auto thread = std::make_shared<std::thread::id>();
  {
    MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
    encode_append(commands, append.get(), list.get(), 1);
    commands->addScheduledHandler(
        [witness](MTL::CommandBuffer*) { witness->push_back("scheduled"); });
    commands->addCompletedHandler([witness, thread](MTL::CommandBuffer* done) {
      *thread = std::this_thread::get_id();
      done->waitUntilCompleted();  // returns at once
      witness->push_back(done->status() == MTL::CommandBufferStatusCompleted ? "completed" : "?");
    });
    commands->addCompletedHandler(^(MTL::CommandBuffer*) {
      witness->push_back("raw block");
    });
    commands->commit();
    commands->waitUntilScheduled();
    commands->waitUntilCompleted();
  }
  CHECK((*witness == std::vector<std::string>{"scheduled", "completed", "raw block"}));
  CHECK(*thread != std::this_thread::get_id());
  CHECK(witness.use_count() == 1);
}

TEST(a_handler_may_wait_for_a_later_buffer) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  auto list = gpu.buffer(4096);
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  encode_append(commands, append.get(), list.get(), 1);
  commands->addCompletedHandler(
      [&](MTL::CommandBuffer*) { run_append(gpu, append.get(), list.get(), 2); });
  commands->commit();
  commands->waitUntilCompleted();
  CHECK((values(list) == std::vector<uint32_t>{1, 2}));
}

TEST(nobody_need_wait) {
  const uint64_t before = softmetal_live_objects_of("MTLCommandBuffer");
  {
    Gpu gpu;
    auto append = gpu.pipeline("append");
    auto list = gpu.buffer(4096);
    NS::AutoreleasePool* pool = NS::AutoreleasePool::alloc()->init();
    softmetal_delay_completion(20000);
    MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
    encode_append(commands, append.get(), list.get(), 1);
    commands->commit();
    pool->release();
  }
  // Everything that was let go of lives on until the command buffer has run, and no longer.
  for (int i = 0; i < 2000 && softmetal_live_objects_of("MTLDevice") > 0; ++i) usleep(1000);
  CHECK(softmetal_live_objects_of("MTLCommandBuffer") == before);
}

TEST(concurrent_dispatches_take_any_order_between_barriers) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  std::set<std::vector<uint32_t>> orders;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    auto list = gpu.buffer(4096);
    softmetal_set_order(SOFTMETAL_ORDER_SHUFFLED, seed);
    MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
    auto* encoder = commands->computeCommandEncoder(MTL::DispatchTypeConcurrent);
    for (uint32_t i = 0; i < 8; ++i) {
      if (i == 4) encoder->memoryBarrier(MTL::BarrierScopeBuffers);
      encode_append(encoder, append.get(), list.get(), i);
    }
    encoder->endEncoding();
    commands->commit();
    commands->waitUntilCompleted();
    std::vector<uint32_t> order = values(list);
    orders.insert(order);
    std::sort(order.begin(), order.begin() + 4);
    std::sort(order.begin() + 4, order.end());
    std::vector<uint32_t> expected(8);
    std::iota(expected.begin(), expected.end(), 0u);
    CHECK(order == expected);  // nothing crosses the barrier
  }
  CHECK(orders.size() > 1);
  softmetal_set_order(SOFTMETAL_ORDER_REVERSE, 0);
  auto list = gpu.buffer(4096);
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  auto* encoder = commands->computeCommandEncoder(MTL::DispatchTypeSerial);
  for (uint32_t i = 0; i < 3; ++i) encode_append(encoder, append.get(), list.get(), i);
  encoder->endEncoding();
  commands->commit();
  commands->waitUntilCompleted();
  CHECK((values(list) == std::vector<uint32_t>{0, 1, 2}));  // serial is serial in every order
  softmetal_set_order(SOFTMETAL_ORDER_FORWARD, 0);
  CHECK(softmetal_set_order(7, 0) == 0);
}

TEST(events_order_two_queues) {
  Gpu gpu;
  auto other = NS::TransferPtr(gpu.device->newCommandQueue());
  auto append = gpu.pipeline("append");
  auto list = gpu.buffer(4096);
  auto event = NS::TransferPtr(gpu.device->newEvent());
  MTL::CommandBuffer* waits = gpu.queue->commandBuffer();
  waits->encodeWait(event.get(), 1);
  encode_append(waits, append.get(), list.get(), 2);
  waits->commit();
  usleep(10000);
  MTL::CommandBuffer* signals = other->commandBuffer();
  encode_append(signals, append.get(), list.get(), 1);
  signals->encodeSignalEvent(event.get(), 1);
  signals->commit();
  waits->waitUntilCompleted();
  CHECK((values(list) == std::vector<uint32_t>{1, 2}));
}

TEST(shared_events) {
  Gpu gpu;
  auto event = NS::TransferPtr(gpu.device->newSharedEvent());
  auto handle = NS::TransferPtr(event->newSharedEventHandle());
  auto same = NS::TransferPtr(gpu.device->newSharedEvent(handle.get()));
  CHECK(!event->waitUntilSignaledValue(1, 5));
  auto notified = std::make_shared<std::atomic<uint64_t>>(0);
  {
    auto listener = NS::TransferPtr(MTL::SharedEventListener::alloc()->init());
    event->notifyListener(listener.get(), 3, [notified](MTL::SharedEvent*, uint64_t value) {
      notified->store(value);
    });
    MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
    commands->encodeWait(event.get(), 2);
    commands->encodeSignalEvent(event.get(), 3);
    commands->commit();
    CHECK(commands->status() < MTL::CommandBufferStatusCompleted);
    same->setSignaledValue(2);
    CHECK(event->waitUntilSignaledValue(3, 10000));
    commands->waitUntilCompleted();
  }  // the listener's queue is empty once it is gone
  for (int i = 0; i < 2000 && notified->load() == 0; ++i) usleep(1000);
  CHECK(notified->load() == 3);
  CHECK(event->signaledValue() == 3);
  for (int i = 0; i < 2000 && notified.use_count() > 1; ++i) usleep(1000);
}

TEST(fences_order_two_queues) {
  Gpu gpu;
  auto other = NS::TransferPtr(gpu.device->newCommandQueue());
  auto append = gpu.pipeline("append");
  auto list = gpu.buffer(4096);
  auto fence = NS::TransferPtr(gpu.device->newFence());
  MTL::CommandBuffer* updates = other->commandBuffer();
  MTL::ComputeCommandEncoder* encoder = updates->computeCommandEncoder();
  encode_append(encoder, append.get(), list.get(), 1);
  encoder->updateFence(fence.get());
  encoder->endEncoding();
  MTL::CommandBuffer* waits = gpu.queue->commandBuffer();
  encoder = waits->computeCommandEncoder();
  encoder->waitForFence(fence.get());
  encode_append(encoder, append.get(), list.get(), 2);
  encoder->endEncoding();
  waits->commit();
  usleep(10000);
  updates->commit();
  waits->waitUntilCompleted();
  CHECK((values(list) == std::vector<uint32_t>{1, 2}));
}

TEST(blits) {
  Gpu gpu;
  auto a = gpu.buffer(64), b = gpu.buffer(64);
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  MTL::BlitCommandEncoder* encoder = commands->blitCommandEncoder();
  encoder->fillBuffer(a.get(), NS::Range(0, 64), 7);
  encoder->copyFromBuffer(a.get(), 0, b.get(), 32, 32);
  CHECK_TEXT(check::thrown<softmetal::UsageError>(
                 [&] { encoder->copyFromBuffer(a.get(), 40, b.get(), 0, 32); }),
             "bytes 40 to 72 of sourceBuffer, whose length is 64");
  CHECK_TEXT(check::thrown<softmetal::UsageError>(
                 [&] { encoder->copyFromBuffer(a.get(), 0, a.get(), 16, 32); }),
             "overlap");
  CHECK_TEXT(check::thrown<softmetal::UsageError>(
                 [&] { encoder->fillBuffer(a.get(), NS::Range(1, 4), 0); }),
             "multiples of 4");
  encoder->endEncoding();
  commands->commit();
  commands->waitUntilCompleted();
  CHECK(data<uint8_t>(b)[31] == 0 && data<uint8_t>(b)[32] == 7 && data<uint8_t>(b)[63] == 7);
}

TEST(indirect_dispatch_and_threadgroup_memory) {
  Gpu gpu;
  auto reduce = gpu.pipeline("reduce");
  auto out = gpu.buffer(64), grid = gpu.buffer(64);
  data<uint32_t>(grid)[1] = 3;
  data<uint32_t>(grid)[2] = 2;
  data<uint32_t>(grid)[3] = 1;
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  MTL::ComputeCommandEncoder* encoder = commands->computeCommandEncoder();
  encoder->setComputePipelineState(reduce.get());
  encoder->setBuffer(out.get(), 0, 0);
  encoder->setThreadgroupMemoryLength(256, 0);
  encoder->dispatchThreadgroups(grid.get(), 4, MTL::Size(32, 1, 1));
  encoder->endEncoding();
  commands->commit();
  commands->waitUntilCompleted();
  CHECK(data<uint32_t>(out)[0] == 256 && data<uint32_t>(out)[1] == 3 * 2 * 32);
}

TEST(failed_kernel_fails_its_buffer_alone) {
  Gpu gpu;
  auto fault = gpu.pipeline("fault");
  auto append = gpu.pipeline("append");
  auto list = gpu.buffer(4096);
  list->setLabel(ns("the list"));
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  commands->setLabel(ns("step 4"));
  MTL::ComputeCommandEncoder* encoder = commands->computeCommandEncoder();
  encoder->setComputePipelineState(fault.get());
  encoder->setBuffer(list.get(), 0, 0);
  encoder->dispatchThreads(MTL::Size(1, 1, 1), MTL::Size(1, 1, 1));
  encoder->endEncoding();
  commands->commit();
  commands->waitUntilCompleted();
  CHECK(commands->status() == MTL::CommandBufferStatusError);
  CHECK(text(commands->error()->domain()) == "MTLCommandBufferErrorDomain");
  CHECK_TEXT(text(commands->error()), "step 4");
  CHECK_TEXT(text(commands->error()), "out of bounds in buffer \"the list\"");
  CHECK(run_append(gpu, append.get(), list.get(), 1)->error() == nullptr);
}

TEST(command_buffer_faults) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  auto list = gpu.buffer(4096);
  softmetal_fail_command_buffers(1, 1, MTL::CommandBufferErrorOutOfMemory);
  CHECK(run_append(gpu, append.get(), list.get(), 1)->error() == nullptr);
  MTL::CommandBuffer* failed = run_append(gpu, append.get(), list.get(), 2);
  CHECK(failed->status() == MTL::CommandBufferStatusError);
  CHECK(failed->error()->code() == MTL::CommandBufferErrorOutOfMemory);
  CHECK(run_append(gpu, append.get(), list.get(), 3)->error() == nullptr);
  CHECK((values(list) == std::vector<uint32_t>{1, 3}));
  softmetal_lose_device(1);
  CHECK(run_append(gpu, append.get(), list.get(), 4)->error()->code() ==
        MTL::CommandBufferErrorDeviceRemoved);
  CHECK(!gpu.buffer(64));
  softmetal_lose_device(0);
  CHECK(run_append(gpu, append.get(), list.get(), 5)->error() == nullptr);
}

TEST(completion_can_be_delayed) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  auto list = gpu.buffer(4096);
  softmetal_delay_completion(50000);
  MTL::CommandBuffer* commands = run_append(gpu, append.get(), list.get(), 1);
  CHECK(commands->GPUEndTime() - commands->GPUStartTime() >= 0.05);
}

TEST(unretained_references_are_watched) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  auto kept = gpu.buffer(4096);
  MTL::CommandBuffer* good = gpu.queue->commandBufferWithUnretainedReferences();
  CHECK(!good->retainedReferences());
  encode_append(good, append.get(), kept.get(), 1);
  good->commit();
  good->waitUntilCompleted();
  CHECK(good->error() == nullptr);
  auto event = NS::TransferPtr(gpu.device->newSharedEvent());
  auto dropped = gpu.buffer(4096);
  dropped->setLabel(ns("scratch"));
  MTL::CommandBuffer* bad = gpu.queue->commandBufferWithUnretainedReferences();
  encode_append(bad, append.get(), dropped.get(), 1);
  dropped.reset();
  bad->commit();
  bad->waitUntilCompleted();
  CHECK(bad->error() != nullptr && bad->error()->code() == MTL::CommandBufferErrorInvalidResource);
  CHECK_TEXT(text(bad->error()), "\"scratch\" was released before");
}

TEST(misused_encoders) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  auto small = gpu.pipeline("small");
  auto reduce = gpu.pipeline("reduce");
  auto list = gpu.buffer(64);
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  MTL::ComputeCommandEncoder* encoder = commands->computeCommandEncoder();
  const auto misuse = [](const std::function<void()>& body) {
    return check::thrown<softmetal::UsageError>(body);
  };
  const MTL::Size one(1, 1, 1);
  std::vector<char> bytes(4097);
  CHECK_TEXT(misuse([&] { encoder->dispatchThreads(one, one); }), "no compute pipeline state");
  CHECK_TEXT(misuse([&] { encoder->setBytes(bytes.data(), 4097, 0); }), "length is 4097");
  CHECK_TEXT(misuse([&] { encoder->setBytes(bytes.data(), 0, 0); }), "length is 0");
  CHECK_TEXT(misuse([&] { encoder->setBuffer(list.get(), 65, 0); }), "whose length is 64");
  CHECK_TEXT(misuse([&] { encoder->setBuffer(list.get(), 0, 31); }), "index is 31");
  CHECK_TEXT(misuse([&] { encoder->setBufferOffset(0, 5); }), "index 5 holds no buffer");
  CHECK_TEXT(misuse([&] { encoder->setThreadgroupMemoryLength(8, 0); }), "no multiple of 16");
  CHECK_TEXT(misuse([&] { encoder->setThreadgroupMemoryLength(32784, 0); }), "32784");
  CHECK_TEXT(misuse([&] { encoder->setComputePipelineState(nullptr); }), "state is nil");
  encoder->setComputePipelineState(append.get());
  CHECK_TEXT(misuse([&] { encoder->dispatchThreads(one, one); }),
             "argument \"list\" of \"append\" (index 0) is not set");
  encoder->setBuffer(list.get(), 2, 0);
  encoder->setBytes(bytes.data(), 4, 1);
  CHECK_TEXT(misuse([&] { encoder->dispatchThreads(one, one); }), "no multiple of its alignment");
  encoder->setBufferOffset(0, 0);
  CHECK_TEXT(misuse([&] { encoder->dispatchThreads(one, MTL::Size(2048, 1, 1)); }),
             "threadsPerThreadgroup is 2048 x 1 x 1, the pipeline's");
  CHECK_TEXT(misuse([&] { encoder->dispatchThreads(MTL::Size(0, 1, 1), one); }), "0 x 1 x 1");
  encoder->setComputePipelineState(small.get());
  CHECK_TEXT(misuse([&] { encoder->dispatchThreads(one, MTL::Size(65, 1, 1)); }),
             "PerThreadgroup 64");
  encoder->setComputePipelineState(reduce.get());
  CHECK_TEXT(misuse([&] { encoder->dispatchThreads(one, one); }), "has no threadgroup memory");
  encoder->setThreadgroupMemoryLength(32768, 0);
  CHECK_TEXT(misuse([&] { encoder->dispatchThreads(one, one); }), "threadgroup memory is 33792");
  CHECK_TEXT(misuse([&] { commands->commit(); }), "an encoder has not ended");
  CHECK_TEXT(misuse([&] { commands->blitCommandEncoder(); }), "another encoder");
  encoder->pushDebugGroup(ns("group"));
  CHECK_TEXT(misuse([&] { encoder->endEncoding(); }), "debug group");
  encoder->popDebugGroup();
  encoder->endEncoding();
  CHECK_TEXT(misuse([&] { encoder->setBuffer(list.get(), 0, 0); }), "has ended encoding");
  CHECK_TEXT(misuse([&] { encoder->endEncoding(); }), "has ended encoding");
}

TEST(misused_command_buffers) {
  Gpu gpu;
  const auto misuse = [](const std::function<void()>& body) {
    return check::thrown<softmetal::UsageError>(body);
  };
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  CHECK_TEXT(misuse([&] { commands->waitUntilCompleted(); }), "is not committed");
  commands->commit();
  CHECK_TEXT(misuse([&] { commands->commit(); }), "already committed");
  CHECK_TEXT(misuse([&] { commands->enqueue(); }), "already enqueued");
  CHECK_TEXT(misuse([&] { commands->computeCommandEncoder(); }), "already committed");
  CHECK_TEXT(misuse([&] {
               commands->addCompletedHandler(^(MTL::CommandBuffer*){
               });
             }),
             "already committed");
  commands->waitUntilCompleted();
  MTL::CommandBuffer* abandoned = gpu.queue->commandBuffer();
  NS::AutoreleasePool* pool = NS::AutoreleasePool::alloc()->init();
  abandoned->computeCommandEncoder();
  pool->release();
  CHECK_TEXT(misuse([&] { abandoned->commit(); }), "released before it ended encoding");
  CHECK_TEXT(misuse([&] { gpu.device->newCommandQueue(NS::UInteger{0}); }), "the count is 0");
}

TEST(a_queue_has_places_for_so_many) {
  Gpu gpu;
  auto queue = NS::TransferPtr(gpu.device->newCommandQueue(2));
  NS::AutoreleasePool* pool = NS::AutoreleasePool::alloc()->init();
  queue->commandBuffer();
  pool->release();  // a buffer that is let go of frees its place
  softmetal_delay_completion(30000);
  MTL::CommandBuffer* first = queue->commandBuffer();
  MTL::CommandBuffer* second = queue->commandBuffer();
  first->commit();
  second->commit();
  MTL::CommandBuffer* third = queue->commandBuffer();  // waits for the first
  CHECK(first->status() == MTL::CommandBufferStatusCompleted);
  third->commit();
  third->waitUntilCompleted();
}

namespace {

long resident_kilobytes() {
  long pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * (getpagesize() / 1024);
}

}  // namespace

TEST(ten_thousand_dispatches_leave_nothing) {
  Gpu gpu;
  auto add = gpu.pipeline("add");
  auto a = gpu.buffer(256), b = gpu.buffer(256), out = gpu.buffer(256);
  const auto batch = [&](int dispatches) {
    NS::AutoreleasePool* pool = NS::AutoreleasePool::alloc()->init();
    MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
    auto* encoder = commands->computeCommandEncoder(MTL::DispatchTypeConcurrent);
    encoder->setComputePipelineState(add.get());
    encoder->setBuffer(a.get(), 0, 0);
    encoder->setBuffer(b.get(), 0, 1);
    encoder->setBuffer(out.get(), 0, 2);
    for (int i = 0; i < dispatches; ++i) {
      encoder->dispatchThreads(MTL::Size(64, 1, 1), MTL::Size(32, 1, 1));
    }
    encoder->endEncoding();
    commands->addCompletedHandler([keep = a](MTL::CommandBuffer*) {});
    commands->commit();
    commands->waitUntilCompleted();
    pool->release();
  };
  for (int i = 0; i < 100; ++i) batch(10);
  const uint64_t objects = softmetal_live_objects();
  const long before = resident_kilobytes();
  for (int i = 0; i < 1000; ++i) batch(10);
  CHECK(softmetal_live_objects() == objects);
  // A command buffer that stayed would cost over a kilobyte, so 1000 of them over a megabyte.
  // Sanitizers quarantine what is freed, so memory is not flat under them.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
  CHECK(resident_kilobytes() - before < 1024);
#else
  (void)before;
#endif
}

TEST(many_threads_share_a_device) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      NS::AutoreleasePool* pool = NS::AutoreleasePool::alloc()->init();
      auto own_queue = NS::TransferPtr(gpu.device->newCommandQueue());
      auto list = gpu.buffer(4096);
      for (uint32_t i = 0; i < 100; ++i) {
        MTL::CommandQueue* queue = i % 2 == 0 ? own_queue.get() : gpu.queue.get();
        MTL::CommandBuffer* commands = queue->commandBuffer();
        encode_append(commands, append.get(), list.get(), t * 1000 + i);
        commands->addCompletedHandler([&wrong](MTL::CommandBuffer* done) {
          if (done->error() != nullptr) ++wrong;
        });
        commands->commit();
        commands->waitUntilCompleted();
      }
      if (values(list).size() != 100 || values(list).back() != t * 1000 + 99) ++wrong;
      pool->release();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
