#include "mtl/residency_set.h"

#include <algorithm>

#include "mtl/misuse.h"

namespace softmetal {

struct ResidencySetMethods : ResidencySet {
  void add(Allocation* allocation) { add_all(&allocation, 1); }

  void add_all(Allocation* const* allocations, uint64_t count) {
    std::lock_guard lock(mutex_);
    for (uint64_t i = 0; i < count; ++i) {
      if (allocations[i] == nullptr) {
        misuse("-[MTLResidencySet addAllocations:count:]", "an allocation is nil");
      }
      if (position(allocations[i]) == pending_.end()) {
        pending_.push_back(Ref<Allocation>::retain(allocations[i]));
      }
    }
  }

  void remove(Allocation* allocation) { remove_all_of(&allocation, 1); }

  void remove_all_of(Allocation* const* allocations, uint64_t count) {
    std::lock_guard lock(mutex_);
    for (uint64_t i = 0; i < count; ++i) {
      if (auto at = position(allocations[i]); at != pending_.end()) pending_.erase(at);
    }
  }

  void remove_all() {
    std::lock_guard lock(mutex_);
    pending_.clear();
  }

  void commit() {
    std::lock_guard lock(mutex_);
    committed_ = pending_;
  }

  bool contains(Allocation* allocation) {
    std::lock_guard lock(mutex_);
    return position(allocation) != pending_.end();
  }

  Array* all() {
    std::lock_guard lock(mutex_);
    return array(ObjectList(pending_.begin(), pending_.end())).autorelease();
  }

  uint64_t count() {
    std::lock_guard lock(mutex_);
    return pending_.size();
  }

  uint64_t size() {
    std::lock_guard lock(mutex_);
    uint64_t sum = 0;
    for (const auto& allocation : committed_) sum += allocation->allocated_size;
    return sum;
  }

  void request() {}
  void end() {}

 private:
  std::vector<Ref<Allocation>>::iterator position(const Allocation* allocation) {
    return std::find_if(pending_.begin(), pending_.end(),
                        [&](const auto& each) { return each.get() == allocation; });
  }
};

namespace {

constexpr Method kMethods[] = {
    method<&ResidencySetMethods::add>("addAllocation:"),
    method<&ResidencySetMethods::add_all>("addAllocations:count:"),
    method<&ResidencySetMethods::remove>("removeAllocation:"),
    method<&ResidencySetMethods::remove_all_of>("removeAllocations:count:"),
    method<&ResidencySetMethods::remove_all>("removeAllAllocations"),
    method<&ResidencySetMethods::commit>("commit"),
    method<&ResidencySetMethods::contains>("containsAllocation:"),
    method<&ResidencySetMethods::all>("allAllocations"),
    method<&ResidencySetMethods::count>("allocationCount"),
    method<&ResidencySetMethods::size>("allocatedSize"),
    method<&ResidencySetMethods::request>("requestResidency"),
    method<&ResidencySetMethods::end>("endResidency"),
};

}  // namespace

constinit Type ResidencySet::type =
    Type::define<ResidencySet, Life::internal>("MTLResidencySet", &DeviceObject::type, kMethods);

}  // namespace softmetal
