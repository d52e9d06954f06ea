// What the makers of ternary matrices share.
#pragma once

#include "bitmetal/ternary.h"

namespace bitmetal {

// Packs codes that are known to be -1, 0 or 1 (int8, row-major) with their scales, which are
// checked: shape () or one element for a tensor, (rows,), or (rows, groups). `op` begins the
// errors.
TernaryMatrix assemble_ternary(const char* op, const Array& codes, const Array& scale,
                               int64_t group_size);

}  // namespace bitmetal
