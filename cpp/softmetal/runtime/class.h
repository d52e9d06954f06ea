// Classes: tables of methods, built by the compiler and looked up at the first message.
//
// Every class is constant-initialised. metal-cpp's own static initialisers look classes up and copy
// string constants, in an order that nobody controls, so nothing here may need to be run first.
#pragma once

#include <softmetal/error.h>
#include <softmetal/signature.h>

#include <span>
#include <type_traits>
#include <unordered_map>

#include "runtime/object.h"

namespace softmetal {

struct Method {
  const char* selector;
  IMP (*imp)();  // a function that answers it: the cast itself is no constant expression
  const char* signature;
};

namespace detail {

template <auto M>
struct Answer;

template <class T, class R, class... A, R (T::*M)(A...)>
struct Answer<M> {
  static R call(Object* self, SEL, A... arguments) {
    return (static_cast<T*>(self)->*M)(arguments...);
  }
  static constexpr const char* kSignature = signature<R, A...>();
};

template <class T, class R, class... A, R (T::*M)(A...) const>
struct Answer<M> {
  static R call(const Object* self, SEL, A... arguments) {
    return (static_cast<const T*>(self)->*M)(arguments...);
  }
  static constexpr const char* kSignature = signature<R, A...>();
};

template <class R, class... A, R (*F)(A...)>
struct Answer<F> {
  static R call(Object*, SEL, A... arguments) { return F(arguments...); }
  static constexpr const char* kSignature = signature<R, A...>();
};

template <auto M>
IMP imp_of() {
  return reinterpret_cast<IMP>(&Answer<M>::call);
}

}  // namespace detail

// A row of a method table: a member function answers instances, a free or static one the class.
template <auto M>
constexpr Method method(const char* selector) {
  return {selector, &detail::imp_of<M>, detail::Answer<M>::kSignature};
}

using MethodTable = std::unordered_map<SEL, const Method*>;

class Class : public Object {
 public:
  // `meta` is its metaclass; that one has none itself.
  constexpr Class(const char* class_name, const Class* super, std::span<const Method> own,
                  const Class* meta = nullptr)
      : name(class_name), superclass(super), methods(own) {
    isa = meta;
  }

  const char* const name;
  const Class* const superclass;
  const std::span<const Method> methods;

  const Method* find(SEL selector) const;
  bool is_metaclass() const { return isa == nullptr; }

  // Of instances; null where only softmetal makes them, and where there are none to destroy.
  Object* (*create)() = nullptr;
  void (*destroy)(Object*) = nullptr;
  Object* (*copy)(const Object*) = nullptr;  // null: immutable, a copy is the object itself

  mutable std::atomic<int64_t> live{0};

 private:
  const MethodTable& table() const;
  mutable std::atomic<const MethodTable*> table_{nullptr};
};

// What kinds of life the instances of a class have.
enum class Life {
  internal,   // made by softmetal: +alloc is a UsageError
  allocated,  // +alloc makes one
  copied,     // +alloc makes one, and -copy another
  immortal,   // never counted and never destroyed
};

// A class with its metaclass, the receiver of its class methods.
struct Type {
  Class meta;
  Class cls;

  constexpr Type(const char* name, const Type* super, std::span<const Method> methods,
                 std::span<const Method> class_methods = {})
      : meta(name, super != nullptr ? &super->meta : nullptr, class_methods),
        cls(name, super != nullptr ? &super->cls : nullptr, methods, &meta) {}

  template <class T, Life life>
  static constexpr Type define(const char* name, const Type* super, std::span<const Method> methods,
                               std::span<const Method> class_methods = {}) {
    return Type(std::type_identity<T>(), std::integral_constant<Life, life>(), name, super, methods,
                class_methods);
  }

 private:
  template <class T, Life life>
  constexpr Type(std::type_identity<T>, std::integral_constant<Life, life>, const char* name,
                 const Type* super, std::span<const Method> methods,
                 std::span<const Method> class_methods)
      : Type(name, super, methods, class_methods) {
    if constexpr (life != Life::immortal) {
      cls.destroy = [](Object* object) { delete static_cast<T*>(object); };
    }
    if constexpr (life == Life::allocated || life == Life::copied) {
      cls.create = []() -> Object* { return new T(); };
    }
    if constexpr (life == Life::copied) {
      cls.copy = [](const Object* object) -> Object* {
        return new T(*static_cast<const T*>(object));
      };
    }
  }
};

// Gives a new object its class and counts it.
void adopt_class(Object* object, const Class& cls);

// For singletons that live as long as the process: they are no leak.
inline void leave_uncounted(const Object& object) { object.isa->live.fetch_sub(1); }

template <class T, class... A>
Ref<T> make(A&&... arguments) {
  auto* object = new T(std::forward<A>(arguments)...);
  adopt_class(object, T::type.cls);
  return Ref<T>::adopt(object);
}

// The object as a T, or null where it is nil or of another class.
bool is_kind_of(const Object* object, const Class& cls);

template <class T>
T* cast(Object* object) {
  return is_kind_of(object, T::type.cls) ? static_cast<T*>(object) : nullptr;
}

// Each class in turn that softmetal knows.
std::span<const Type* const> all_types();

struct RootObject {
  static Type type;  // NSObject, the root of all others
};

}  // namespace softmetal
