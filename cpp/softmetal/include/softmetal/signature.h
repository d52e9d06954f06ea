// A method's signature as text, in the alphabet of Objective-C's @encode: result, receiver,
// selector, arguments. "@@:QQ" takes two unsigned longs and answers an object.
//
// Coarser than @encode in three ways, for metal-cpp is too: constness is dropped, an enumeration is
// its integer, and a pointer to any class or struct is an object ('@'), since C++ cannot tell what
// a forward-declared one will be.
#pragma once

#include <objc/runtime.h>

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace softmetal {

namespace detail {

struct SignatureText {
  char text[256]{};
  std::size_t length = 0;

  constexpr void add(std::string_view piece) {
    for (char c : piece) text[length++] = c;
  }
};

template <class T>
struct IsBlock : std::false_type {};
template <class R, class... A>
struct IsBlock<R (^)(A...)> : std::true_type {};

// "MTL::Size" out of "... type_name() [T = MTL::Size]".
template <class T>
constexpr std::string_view type_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("[T = ") + 5);
  text.remove_suffix(1);
  return text;
}

template <class T>
constexpr std::string_view integer_code() {
  constexpr bool is_signed = std::is_signed_v<T> || std::is_same_v<T, char>;
  switch (sizeof(T)) {
    case 1: return is_signed ? "c" : "C";
    case 2: return is_signed ? "s" : "S";
    case 4: return is_signed ? "i" : "I";
    default: return is_signed ? "q" : "Q";
  }
}

template <class Qualified>
constexpr void encode(SignatureText& out) {
  using T = std::remove_cv_t<Qualified>;
  if constexpr (std::is_void_v<T>) {
    out.add("v");
  } else if constexpr (std::is_same_v<T, bool>) {
    out.add("B");
  } else if constexpr (std::is_enum_v<T>) {
    out.add(integer_code<std::underlying_type_t<T>>());
  } else if constexpr (std::is_integral_v<T>) {
    out.add(integer_code<T>());
  } else if constexpr (std::is_same_v<T, float>) {
    out.add("f");
  } else if constexpr (std::is_same_v<T, double>) {
    out.add("d");
  } else if constexpr (std::is_same_v<T, SEL>) {
    out.add(":");
  } else if constexpr (IsBlock<T>::value) {
    out.add("@?");
  } else if constexpr (std::is_pointer_v<T>) {
    using Pointee = std::remove_cv_t<std::remove_pointer_t<T>>;
    if constexpr (std::is_same_v<Pointee, char>) {
      out.add("*");
    } else if constexpr (std::is_class_v<Pointee>) {
      out.add("@");
    } else if constexpr (std::is_function_v<Pointee>) {
      out.add("^?");
    } else {
      out.add("^");
      encode<Pointee>(out);
    }
  } else {
    static_assert(std::is_class_v<T>, "not a type that a message can carry");
    out.add("{");
    out.add(type_name<T>());
    out.add("}");
  }
}

template <class R, class... A>
constexpr SignatureText make_signature() {
  SignatureText out;
  encode<R>(out);
  out.add("@:");
  (encode<A>(out), ...);
  return out;
}

template <class R, class... A>
inline constexpr SignatureText kSignature = make_signature<R, A...>();

}  // namespace detail

template <class R, class... A>
constexpr const char* signature() {
  return detail::kSignature<R, A...>.text;
}

}  // namespace softmetal
