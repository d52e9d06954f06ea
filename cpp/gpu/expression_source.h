// MSL for an expression: one kernel that computes all of its steps.
#pragma once

#include <string>

#include "bitmetal/elementwise.h"

namespace bitmetal::gpu {

// The kernel `fused`: buffers 0 to inputs - 1 the inputs, then the output, ElementwiseParams, and
// constant ulong[], the bits of each node that is a constant, at the node's number. It follows the
// text of metal/elementwise.h; constants' values are no part of it.
std::string source_of(const Expression& expression);

}  // namespace bitmetal::gpu
