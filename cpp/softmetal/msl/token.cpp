#include "token.h"

#include <array>

namespace softmetal::msl {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c) ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Longest first.
constexpr std::array<std::string_view, 22> kOperators = {
    "<<=", ">>=", "...", "->*", "::", "->", "++", "--", "+=", "-=", "*=",
    "/=",  "%=",  "&=",  "|=",  "^=", "==", "!=", "<=", ">=", "&&", "||"};

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    while (skip_blank()) {
      Token token = next();
      token.text = source_.substr(token.offset, at_ - token.offset);
      tokens.push_back(token);
    }
    tokens.push_back({Token::Kind::end, {}, source_.size(), line_, column(source_.size())});
    return tokens;
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  uint32_t column(size_t offset) const { return static_cast<uint32_t>(offset - line_start_ + 1); }

  void new_line() {
    ++line_;
    line_start_ = at_;
  }

  // To the next token; false at the end.
  bool skip_blank() {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == '\n') {
        ++at_;
        new_line();
        blank_line_ = true;
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
        ++at_;
      } else if (c == '/' && peek(1) == '/') {
        while (at_ < source_.size() && source_[at_] != '\n') ++at_;
      } else if (c == '/' && peek(1) == '*') {
        at_ += 2;
        while (at_ < source_.size() && !(source_[at_] == '*' && peek(1) == '/'))
          if (source_[at_++] == '\n') new_line();
        at_ = at_ + 2 < source_.size() ? at_ + 2 : source_.size();
      } else if (c == '#' && blank_line_) {
        directive();
      } else {
        return true;
      }
    }
    return false;
  }

  // "# 12 "file" flags" sets the number of the line that follows; "#pragma" and the like are passed
  // over.
  void directive() {
    size_t i = at_ + 1;
    while (i < source_.size() && source_[i] == ' ') ++i;
    uint32_t number = 0;
    const bool marker = i < source_.size() && is_digit(source_[i]);
    for (; i < source_.size() && is_digit(source_[i]); ++i)
      number = number * 10 + static_cast<uint32_t>(source_[i] - '0');
    while (at_ < source_.size() && source_[at_] != '\n') ++at_;
    if (marker) line_ = number - 1;
  }

  Token next() {
    blank_line_ = false;
    Token token{Token::Kind::punctuation, {}, at_, line_, column(at_)};
    const char c = source_[at_];
    if (c == '"' || c == '\'') {
      token.kind = Token::Kind::text;
      for (++at_; at_ < source_.size() && source_[at_] != c && source_[at_] != '\n'; ++at_)
        if (source_[at_] == '\\') ++at_;
      at_ = at_ + 1 < source_.size() ? at_ + 1 : source_.size();
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      token.kind = Token::Kind::number;
      number();
    } else if (is_word(c)) {
      token.kind = Token::Kind::identifier;
      while (is_word(peek())) ++at_;
    } else {
      at_ += operator_length();
    }
    return token;
  }

  void number() {
    const bool hex = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
    for (char last = 0; at_ < source_.size(); last = source_[at_++]) {
      const char c = source_[at_];
      const bool exponent = hex ? last == 'p' || last == 'P' : last == 'e' || last == 'E';
      const bool separator = c == '\'' && is_word(peek(1));
      if (!is_word(c) && c != '.' && !separator && !((c == '+' || c == '-') && exponent)) break;
    }
  }

  size_t operator_length() const {
    for (const std::string_view op : kOperators)
      if (source_.substr(at_, op.size()) == op) return op.size();
    // "<<" is safe to join: no template argument list begins so.
    return source_.substr(at_, 2) == "<<" ? 2 : 1;
  }

  std::string_view source_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  uint32_t line_ = 1;
  bool blank_line_ = true;  // nothing but white space since the line began
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Tokenizer(source).run(); }

}  // namespace softmetal::msl
