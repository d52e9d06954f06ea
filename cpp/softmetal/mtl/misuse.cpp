#include "mtl/misuse.h"

#include <softmetal/error.h>

namespace softmetal {

namespace {
thread_local std::string nil_reason;
}

void misuse(const char* method, const std::string& what) {
  throw UsageError(std::string(method) + ": " + what);
}

void explain_nil(const char* method, const std::string& why) {
  nil_reason = std::string(method) + ": " + why;
}

const char* last_nil_reason() { return nil_reason.c_str(); }

}  // namespace softmetal
