// Conversion between element types, one contiguous run at a time.
#pragma once

#include <cstdint>
#include <iterator>

#include "bitmetal/dtype.h"

namespace bitmetal::cpu {

using ConvertRun = void (*)(const void* in, void* out, int64_t n);

struct ConvertKernels {
  ConvertRun run[std::size(kDTypes)][std::size(kDTypes)];  // [from][to]

  ConvertRun of(DType from, DType to) const {
    return run[static_cast<int>(from)][static_cast<int>(to)];
  }
};

}  // namespace bitmetal::cpu
