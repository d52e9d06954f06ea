// Writes an MSL program as C++ for the host's compiler.
#pragma once

#include <string>
#include <vector>

#include "analysis.h"
#include "syntax.h"

namespace softmetal::msl {

// The translation of `program`, to stand behind the text of standard_library(), with an entry for
// each of the given kernels (indices in Program::kernels) and the module descriptor of exec/abi.h.
// `checked`: for a build that the checker watches.
std::string emit_host(const Program& program, const Analysis& analysis,
                      const std::vector<size_t>& kernels, bool checked);

// Where the values of function constants lie in a compiled program: behind this text, one slot
// each.
inline constexpr char kConstantsMagic[] =
    "softmetal function constants v1";  // 32 bytes with its end
struct ConstantSlot {
  unsigned char value[16];
  unsigned char defined;
  unsigned char padding[15];
};

}  // namespace softmetal::msl
