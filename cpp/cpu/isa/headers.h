// Everything that a set's primitives and the kernels include, ahead of its target region.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/half.h"
#include "cpu/transpose.h"

#if defined(__x86_64__)
// g++ 12 takes the undefined pass-through operand of its own intrinsics for a mistake.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// For functions and lambdas (after the parameters) that take running sums by reference: the sums
// stay in registers only where the call is gone before the compiler's first passes.
#define BITMETAL_INLINE __attribute__((always_inline))
