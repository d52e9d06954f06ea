#include "runtime/object.h"

#include <string>

#include "foundation/string.h"
#include "runtime/autorelease.h"
#include "runtime/class.h"

namespace softmetal {

Object* Object::retain() {
  // Immortal: classes and constant strings, whose second word is no count.
  if (isa != nullptr && isa->destroy != nullptr) {
    references_.fetch_add(1, std::memory_order_relaxed);
  }
  return this;
}

void Object::release() {
  if (isa == nullptr || isa->destroy == nullptr) return;
  const int32_t before = references_.fetch_sub(1, std::memory_order_acq_rel);
  if (before == 1) {
    const Class& cls = *isa;
    cls.destroy(this);
    cls.live.fetch_sub(1, std::memory_order_relaxed);
  }
}

bool Object::retain_if_alive() {
  int32_t count = references_.load(std::memory_order_relaxed);
  while (count > 0) {
    if (references_.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel)) return true;
  }
  return false;
}

Object* Object::autorelease() {
  add_to_pool(this);
  return this;
}

uint64_t Object::retain_count() const {
  if (isa == nullptr || isa->destroy == nullptr) return UINT64_MAX;
  return static_cast<uint64_t>(references_.load(std::memory_order_relaxed));
}

uint64_t Object::hash() const { return reinterpret_cast<uintptr_t>(this); }

bool Object::equals(Object* other) const { return this == other; }

String* Object::description() const {
  return string(std::string("<") + isa->name + ">").autorelease();
}

bool Object::responds_to(SEL selector) const { return isa->find(selector) != nullptr; }

namespace {

// The methods of every class object, with the class as receiver.
struct ClassMethods : Class {
  Object* alloc() {
    if (create == nullptr) {
      throw UsageError(std::string("+[") + name +
                       " alloc]: its instances are made by other objects' methods");
    }
    Object* object = create();
    adopt_class(object, *this);
    return object;
  }
};

struct InstanceMethods : Object {
  Object* init() { return this; }

  Object* copy_self() {
    if (isa->copy == nullptr) return retain();
    Object* object = isa->copy(this);
    adopt_class(object, *isa);
    return object;
  }

  // Only asked after respondsToSelector: said no, to learn whether a proxy would answer: none
  // would.
  Object* method_signature(SEL) const { return nullptr; }
};

constexpr Method kMethods[] = {
    method<&InstanceMethods::init>("init"),
    method<&InstanceMethods::copy_self>("copy"),
    method<&InstanceMethods::method_signature>("methodSignatureForSelector:"),
    method<&Object::retain>("retain"),
    method<&Object::release>("release"),
    method<&Object::autorelease>("autorelease"),
    method<&Object::retain_count>("retainCount"),
    method<&Object::hash>("hash"),
    method<&Object::equals>("isEqual:"),
    method<&Object::description>("description"),
    method<&Object::description>("debugDescription"),
    method<&Object::responds_to>("respondsToSelector:"),
};

constexpr Method kClassMethods[] = {
    method<&ClassMethods::alloc>("alloc"),
    method<&Object::retain>("retain"),
    method<&Object::release>("release"),
    method<&Object::autorelease>("autorelease"),
    method<&Object::responds_to>("respondsToSelector:"),
};

}  // namespace

constinit Type RootObject::type{"NSObject", nullptr, kMethods, kClassMethods};

}  // namespace softmetal
