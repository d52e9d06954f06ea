// NSString: UTF-8, immutable, and laid out as clang lays out a constant string.
#pragma once

#include <CoreFoundation/CoreFoundation.h>

#include <Foundation/NSString.hpp>
#include <string>
#include <string_view>

#include "runtime/class.h"

namespace softmetal {

extern const Class constant_string_class asm("__CFConstantStringClassReference");

class String : public Object {
 public:
  static Type type;

  String() = default;
  explicit String(std::string_view text);
  // A constant string; `text` must live as long as the process.
  constexpr explicit String(const char* text)
      : chars_(text), length_(std::char_traits<char>::length(text)) {
    isa = &constant_string_class;
  }
  constexpr ~String() {
    if (isa != &constant_string_class) free_text();
  }

  std::string_view view() const;
  const char* c_str() const { return view().data(); }  // ends in a zero byte

 private:
  friend struct StringMethods;
  void assign(std::string_view text);
  void free_text();

  const char* chars_ = nullptr;
  size_t length_ = 0;  // in bytes; in UTF-16 units for clang's UTF-16 constants
};

Ref<String> string(std::string_view text);

// "" for nil.
inline std::string_view view(const String* text) {
  return text == nullptr ? std::string_view() : text->view();
}

}  // namespace softmetal
