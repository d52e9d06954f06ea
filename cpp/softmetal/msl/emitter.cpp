#include "emitter.h"

#include "parser.h"

namespace softmetal::msl {
namespace {

bool all_of(std::string_view text, std::string_view set) {
  return text.find_first_not_of(set) == std::string_view::npos;
}

bool is_swizzle(std::string_view name) {
  if (name.size() > 4) return false;
  return name.size() >= 2 && (all_of(name, "xyzw") || all_of(name, "rgba"));
}

bool is_assignment(std::string_view op) {
  return op.size() >= 1 && op.size() <= 3 && op.back() == '=' && op != "==" && op != "!=" &&
         op != "<=" && op != ">=";
}

}  // namespace

Emitter::Emitter(const Program& program, const Analysis& analysis)
    : program_(program), analysis_(analysis), edits_(program.source) {
  for (const Span span : program_.instantiations) blank(span);
  for (const Span span : program_.duplicates) blank(span);
  for (const Span span : program_.qualifiers) blank(span);
  for (TokenIndex i = 1; i + 1 < program_.tokens.size(); ++i)
    if (at(i).is_identifier() && is_swizzle(at(i).text) && at(i - 1).is_identifier() &&
        (is(i + 1, ";") || is(i + 1, ",") || is(i + 1, "[") || is(i + 1, "=")))
      declared_.insert(at(i).text);
}

void Emitter::blank(Span span) {
  if (!span.empty())
    edits_.blank(at(span.begin).offset, end_offset(span.end - 1) - at(span.begin).offset);
}

std::string Emitter::rendered(Span span) {
  return span.empty() ? "" : edits_.apply(at(span.begin).offset, end_offset(span.end - 1));
}

void Emitter::rewrite(TokenIndex i) {
  const Token& t = at(i);
  if (t.kind == Token::Kind::number) {
    literal(i);
  } else if (t.is("[") && is(i + 1, "[")) {
    attribute(i);
  } else if (t.is("constant")) {
    if (constant_adds_const(program_, i))
      replace(i, "const   ");
    else
      blank({i, i + 1});
  } else if (t.is("kernel")) {
    replace(i, "static");  // as for [[kernel]]
  } else if (t.is("coherent") && is(i + 1, "(")) {
    blank({i, skip_brackets(program_, i + 1)});
  } else if (is_address_space(t.text)) {
    blank({i, i + 1});
  } else if (t.is("::") &&
             (i == 0 || !(at(i - 1).is_identifier() || is(i - 1, ">") || is(i - 1, ")")))) {
    replace(i, "::sm_program::");
  } else if (t.is_identifier() && i > 0 && (is(i - 1, ".") || is(i - 1, "->")) &&
             is_swizzle(t.text) && !declared_.count(t.text) && !is(i + 1, "(")) {
    swizzle(i);
  }
}

// Attributes say nothing to the host's compiler. A kernel is of no use but through its entry, so
// static: those that have none cost nothing.
void Emitter::attribute(TokenIndex i) {
  const TokenIndex end = skip_brackets(program_, i);
  blank({i, end});
  if (is(i + 2, "kernel")) edits_.insert(at(i).offset, "static ");
}

// `v.yx` reads by value; where it is assigned to, it is a reference to the elements.
void Emitter::swizzle(TokenIndex i) {
  std::string call = is_assignment(at(i + 1).text) ? "template sm_ref<" : "template sm_get<";
  for (size_t c = 0; c < at(i).text.size(); ++c) {
    const char letter = at(i).text[c];
    const size_t position = std::string_view("xyzw").find(letter);
    const size_t index =
        position != std::string_view::npos ? position : std::string_view("rgba").find(letter);
    call += (c ? "," : "") + std::to_string(index);
  }
  replace(i, call + ">()");
}

// Metal has no double: a literal without suffix is a float.
void Emitter::literal(TokenIndex i) {
  std::string text(at(i).text);
  const bool hex = text.size() > 1 && (text[1] == 'x' || text[1] == 'X');
  const bool floating = text.find_first_of(hex ? ".pP" : ".eE") != std::string::npos;
  if (!floating) return;
  const auto ends = [&](std::string_view end) {
    return text.size() > end.size() &&
           std::string_view(text).substr(text.size() - end.size()) == end;
  };
  if (ends("bf") || ends("BF")) {
    replace(i, "sm_bfloat_literal(" + text.substr(0, text.size() - 2) + "f)");
  } else if (ends("h") || ends("H")) {
    replace(i, "half(" + text.substr(0, text.size() - 1) + "f)");
  } else if (!ends("f") && !ends("F")) {
    replace(i, text + "f");
  }
}

std::string Emitter::address(const Function& f) { return "&::sm_program::" + f.scope + f.name; }

std::string Emitter::kernel_address(const Kernel& kernel) {
  const std::string self =
      address(program_.functions[kernel.function]) + rendered(kernel.template_arguments);
  if (!kernel.template_arguments.empty() || kernel.parameters.empty()) return self;
  return "static_cast<void (*)(" + rendered(kernel.parameters) + ")>(" + self + ")";
}

Emitter::VariableText Emitter::variable_text(const ThreadgroupVariable& variable) const {
  VariableText out;
  for (TokenIndex i = variable.specifiers.begin; i < variable.specifiers.end; ++i)
    if (!is_address_space(at(i).text) && !is(i, "static"))
      out.specifiers += std::string(at(i).text) + " ";
  for (const auto& declarator : variable.declarators)
    out.declarators.push_back(
        {declarator.name, std::string(at(declarator.name).text),
         std::string(program_.text({declarator.name + 1, declarator.span.end}))});
  return out;
}

void Emitter::replace_variable(const ThreadgroupVariable& variable, std::string text) {
  const size_t begin = at(variable.span.begin).offset;
  const size_t length = end_offset(variable.span.end - 1) - begin;
  for (const char c : program_.source.substr(begin, length))
    if (c == '\n') text += '\n';
  edits_.replace(begin, length, std::move(text));
}

}  // namespace softmetal::msl
