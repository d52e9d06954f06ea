// The two ways in which a method says no without an NSError.
#pragma once

#include <string>

namespace softmetal {

// Throws UsageError. `method` is written as Objective-C writes it: "-[MTLBuffer
// addDebugMarker:range:]".
[[noreturn]] void misuse(const char* method, const std::string& what);

// Remembers, for softmetal_last_error(), why this thread is about to be answered nil.
void explain_nil(const char* method, const std::string& why);
const char* last_nil_reason();

}  // namespace softmetal
