// What follows from which function names which: no types, so a name stands for all its overloads.
#pragma once

#include <vector>

#include "syntax.h"

namespace softmetal::msl {

struct Analysis {
  // Functions (by index in Program::functions) in which threads of a SIMD-group or threadgroup
  // meet, by themselves or in what they call. Only these pay for knowing where each thread stands.
  std::vector<bool> convergent;
  // For each kernel of the program, the function constants (indices in Program::constants) it
  // reaches.
  std::vector<std::vector<size_t>> constants;
};

Analysis analyse(const Program& program);

// A function of the standard library in which threads meet.
bool is_meeting(std::string_view name);

}  // namespace softmetal::msl
