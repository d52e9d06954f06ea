// SHA-256 (FIPS 180-4), for names of cache entries.
#pragma once

#include <string>
#include <string_view>

namespace softmetal {

// 64 hexadecimal digits.
std::string sha256(std::string_view data);

}  // namespace softmetal
