// NSValue and NSNumber.
#pragma once

#include <string>
#include <variant>

#include "runtime/class.h"

namespace softmetal {

class Value : public Object {
 public:
  static Type type;

  std::string bytes;
  std::string objc_type;
};

class Number : public Object {
 public:
  static Type type;

  Number() = default;
  template <class T>
  explicit Number(T value) : value(value) {}

  template <class T>
  T as() const {
    return std::visit([](auto v) { return static_cast<T>(v); }, value);
  }

  std::string text() const;

  std::variant<bool, char, unsigned char, short, unsigned short, int, unsigned, long, unsigned long,
               long long, unsigned long long, float, double>
      value;
};

}  // namespace softmetal
