// Ownership of Metal's objects.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "gpu/metal.hpp"

namespace bitmetal::gpu {

// Owns one reference to a Metal object, or nothing. (NS::SharedPtr sends `release` to a null
// pointer, which C++ lets a compiler assume not to happen.)
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* taken) : object_(taken) {}
  static Ref retain(T* object) { return Ref(object ? object->retain() : nullptr); }
  Ref(const Ref& other) : object_(other.object_ ? other.object_->retain() : nullptr) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) object_->release();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_; }

 private:
  T* object_ = nullptr;
};

// Frees, at its end, the objects that Metal's calls leave to the thread's autorelease pool.
class AutoreleaseScope {
 public:
  AutoreleaseScope() : pool_(NS::AutoreleasePool::alloc()->init()) {}
  AutoreleaseScope(const AutoreleaseScope&) = delete;
  AutoreleaseScope& operator=(const AutoreleaseScope&) = delete;
  ~AutoreleaseScope() { pool_->release(); }

 private:
  NS::AutoreleasePool* pool_;
};

// Autoreleased.
inline NS::String* to_ns(std::string_view text) {
  return NS::String::string(std::string(text).c_str(), NS::UTF8StringEncoding);
}

inline std::string to_string(const NS::String* text) { return text ? text->utf8String() : ""; }

// Whether a system that may be older than the headers has the method.
inline bool responds(const NS::Object* object, const char* method) {
  struct Asker : NS::Object {
    using NS::Object::respondsToSelector;
  };
  return Asker::respondsToSelector(object, sel_registerName(method));
}

// What an NSError says.
inline std::string describe(const NS::Error* error) {
  return error ? to_string(error->localizedDescription()) : "no reason was given";
}

}  // namespace bitmetal::gpu
