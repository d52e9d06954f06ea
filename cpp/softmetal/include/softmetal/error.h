// The exception that a misuse of the API raises, out of the call that misused it.
#pragma once

#include <softmetal/export.h>

#include <stdexcept>

namespace softmetal {

// Thrown where Apple's API validation would stop the program: a message that no method answers or
// whose signature is wrong, an argument out of range, an encoder used after endEncoding. The text
// names the method and the argument. What Metal itself reports through an NSError or a nil result
// is reported so here too, and does not throw.
struct SOFTMETAL_API UsageError : std::logic_error {
  using std::logic_error::logic_error;
};

}  // namespace softmetal
