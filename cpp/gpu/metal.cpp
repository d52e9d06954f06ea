// The one translation unit that holds metal-cpp's definitions: its selectors and classes.
#define NS_PRIVATE_IMPLEMENTATION
#define MTL_PRIVATE_IMPLEMENTATION
#include "gpu/metal.hpp"
