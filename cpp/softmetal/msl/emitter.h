// What every back end does to a program's text: C++ takes what is left of it.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "analysis.h"
#include "edits.h"
#include "syntax.h"

namespace softmetal::msl {

// Collects edits that take away address spaces, attributes and explicit instantiations, and that
// give literals and swizzles their C++ form. A back end adds its own and applies them.
class Emitter {
 protected:
  Emitter(const Program& program, const Analysis& analysis);

  const Token& at(TokenIndex i) const { return program_.tokens[i]; }
  bool is(TokenIndex i, std::string_view text) const { return at(i).text == text; }
  size_t end_offset(TokenIndex i) const { return at(i).offset + at(i).text.size(); }

  void blank(Span span);
  void replace(TokenIndex i, std::string text) {
    edits_.replace(at(i).offset, at(i).text.size(), std::move(text));
  }
  std::string rendered(Span span);

  // The edits for one token, and what belongs to it.
  void rewrite(TokenIndex i);

  // Qualified: a kernel may have the name of a function in metal.
  static std::string address(const Function& f);
  std::string kernel_address(const Kernel& kernel);

  // A threadgroup variable's declaration in parts, and another text in its place.
  struct VariableText {
    struct Declarator {
      TokenIndex id;
      std::string name, extents;
    };
    std::string specifiers;
    std::vector<Declarator> declarators;
  };
  VariableText variable_text(const ThreadgroupVariable& variable) const;
  void replace_variable(const ThreadgroupVariable& variable, std::string text);

  const Program& program_;
  const Analysis& analysis_;
  Edits edits_;

 private:
  void attribute(TokenIndex i);
  void swizzle(TokenIndex i);
  void literal(TokenIndex i);

  std::unordered_set<std::string_view> declared_;  // members that look like swizzles
};

}  // namespace softmetal::msl
