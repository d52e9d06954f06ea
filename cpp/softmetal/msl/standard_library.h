// The text of the host's metal_stdlib, a part of the binary: no file has to be found at run time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace softmetal::msl {

// Everything that stands before a translated program.
const std::string& standard_library();

// The macros that Apple's headers define; read before the preprocessor sees the program.
std::string_view standard_macros();

// Names that a program may #include: they come out empty, since all is there already.
const std::vector<std::string_view>& standard_headers();

}  // namespace softmetal::msl
