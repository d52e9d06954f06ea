#include "dialect.h"

#include <string_view>
#include <unordered_map>

namespace softmetal::msl {

void check_dialect(Program& program) {
  static const std::unordered_map<std::string_view, std::string_view> refused = {
      {"double", "'double' is not supported in Metal"},
      {"goto", "'goto' is not supported in Metal"},
      {"asm", "'asm' is not supported in Metal"},
      {"virtual", "virtual functions are not supported in Metal"},
      {"dynamic_cast", "'dynamic_cast' is not supported in Metal"},
      {"typeid", "'typeid' is not supported in Metal"},
      {"thread_local", "'thread_local' is not supported in Metal"},
      {"try", "exceptions are not supported in Metal"},
      {"catch", "exceptions are not supported in Metal"},
      {"throw", "exceptions are not supported in Metal"},
      {"new", "'new' is not supported in Metal"},
      {"delete", "'delete' is not supported in Metal"},
  };
  for (TokenIndex i = 0; i + 1 < program.tokens.size(); ++i) {
    const Token& token = program.tokens[i];
    if (!token.is_identifier()) continue;
    const auto found = refused.find(token.text);
    if (found == refused.end()) continue;
    const bool deleted_function = token.is("delete") && i > 0 && program.tokens[i - 1].is("=");
    if (!deleted_function)
      program.errors.push_back({token.line, token.column, std::string(found->second)});
  }
  for (const Function& function : program.functions) {
    for (TokenIndex i = function.body.begin; i < function.body.end; ++i) {
      const Token& token = program.tokens[i];
      if (token.is("static") && !program.tokens[i + 1].is("constexpr") &&
          !program.tokens[i + 1].is("const") && !program.tokens[i + 1].is("constant"))
        program.errors.push_back(
            {token.line, token.column, "automatic variables may not be declared static in Metal"});
      if (token.is("threadgroup") && !function.is_kernel &&
          (program.tokens[i - 1].is(";") || program.tokens[i - 1].is("{"))) {
        bool pointer = false;
        for (TokenIndex j = i;
             !program.tokens[j].is(";") && !program.tokens[j].is("=") && j < function.body.end; ++j)
          pointer = pointer || program.tokens[j].is("*") || program.tokens[j].is("&");
        if (!pointer)
          program.errors.push_back(
              {token.line, token.column,
               "variables in the threadgroup address space may only be declared in a kernel"});
      }
    }
  }
}

}  // namespace softmetal::msl
