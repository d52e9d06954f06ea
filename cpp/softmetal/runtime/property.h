// Rows of a method table for properties that are plain data members.
//
//   getter<&HeapDescriptor::size>("size"), setter<&HeapDescriptor::size>("setSize:")
//
// A member Ref<T> is an object property: read as T*, and retained when set.
#pragma once

#include "runtime/class.h"

namespace softmetal {

namespace detail {

template <class T>
struct PropertyValue {
  using Type = T;
  static T read(const T& field) { return field; }
  static T write(T value) { return value; }
};

template <class T>
struct PropertyValue<Ref<T>> {
  using Type = T*;
  static T* read(const Ref<T>& field) { return field.get(); }
  static Ref<T> write(T* value) { return Ref<T>::retain(value); }
};

template <auto Field>
struct Property;

template <class D, class T, T D::* Field>
struct Property<Field> {
  using Value = PropertyValue<T>;
  using Type = typename Value::Type;

  static Type get(const Object* self, SEL) {
    return Value::read(static_cast<const D*>(self)->*Field);
  }
  static void set(Object* self, SEL, Type value) {
    static_cast<D*>(self)->*Field = Value::write(value);
  }
  static IMP get_imp() { return reinterpret_cast<IMP>(&get); }
  static IMP set_imp() { return reinterpret_cast<IMP>(&set); }
};

}  // namespace detail

template <auto Field>
constexpr Method getter(const char* selector) {
  using P = detail::Property<Field>;
  return {selector, &P::get_imp, signature<typename P::Type>()};
}

template <auto Field>
constexpr Method setter(const char* selector) {
  using P = detail::Property<Field>;
  return {selector, &P::set_imp, signature<void, typename P::Type>()};
}

}  // namespace softmetal
