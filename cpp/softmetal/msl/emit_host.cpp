#include "emit_host.h"

#include <unordered_map>
#include <unordered_set>

#include "emitter.h"
#include "parser.h"

namespace softmetal::msl {
namespace {

class HostEmitter : Emitter {
 public:
  HostEmitter(const Program& program, const Analysis& analysis, bool checked)
      : Emitter(program, analysis), checked_(checked) {}

  std::string run(const std::vector<size_t>& kernels) {
    find_names();
    for (size_t i = 0; i < program_.constants.size(); ++i) function_constant(i);
    // What stands outermost is opened first and closed last.
    std::vector<TokenIndex> assigned;
    for (TokenIndex i = 2; checked_ && i + 1 < program_.tokens.size(); ++i)
      if (is(i, "=")) assignment(i, assigned);
    for (size_t i = 0; i < program_.functions.size(); ++i) function(i);
    for (TokenIndex i = 0; i + 1 < program_.tokens.size(); ++i) {
      if (!is(i, "is_function_constant_defined") || !constant_defined(i)) rewrite(i);
    }
    for (const TokenIndex end : assigned) edits_.insert(at(end).offset, ")");

    std::string out = "namespace sm_program {\n";
    out += "static const volatile struct { char magic[32]; sm_constant_slot slots[" +
           std::to_string(program_.constants.size() + 1) + "]; } sm_constants = {\"" +
           kConstantsMagic + "\", {}};\n";
    out +=
        "const volatile sm_constant_slot* sm_slot(unsigned i) { return &sm_constants.slots[i]; }\n";
    out += "# 1 \"program_source\"\n";
    out += edits_.apply(0, program_.source.size());
    out += "\n# 1 \"softmetal_entries\"\n";
    for (size_t i = 0; i < kernels.size(); ++i) out += entry(program_.kernels[kernels[i]], i);
    out += module(kernels.size());
    return out + "}\n";
  }

 private:
  // The names of calls in which threads meet, and of function constants.
  void find_names() {
    for (size_t i = 0; i < program_.functions.size(); ++i)
      if (analysis_.convergent[i]) meeting_.insert(program_.functions[i].name);
    for (size_t i = 0; i < program_.constants.size(); ++i)
      constants_[program_.constants[i].name] = i;
  }

  bool constant_defined(TokenIndex i) {
    const auto found = constants_.find(at(i + 2).text);
    if (!is(i + 1, "(") || found == constants_.end()) return false;
    replace(i, "sm_constant_defined");
    replace(i + 2, std::to_string(found->second));
    return true;
  }

  bool meets(std::string_view name) const { return is_meeting(name) || meeting_.count(name) > 0; }

  void function_constant(size_t slot) {
    const FunctionConstant& constant = program_.constants[slot];
    const TokenIndex end = skip_brackets(program_, constant.attribute);
    // Its value is known when the program is loaded, not when it is compiled.
    bool has_const = false;
    for (TokenIndex i = constant.span.begin; i < constant.attribute; ++i)
      has_const |= is(i, "const");
    for (TokenIndex i = constant.span.begin; i < constant.attribute; ++i)
      if (is(i, "constexpr")) replace(i, has_const ? "" : "const");
    edits_.replace(at(constant.attribute).offset,
                   end_offset(end - 1) - at(constant.attribute).offset,
                   "= sm_constant{" + std::to_string(slot) + "}");
  }

  // x[i] = f(y);  ->  x[i] = sm_value(f(y));
  // Where f returns an object, g++ lets it write to x[i] itself and shows the checker neither that
  // nor an assignment. A copy through a reference it shows. Adds the token behind the value to
  // `ends`.
  void assignment(TokenIndex i, std::vector<TokenIndex>& ends) {
    const auto begins_statement = [&](TokenIndex j) {
      const Token& t = at(j - 1);
      return t.is(";") || t.is("{") || t.is("}") || t.is(")") || t.is("else") || t.is(":");
    };
    TokenIndex first = i - 1;
    while (first > 0 && !begins_statement(first)) --first;
    for (TokenIndex j = first; j < i; ++j)
      if (is(j, "auto")) return;
    const bool is_declaration = first != i - 1 && !is(first, "*") && !is(i - 1, "]") &&
                                !is(i - 1, ")") && !is(i - 2, ".") && !is(i - 2, "->");
    if (is_declaration || is(i + 1, "{")) return;
    bool computes = false;
    TokenIndex end = i + 1;
    while (end + 1 < program_.tokens.size() && !is(end, ";") && !is(end, ")")) {
      if (is(end, ",") || is(end, "}")) return;
      const TokenIndex behind = is(end, "<") ? skip_angles(program_, end) : 0;
      const bool opens = is(end, "(") || is(end, "{");
      computes |= opens || (at(end).kind == Token::Kind::punctuation && !is(end, "[") &&
                            !is(end, ".") && !is(end, "->") && !is(end, "::"));
      end = behind ? behind : opens || is(end, "[") ? skip_brackets(program_, end) : end + 1;
    }
    if (!computes) return;
    edits_.insert(at(i + 1).offset, "sm_value(");
    ends.push_back(end);
  }

  void function(size_t index) {
    const Function& f = program_.functions[index];
    for (size_t i = 0; i < f.locals.size(); ++i) threadgroup_variable(f, i);
    if (!analysis_.convergent[index]) return;
    if (!f.is_kernel) edits_.insert(end_offset(f.body.begin - 1), " sm_frame sm_frame_;");
    for (TokenIndex i = f.body.begin; i < f.body.end; ++i) {
      if (is(i, "for") && is(i + 1, "("))
        for_loop(i);
      else if (is(i, "while") && is(i + 1, "("))
        while_loop(i);
      else if (at(i).is_identifier() && meets(at(i).text))
        call(i);
    }
  }

  bool meets_in(Span span) const {
    for (TokenIndex i = span.begin; i < span.end; ++i)
      if (at(i).is_identifier() && meets(at(i).text)) return true;
    return false;
  }

  // The token behind the statement at `i`.
  TokenIndex skip_statement(TokenIndex i) const {
    const auto skip_condition = [&](TokenIndex j) {
      while (!is(j, "(")) ++j;
      return skip_brackets(program_, j);
    };
    if (is(i, "{")) return skip_brackets(program_, i);
    if (is(i, "for") || is(i, "while") || is(i, "switch")) return skip_statement(skip_condition(i));
    if (is(i, "if")) {
      const TokenIndex then = skip_statement(skip_condition(i));
      return is(then, "else") ? skip_statement(then + 1) : then;
    }
    if (is(i, "do")) i = skip_statement(i + 1);
    while (i + 1 < program_.tokens.size() && !is(i, ";"))
      i = is(i, "(") || is(i, "[") || is(i, "{") ? skip_brackets(program_, i) : i + 1;
    return i + 1;
  }

  // for (a; b; c) s  ->  for (sm_loop l(place); l.once();) for (a; b; l.next(), c) s
  void for_loop(TokenIndex i) {
    const TokenIndex close = skip_brackets(program_, i + 1) - 1;
    if (!meets_in({i + 1, skip_statement(i)})) return;
    TokenIndex semicolon = 0;
    int semicolons = 0;
    for (TokenIndex j = i + 2; j < close; ++j) {
      if (is(j, "(") || is(j, "[") || is(j, "{")) j = skip_brackets(program_, j) - 1;
      if (is(j, ";") && ++semicolons == 2) semicolon = j;
    }
    if (semicolons != 2) return;
    const std::string place = std::to_string(i);
    edits_.insert(at(i).offset,
                  "for (sm_loop sm_l" + place + "(" + place + "); sm_l" + place + ".once();) ");
    edits_.insert(end_offset(semicolon),
                  " sm_l" + place + ".next()" + (semicolon + 1 == close ? "" : ","));
  }

  // while (c) s  ->  for (sm_loop l(place); l.once();) while (l.next(), c) s; the same for do s
  // while (c).
  void while_loop(TokenIndex i) {
    const TokenIndex close = skip_brackets(program_, i + 1) - 1;
    TokenIndex begin = i;
    if (is(close + 1, ";") && (is(i - 1, "}") || is(i - 1, ";"))) begin = find_do(i);
    if (!meets_in(begin == i ? Span{i, skip_statement(i)} : Span{begin, close})) return;
    const std::string place = std::to_string(begin);
    edits_.insert(at(begin).offset,
                  "for (sm_loop sm_l" + place + "(" + place + "); sm_l" + place + ".once();) ");
    edits_.insert(end_offset(i + 1), " sm_l" + place + ".next(), (");
    edits_.insert(at(close).offset, ")");
  }

  // The `do` whose `while` is at `i`; `i` where it has none and is a loop with an empty body.
  TokenIndex find_do(TokenIndex i) const {
    for (TokenIndex j = i; j-- > 0;) {
      if (is(j, "do") && skip_statement(j + 1) == i) return j;
      if (is(j, "kernel")) break;
    }
    return i;
  }

  // The first token of `a::b<c>::name`, whose last is at `i`.
  TokenIndex qualified_begin(TokenIndex i) const {
    while (i > 1 && is(i - 1, "::")) {
      TokenIndex j = i - 2;
      int depth = 0;
      if (is(j, ">")) {
        do {
          depth += is(j, ">") || is(j, ")") ? 1 : is(j, "<") || is(j, "(") ? -1 : 0;
        } while (depth > 0 && --j > 0);
        --j;
      }
      if (!at(j).is_identifier()) return i - 1;
      i = j;
    }
    return is(i - 1, "typename") ? i - 1 : i;
  }

  // f(x)  ->  (sm_at(place), f(x))
  void call(TokenIndex i) {
    TokenIndex open = i + 1;
    if (is(open, "<")) open = skip_angles(program_, open);
    if (open == 0 || !is(open, "(")) return;
    const TokenIndex begin = qualified_begin(i);
    // A method's object would have to be found; a declaration is no call.
    const Token& before = at(begin - 1);
    const bool statement = before.is("return") || before.is("else") || before.is("do");
    if (before.is(".") || before.is("->") || (before.is_identifier() && !statement)) return;
    edits_.insert(at(begin).offset, "(sm_at(" + std::to_string(i) + "), ");
    edits_.insert(end_offset(skip_brackets(program_, open) - 1), ")");
  }

  // threadgroup float a[4];  ->  typedef float sm_T7[4]; sm_T7& a = sm_variable<&f<T>, 7, sm_T7>();
  void threadgroup_variable(const Function& f, size_t local) {
    const ThreadgroupVariable& variable = f.locals[local];
    std::string self = address(f);
    for (size_t i = 0; i < f.template_names.size(); ++i)
      self += (i ? ", " : "<") + f.template_names[i];
    if (!f.template_names.empty()) self += ">";

    const VariableText text = variable_text(variable);
    std::string out;
    for (const auto& declarator : text.declarators) {
      const std::string id = std::to_string(declarator.id);
      out += "typedef " + text.specifiers + "sm_T" + id + declarator.extents + "; sm_T" + id +
             "& " + declarator.name + " = sm_variable<" + self + ", " + id + ", sm_T" + id +
             ">(); ";
    }
    replace_variable(variable, std::move(out));
  }

  std::string entry(const Kernel& kernel, size_t number) {
    const Function& f = program_.functions[kernel.function];
    const std::string id = std::to_string(number);
    std::string out =
        "static constexpr auto sm_kernel_" + id + " = " + kernel_address(kernel) + ";\n";
    out += "typedef sm_signature<decltype(sm_kernel_" + id + ")> sm_signature_" + id + ";\n";
    std::string arguments, call, given;
    bool conditional = false;
    for (size_t i = 0; i < f.arguments.size(); ++i) {
      const Parameter& parameter = f.arguments[i];
      const std::string type = "sm_signature_" + id + "::at<" + std::to_string(i) + ">";
      if (i) call += ", ";
      if (parameter.kind == Parameter::Kind::builtin) {
        call += "sm_builtin<" + type + ">(sm_" + parameter.builtin + "(sm_w))";
        continue;
      }
      call += (parameter.kind == Parameter::Kind::buffer ? "sm_buffer<" : "sm_threadgroup<") +
              type + ">(sm_w, " + std::to_string(parameter.index) + ")";
      arguments += "sm_describe<" + type + ">(), ";
      given +=
          (parameter.only_if.empty() ? "true" : "bool(" + std::string(parameter.only_if) + ")") +
          std::string(", ");
      conditional |= !parameter.only_if.empty();
    }
    if (conditional)  // known when the program is loaded, with its function constants
      out += "extern \"C\" __attribute__((visibility(\"default\"))) const bool softmetal_given_" +
             id + "[] = {" + given + "};\n";
    out += "static const sm_argument sm_arguments_" + id + "[] = {" + arguments + "{0, 0, 0}};\n";
    out += "static void sm_entry_" + id + "(sm_worker* sm_w) { (void)sm_w; sm_kernel_" + id + "(" +
           call + "); }\n";
    return out;
  }

  static std::string module(size_t count) {
    std::string out = "static const sm_kernel sm_kernels[] = {";
    for (size_t i = 0; i < count; ++i) {
      const std::string id = std::to_string(i);
      out += "{reinterpret_cast<const void*>(sm_kernel_" + id + "), &sm_entry_" + id +
             ", sm_arguments_" + id + "}, ";
    }
    return out +
           "{nullptr, nullptr, nullptr}};\n"
           "extern \"C\" __attribute__((visibility(\"default\"))) const sm_module softmetal_module "
           "= "
           "{SM_ABI_VERSION, " +
           std::to_string(count) + ", sm_kernels, &sm_locals, &sm_loaded};\n";
  }

  const bool checked_;
  std::unordered_set<std::string_view> meeting_;
  std::unordered_map<std::string_view, size_t> constants_;
};

}  // namespace

std::string emit_host(const Program& program, const Analysis& analysis,
                      const std::vector<size_t>& kernels, bool checked) {
  return HostEmitter(program, analysis, checked).run(kernels);
}

}  // namespace softmetal::msl
