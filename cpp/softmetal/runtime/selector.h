// Interned method names. A selector is compared by address.
#pragma once

#include <objc/runtime.h>

#include <string>

struct objc_selector {
  std::string name;
};
