// What every Objective-C object is here: a class pointer, then a count.
//
// The layout of the first two words is fixed from outside: clang emits constant strings as
// { class, flags, characters, length }, so String (foundation/string.h) continues this one. There
// is therefore no virtual function in any object; what differs by class is in Class.
#pragma once

#include <objc/runtime.h>

#include <atomic>
#include <cstdint>
#include <utility>

namespace softmetal {

class Class;
class String;

class Object {
 public:
  const Class* isa = nullptr;

  Object* retain();
  void release();
  Object* autorelease();
  // For who keeps a pointer without a reference: false where the object is being destroyed.
  bool retain_if_alive();
  uint64_t retain_count() const;

  uint64_t hash() const;
  bool equals(Object* other) const;
  String* description() const;
  bool responds_to(SEL selector) const;

 protected:
  constexpr Object() = default;
  // A copy is a new object: its class and its count are its own.
  constexpr Object(const Object&) {}
  Object& operator=(const Object&) = delete;
  ~Object() = default;

 private:
  mutable std::atomic<int32_t> references_{1};
};

// Owns one reference.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  static Ref adopt(T* object) {
    Ref out;
    out.object_ = object;
    return out;
  }
  static Ref retain(T* object) {
    if (object != nullptr) object->retain();
    return adopt(object);
  }
  Ref(const Ref& other) : object_(other.object_) {
    if (object_ != nullptr) object_->retain();
  }
  template <class U>
  Ref(Ref<U> other) : object_(other.leak()) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

  // For methods of the `new` family: the caller owns the result.
  T* leak() { return std::exchange(object_, nullptr); }
  // For all others: the thread's pool owns it.
  T* autorelease() {
    if (object_ != nullptr) object_->autorelease();
    return leak();
  }

 private:
  T* object_ = nullptr;
};

}  // namespace softmetal
