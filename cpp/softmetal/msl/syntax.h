// What the translator knows of an MSL program: enough to launch its kernels, no types and no
// expressions. Everything is in terms of the tokens of the source; a back end writes edits against
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "token.h"

namespace softmetal::msl {

using TokenIndex = size_t;

// Tokens [begin, end).
struct Span {
  TokenIndex begin = 0;
  TokenIndex end = 0;
  bool empty() const { return begin == end; }
};

struct Parameter {
  enum class Kind : uint8_t { buffer, threadgroup, builtin };

  Span span;  // without the comma
  std::string name;
  Kind kind = Kind::builtin;
  uint32_t index = 0;      // of a buffer or threadgroup argument
  bool read_only = false;  // of a buffer
  std::string builtin;     // "thread_position_in_grid", ...
  std::string only_if;     // the constant N of [[function_constant(N)]]; empty: always there
};

// `threadgroup float a[4], b;` in a kernel: the specifiers, then one declarator each.
struct ThreadgroupVariable {
  struct Declarator {
    Span span;  // without the initialiser
    TokenIndex name;
  };
  Span span;  // from the first specifier to the ";", included
  Span specifiers;
  std::vector<Declarator> declarators;
};

struct Function {
  std::string name;
  std::string scope;  // "a::b::", or empty
  bool is_kernel = false;
  bool in_class = false;
  uint32_t max_total_threads = 0;
  Span declaration;          // from the first token, `template` included, to behind the body
  Span template_parameters;  // between the angle brackets
  std::vector<std::string> template_names;  // "T", "N", "Ts..."
  Span parameters;                          // between the parentheses
  Span body;                                // between the braces
  std::vector<Parameter> arguments;         // of a kernel
  std::vector<ThreadgroupVariable> locals;
};

// A kernel as a host names it: a plain one, or an explicit instantiation of a template.
struct Kernel {
  std::string name;
  size_t function = 0;      // in Program::functions
  Span template_arguments;  // with the angle brackets; empty where there are none or they are
                            // deduced
  Span parameters;          // of an instantiation that spells them, else empty
};

struct FunctionConstant {
  std::string name;
  uint32_t index = 0;
  uint32_t type = 0;         // an MTL::DataType
  Span span;                 // the declaration, ";" included
  TokenIndex attribute = 0;  // the first "[" of [[function_constant(n)]]
};

// The values of a program's function constants, by their place in Program::constants: their bytes,
// or nothing where one has no value.
using ConstantBytes = std::vector<std::optional<std::array<std::byte, 16>>>;

// A variable at program scope, for what its initialiser refers to.
struct Variable {
  std::string name;
  Span span;
};

struct Program {
  std::string_view source;
  std::vector<Token> tokens;
  std::vector<Function> functions;
  std::vector<Kernel> kernels;
  std::vector<FunctionConstant> constants;
  std::vector<Variable> variables;
  std::vector<Span> instantiations;  // explicit ones, to be left out
  std::vector<Span> duplicates;      // definitions that equal an earlier one but for address spaces
  std::vector<Span> qualifiers;      // address spaces behind a constructor's parameters
  std::vector<SyntaxError> errors;

  std::string_view text(Span span) const {
    if (span.empty()) return {};
    const Token& last = tokens[span.end - 1];
    const size_t begin = tokens[span.begin].offset;
    return source.substr(begin, last.offset + last.text.size() - begin);
  }
};

}  // namespace softmetal::msl
