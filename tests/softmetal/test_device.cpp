// Devices, their limits, and memory.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "fixture.h"

using namespace fixture;

TEST(device_shows_its_profile) {
  Gpu gpu;
  CHECK_TEXT(text(gpu.device->name()), "Apple M1");
  CHECK(gpu.device->supportsFamily(MTL::GPUFamilyApple7));
  CHECK(!gpu.device->supportsFamily(MTL::GPUFamilyApple8));
  CHECK(gpu.device->supportsFamily(MTL::GPUFamilyMetal3));
  CHECK(gpu.device->hasUnifiedMemory());
  CHECK(gpu.device->maxThreadgroupMemoryLength() == 32768);
  CHECK(!text(gpu.device->architecture()->name()).empty());
  CHECK(gpu.device->supportsRaytracing() == false);  // asked safely: absent is "no"
}

TEST(profile_is_switched_for_later_devices) {
  CHECK(softmetal_set_profile("apple99") == 0);
  const char* const* names = softmetal_profiles();
  CHECK(std::string(names[0]) == "apple7" && std::string(names[4]) == "paravirtual" &&
        names[5] == nullptr);
  CHECK(softmetal_set_profile("apple9") == 1);
  {
    Gpu gpu;
    CHECK(gpu.device->supportsFamily(MTL::GPUFamilyApple9));
    CHECK_TEXT(text(gpu.device->name()), "Apple M3");
    softmetal_set_profile("apple7");
    Gpu same;
    CHECK(same.device.get() == gpu.device.get());
  }
  Gpu gpu;
  CHECK(!gpu.device->supportsFamily(MTL::GPUFamilyApple9));
}

TEST(a_virtual_machine_s_device_reports_an_old_family) {
  softmetal_set_profile("paravirtual");
  {
    Gpu gpu;
    CHECK(gpu.device->supportsFamily(MTL::GPUFamilyApple5));
    CHECK(!gpu.device->supportsFamily(MTL::GPUFamilyApple6));
    CHECK(!gpu.device->supportsFamily(MTL::GPUFamilyMetal3));
  }
  softmetal_set_profile("apple7");
}

TEST(all_devices) {
  auto devices = NS::TransferPtr(MTL::CopyAllDevices());
  auto one = NS::TransferPtr(MTL::CreateSystemDefaultDevice());
  CHECK(devices->count() == 1 && devices->object<MTL::Device>(0) == one.get());
}

TEST(buffers) {
  Gpu gpu;
  {
    auto shared = gpu.buffer(1000);
    CHECK(shared->length() == 1000 && shared->allocatedSize() >= 1000);
    CHECK(shared->storageMode() == MTL::StorageModeShared);
    CHECK(reinterpret_cast<uintptr_t>(shared->contents()) % getpagesize() == 0);
    CHECK(shared->gpuAddress() != 0);
    CHECK(gpu.device->currentAllocatedSize() == 1000);
    shared->setLabel(ns("weights"));
    CHECK(text(shared->label()) == "weights");
    auto hidden = NS::TransferPtr(gpu.device->newBuffer(64, MTL::ResourceStorageModePrivate));
    CHECK(hidden->contents() == nullptr);
    auto copied = NS::TransferPtr(gpu.device->newBuffer("abc", 4, MTL::ResourceStorageModeShared));
    CHECK(std::string(data<char>(copied)) == "abc");
  }
  CHECK(gpu.device->currentAllocatedSize() == 0);
}

TEST(impossible_buffers_are_nil_with_a_reason) {
  Gpu gpu;
  CHECK(gpu.device->newBuffer(NS::UInteger{0}, MTL::ResourceStorageModeShared) == nullptr);
  CHECK_TEXT(softmetal_last_error(), "length is 0");
  CHECK(gpu.device->newBuffer(gpu.device->maxBufferLength() + 1, 0) == nullptr);
  CHECK_TEXT(softmetal_last_error(), "maxBufferLength");
}

TEST(managed_storage_is_a_misuse) {
  Gpu gpu;
  CHECK_TEXT(check::thrown<softmetal::UsageError>(
                 [&] { gpu.device->newBuffer(64, MTL::ResourceStorageModeManaged); }),
             "shared or private");
}

TEST(no_copy_buffers) {
  Gpu gpu;
  const auto page = static_cast<size_t>(getpagesize());
  void* memory =
      mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  __block int freed = 0;
  auto deallocator = ^(void* pointer, NS::UInteger length) {
    ++freed;
    munmap(pointer, length);
  };
  auto* bytes = static_cast<char*>(memory);
  CHECK(gpu.device->newBuffer(bytes + 16, page, 0, nullptr) == nullptr);
  CHECK_TEXT(softmetal_last_error(), "page size");
  CHECK(gpu.device->newBuffer(bytes, page + 16, 0, nullptr) == nullptr);
  {
    auto buffer = NS::TransferPtr(gpu.device->newBuffer(memory, 2 * page, 0, deallocator));
    CHECK(buffer->contents() == memory);
    CHECK(freed == 0);
  }
  CHECK(freed == 1);
}

TEST(heaps) {
  Gpu gpu;
  auto descriptor = NS::TransferPtr(MTL::HeapDescriptor::alloc()->init());
  descriptor->setSize(4096);
  descriptor->setStorageMode(MTL::StorageModeShared);
  auto heap = NS::TransferPtr(gpu.device->newHeap(descriptor.get()));
  auto first = NS::TransferPtr(heap->newBuffer(1000, MTL::ResourceStorageModeShared));
  auto second = NS::TransferPtr(heap->newBuffer(1000, MTL::ResourceStorageModeShared));
  CHECK(first->heapOffset() == 0 && second->heapOffset() == 1024);
  CHECK(second->heap() == heap.get());
  CHECK(heap->usedSize() == 2000);
  CHECK(heap->maxAvailableSize(256) == 2048);
  CHECK(heap->newBuffer(3000, MTL::ResourceStorageModeShared) == nullptr);
  first.reset();
  auto third = NS::TransferPtr(heap->newBuffer(500, MTL::ResourceStorageModeShared));
  CHECK(third->heapOffset() == 0);  // the gap is used again
  CHECK_TEXT(check::thrown<softmetal::UsageError>(
                 [&] { heap->newBuffer(16, MTL::ResourceStorageModePrivate); }),
             "the storage mode is not the heap's");
  CHECK_TEXT(check::thrown<softmetal::UsageError>(
                 [&] { heap->newBuffer(16, MTL::ResourceStorageModeShared, 0); }),
             "not placement");
}

TEST(placement_heaps) {
  Gpu gpu;
  auto descriptor = NS::TransferPtr(MTL::HeapDescriptor::alloc()->init());
  descriptor->setSize(4096);
  descriptor->setType(MTL::HeapTypePlacement);
  descriptor->setResourceOptions(MTL::ResourceStorageModeShared);
  auto heap = NS::TransferPtr(gpu.device->newHeap(descriptor.get()));
  auto one = NS::TransferPtr(heap->newBuffer(1024, MTL::ResourceStorageModeShared, 512));
  auto alias = NS::TransferPtr(heap->newBuffer(1024, MTL::ResourceStorageModeShared, 512));
  data<int>(one)[0] = 5;
  CHECK(data<int>(alias)[0] == 5);
  CHECK(heap->newBuffer(1024, MTL::ResourceStorageModeShared, 3584) == nullptr);
}

TEST(residency_sets) {
  Gpu gpu;
  auto descriptor = NS::TransferPtr(MTL::ResidencySetDescriptor::alloc()->init());
  descriptor->setLabel(ns("weights"));
  NS::Error* error = nullptr;
  auto set = NS::TransferPtr(gpu.device->newResidencySet(descriptor.get(), &error));
  CHECK(text(set->label()) == "weights");
  auto buffer = gpu.buffer(8192);
  set->addAllocation(buffer.get());
  set->addAllocation(buffer.get());
  CHECK(set->allocationCount() == 1 && set->containsAllocation(buffer.get()));
  CHECK(set->allocatedSize() == 0);
  set->commit();
  set->requestResidency();
  CHECK(set->allocatedSize() == buffer->allocatedSize());
  gpu.queue->addResidencySet(set.get());
  set->removeAllocation(buffer.get());
  CHECK(set->allocationCount() == 0);
}

TEST(allocation_faults) {
  Gpu gpu;
  softmetal_fail_allocations(1, 2);
  CHECK(gpu.buffer(64));
  CHECK(!gpu.buffer(64));
  CHECK_TEXT(softmetal_last_error(), "a fault was asked for");
  CHECK(!gpu.buffer(64));
  CHECK(gpu.buffer(64));
  softmetal_fail_every_nth_allocation(3);
  CHECK(gpu.buffer(64));
  CHECK(gpu.buffer(64));
  CHECK(!gpu.buffer(64));
  CHECK(gpu.buffer(64));
}

TEST(forked_child_gets_an_error_and_does_not_hang) {
  Gpu gpu;
  auto append = gpu.pipeline("append");
  auto list = gpu.buffer(64);
  run_append(gpu, append.get(), list.get(), 1);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // a hang ends as a signal, not as a stuck test run
    MTL::CommandBuffer* commands = run_append(gpu, append.get(), list.get(), 2);
    const bool told = commands->status() == MTL::CommandBufferStatusError &&
                      check::contains(text(commands->error()), "fork()");
    _exit(told ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(run_append(gpu, append.get(), list.get(), 3)->error() == nullptr);
}

TEST(capture_manager_declines) {
  MTL::CaptureManager* manager = MTL::CaptureManager::sharedCaptureManager();
  CHECK(!manager->supportsDestination(MTL::CaptureDestinationGPUTraceDocument));
  NS::Error* error = nullptr;
  CHECK(!manager->startCapture(static_cast<MTL::CaptureDescriptor*>(nullptr), &error));
  CHECK_TEXT(text(error), "not supported by softmetal");
}
