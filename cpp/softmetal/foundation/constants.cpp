#include "foundation/constants.h"

namespace softmetal {

// Constant-initialised, for metal-cpp copies the pointers while static initialisers run.
#define SOFTMETAL_DEFINE(name)                \
  static constinit String name##_text(#name); \
  constinit String* const name = &name##_text;
SOFTMETAL_STRING_CONSTANTS(SOFTMETAL_DEFINE)
#undef SOFTMETAL_DEFINE

// Numbers that metal-cpp declares beside the strings; their values are not published, and
// softmetal's NSProcessInfo answers false for each.
extern "C" {
extern SOFTMETAL_API const int64_t NSDeviceCertificationiPhonePerformanceGaming;
extern SOFTMETAL_API const int64_t NSProcessPerformanceProfileDefault;
extern SOFTMETAL_API const int64_t NSProcessPerformanceProfileSustained;
constinit const int64_t NSDeviceCertificationiPhonePerformanceGaming = 1;
constinit const int64_t NSProcessPerformanceProfileDefault = 0;
constinit const int64_t NSProcessPerformanceProfileSustained = 1;
}

}  // namespace softmetal
