// A program's text after the preprocessor.
#pragma once

#include <string>
#include <string_view>

#include "executor.h"

namespace softmetal {

// Of everything that decides the text.
std::string source_key(std::string_view msl, const CompileOptions& options);

// Throws CompileError. Kept in the cache under `key`, which is the program's source_key().
std::string preprocessed(const std::string& key, std::string_view msl,
                         const CompileOptions& options);

}  // namespace softmetal
