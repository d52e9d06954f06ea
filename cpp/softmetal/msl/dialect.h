// What C++ allows and Metal does not, as far as single tokens tell. The strict check of address
// spaces is another program's.
#pragma once

#include "syntax.h"

namespace softmetal::msl {

// Adds to program.errors.
void check_dialect(Program& program);

}  // namespace softmetal::msl
