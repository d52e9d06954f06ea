// MTLCaptureManager: there is no GPU trace to capture, and it says so.
#pragma once

#include "runtime/class.h"

namespace softmetal {

class CaptureManager : public Object {
 public:
  static Type type;
};

}  // namespace softmetal
