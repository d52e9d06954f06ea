// Compiles a region of a file for an instruction set beyond the build's baseline.
//
// Included last, after every other header: code of the standard library that is instantiated inside
// the region but shared with the rest of the program must not be compiled for the region's set
// (a compiler flag for the whole file would do that). For the same reason everything inside lives
// in an unnamed namespace.
#pragma once

#define BITMETAL_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#define BITMETAL_TARGET_BEGIN(features) \
  BITMETAL_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define BITMETAL_TARGET_END BITMETAL_PRAGMA(clang attribute pop)
#else
#define BITMETAL_TARGET_BEGIN(features) \
  BITMETAL_PRAGMA(GCC push_options) BITMETAL_PRAGMA(GCC target(features))
#define BITMETAL_TARGET_END BITMETAL_PRAGMA(GCC pop_options)
#endif
