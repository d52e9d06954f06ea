// NSError.
#pragma once

#include <string_view>

#include "foundation/collections.h"
#include "foundation/string.h"

namespace softmetal {

class Error : public Object {
 public:
  static Type type;

  Ref<String> domain;
  int64_t code = 0;
  Ref<Dictionary> user_info;  // never null once initialised

  String* localized_description() const;
};

// An error whose localized description is `text`.
Ref<Error> make_error(String& domain, int64_t code, std::string_view text);

// For `NSError**` arguments, which may be null: the error is autoreleased there.
void report(Error** out, Ref<Error> error);

}  // namespace softmetal
