// Splits preprocessed MSL into tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace softmetal::msl {

struct Token {
  enum class Kind : uint8_t { identifier, number, text, punctuation, end };

  Kind kind = Kind::end;
  std::string_view text;  // of the source, which must outlive the tokens
  size_t offset = 0;      // of `text` in the source
  uint32_t line = 0;      // as the line markers have it
  uint32_t column = 0;

  bool is(std::string_view s) const { return text == s; }
  bool is_identifier() const { return kind == Kind::identifier; }
};

// The tokens of `source` without white space, comments and directives; line markers ("# 12 "file"")
// are followed. Ends with one token of kind `end`. ">>" is two tokens, so that template argument
// lists can be matched; every other operator is one.
std::vector<Token> tokenize(std::string_view source);

// A fault of the source, reported where Apple's compiler would report it.
struct SyntaxError {
  uint32_t line;
  uint32_t column;
  std::string message;
};

}  // namespace softmetal::msl
