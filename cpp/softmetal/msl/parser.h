// Finds the scopes, functions, kernels and constants of a preprocessed MSL program.
#pragma once

#include <string_view>

#include "syntax.h"

namespace softmetal::msl {

// `source` must outlive the program. Faults are collected in Program::errors.
Program parse(std::string_view source);

// Words that name an address space.
bool is_address_space(std::string_view word);

// False for a `constant` with a `const` or `constexpr` among the specifiers beside it.
bool constant_adds_const(const Program& program, TokenIndex i);

// The token behind the bracket that closes the one at `open`, an opening bracket of any kind but
// "<".
TokenIndex skip_brackets(const Program& program, TokenIndex open);

// The token behind the ">" that closes the "<" at `open`, or 0 when `open` is a comparison.
TokenIndex skip_angles(const Program& program, TokenIndex open);

}  // namespace softmetal::msl
