// The text of metal_stdlib, a part of the binary: no file has to be found at run time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace softmetal::msl {

// Everything that stands before a translated program: for the host's compiler, and for NVRTC.
const std::string& standard_library();
const std::string& cuda_library();

// The macros that Apple's headers define; read before the preprocessor sees the program.
std::string_view standard_macros();

// Names that a program may #include: they come out empty, since all is there already.
const std::vector<std::string_view>& standard_headers();

}  // namespace softmetal::msl
