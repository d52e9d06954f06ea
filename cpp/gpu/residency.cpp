#include "gpu/residency.h"

namespace bitmetal::gpu {

Residency::Residency(MTL::Device& device, uint64_t budget) : budget_(budget) {
  if (!responds(&device, "newResidencySetWithDescriptor:error:")) return;
  const AutoreleaseScope scope;
  const Ref<MTL::ResidencySetDescriptor> descriptor(MTL::ResidencySetDescriptor::alloc()->init());
  NS::Error* error = nullptr;
  set_ = Ref<MTL::ResidencySet>(device.newResidencySet(descriptor.get(), &error));
}

void Residency::attach(MTL::CommandQueue& queue) {
  if (set_) queue.addResidencySet(set_.get());
}

void Residency::add(MTL::Buffer& buffer) {
  const std::lock_guard lock(mutex_);
  if (!set_ || bytes_ + buffer.allocatedSize() > budget_) return;
  set_->addAllocation(&buffer);
  bytes_ += buffer.allocatedSize();
  changed_ = true;
}

void Residency::remove(MTL::Buffer& buffer) {
  const std::lock_guard lock(mutex_);
  if (!set_ || !set_->containsAllocation(&buffer)) return;
  set_->removeAllocation(&buffer);
  set_->commit();  // else it would hold on to the buffer
  bytes_ -= buffer.allocatedSize();
}

void Residency::update() {
  const std::lock_guard lock(mutex_);
  if (!changed_) return;
  set_->commit();
  changed_ = false;
}

uint64_t Residency::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace bitmetal::gpu
