#include "parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <unordered_set>

namespace softmetal::msl {
namespace {

// MTL::DataType of the scalar; a vector of n elements has n - 1 more.
struct ConstantType {
  std::string_view name;
  uint32_t type;
};
constexpr std::array<ConstantType, 18> kConstantTypes = {{
    {"float", 3},
    {"half", 16},
    {"int", 29},
    {"int32_t", 29},
    {"uint", 33},
    {"uint32_t", 33},
    {"short", 37},
    {"int16_t", 37},
    {"ushort", 41},
    {"uint16_t", 41},
    {"char", 45},
    {"int8_t", 45},
    {"uchar", 49},
    {"uint8_t", 49},
    {"bool", 53},
    {"long", 81},
    {"ulong", 85},
    {"bfloat", 121},
}};

uint32_t constant_type(std::string_view name) {
  uint32_t elements = 1;
  if (name.size() > 1 && name.back() >= '2' && name.back() <= '4' &&
      (name.size() < 3 || name[name.size() - 2] < '0' || name[name.size() - 2] > '9')) {
    elements = static_cast<uint32_t>(name.back() - '0');
    name.remove_suffix(1);
  }
  for (const ConstantType& entry : kConstantTypes)
    if (entry.name == name) return entry.type + elements - 1;
  return 0;
}

// Attributes that fill a kernel's parameter from its thread's position.
const std::unordered_set<std::string_view> kBuiltins = {
    "thread_position_in_grid",
    "threads_per_grid",
    "thread_position_in_threadgroup",
    "thread_index_in_threadgroup",
    "threadgroup_position_in_grid",
    "threadgroups_per_grid",
    "threads_per_threadgroup",
    "dispatch_threads_per_threadgroup",
    "thread_index_in_simdgroup",
    "simdgroup_index_in_threadgroup",
    "threads_per_simdgroup",
    "simdgroups_per_threadgroup",
    "dispatch_simdgroups_per_threadgroup",
    "thread_execution_width",
    "thread_index_in_quadgroup",
    "quadgroup_index_in_threadgroup",
    "quadgroups_per_threadgroup",
    "dispatch_quadgroups_per_threadgroup",
    "grid_origin",
    "grid_size",
};

class Parser {
 public:
  explicit Parser(std::string_view source) {
    program_.source = source;
    program_.tokens = tokenize(source);
  }

  Program run() {
    declarations(0, program_.tokens.size() - 1, "", false);
    for (Function& function : program_.functions)
      if (function.is_kernel) kernel_details(function);
    plain_kernels();
    return std::move(program_);
  }

 private:
  // A declaration while its end is looked for.
  struct Head {
    TokenIndex begin = 0;
    Span template_parameters;
    bool is_template = false;
    bool is_kernel = false;
    bool has_constant = false;
    uint32_t max_total_threads = 0;
    std::string host_name;
    TokenIndex constant_attribute = 0;
    uint32_t constant_index = 0;
  };

  const Token& at(TokenIndex i) const { return program_.tokens[i]; }
  bool is(TokenIndex i, std::string_view text) const { return at(i).text == text; }

  void error(TokenIndex i, std::string message) {
    program_.errors.push_back({at(i).line, at(i).column, std::move(message)});
  }

  bool is_attribute(TokenIndex i) const { return is(i, "[") && is(i + 1, "["); }

  uint32_t number_in(Span span) const {
    uint32_t value = ~0u;
    if (!span.empty()) {
      const std::string_view text = at(span.begin).text;
      std::from_chars(text.data(), text.data() + text.size(), value);
    }
    return value;
  }

  // Calls f(name token, argument span) for each attribute in the [[...]] at `i`; returns what
  // follows it.
  template <class F>
  TokenIndex attributes(TokenIndex i, const F& f) const {
    const TokenIndex end = skip_brackets(program_, i);
    for (TokenIndex j = i + 2; j + 2 < end; ++j) {
      if (!at(j).is_identifier()) continue;
      TokenIndex name = j;
      Span argument;
      if (is(j + 1, "(")) {
        const TokenIndex close = skip_brackets(program_, j + 1);
        argument = {j + 2, close - 1};
        j = close - 1;
      }
      f(name, argument);
    }
    return end;
  }

  // Everything between a pair of braces of a namespace, a class, or the program.
  void declarations(TokenIndex i, TokenIndex end, const std::string& scope, bool in_class) {
    std::set<std::string, std::less<>> seen;
    while (i < end) {
      const TokenIndex next = declaration(i, end, scope, in_class, seen);
      i = next > i ? next : i + 1;
    }
  }

  TokenIndex to_semicolon(TokenIndex i, TokenIndex end) const {
    while (i < end && !is(i, ";")) i = opens(i) ? skip_brackets(program_, i) : i + 1;
    return std::min(i + 1, end);
  }

  bool opens(TokenIndex i) const { return is(i, "(") || is(i, "[") || is(i, "{"); }

  TokenIndex declaration(TokenIndex i, TokenIndex end, const std::string& scope, bool in_class,
                         std::set<std::string, std::less<>>& seen) {
    if (is(i, ";")) return i + 1;
    if (is(i, "using") || is(i, "typedef") || is(i, "static_assert") || is(i, "friend"))
      return to_semicolon(i, end);
    if (is(i, "namespace") || (is(i, "inline") && is(i + 1, "namespace")) ||
        (is(i, "extern") && at(i + 1).kind == Token::Kind::text))
      return name_space(i, end, scope);
    if (in_class && at(i).is_identifier() && is(i + 1, ":") && !is(i + 1, "::")) return i + 2;

    Head head;
    head.begin = i;
    while (is(i, "template")) {
      head.is_template = true;
      if (!is(i + 1, "<")) return instantiation(head, i, end);
      // Apple's compiler takes a specialisation inside a class; an overload is as good.
      if (in_class && is(i + 2, ">")) program_.qualifiers.push_back({i, i + 3});
      const TokenIndex close = skip_angles(program_, i + 1);
      if (close == 0) {
        error(i, "expected '>' to close the template parameter list");
        return end;
      }
      if (head.template_parameters.empty()) head.template_parameters = {i + 2, close - 1};
      i = close;
    }
    return entity(head, i, end, scope, in_class, seen);
  }

  TokenIndex name_space(TokenIndex i, TokenIndex end, const std::string& scope) {
    std::string inner = scope;
    for (; i < end && !is(i, "{") && !is(i, ";") && !is(i, "="); ++i)
      if (at(i).is_identifier() && !is(i, "namespace") && !is(i, "inline") && !is(i, "extern"))
        inner += std::string(at(i).text) + "::";
    if (!is(i, "{")) return to_semicolon(i, end);
    const TokenIndex close = skip_brackets(program_, i);
    declarations(i + 1, close - 1, inner, false);
    return close;
  }

  TokenIndex read_attributes(Head& head, TokenIndex i) {
    return attributes(i, [&](TokenIndex name, Span argument) {
      if (is(name, "kernel")) head.is_kernel = true;
      if (is(name, "max_total_threads_per_threadgroup"))
        head.max_total_threads = number_in(argument);
      if (is(name, "host_name"))
        for (TokenIndex j = argument.begin; j < argument.end; ++j)  // adjacent strings are one
          if (at(j).text.size() >= 2) head.host_name += at(j).text.substr(1, at(j).text.size() - 2);
      if (is(name, "function_constant")) {
        head.constant_attribute = i;
        head.constant_index = number_in(argument);
      }
    });
  }

  // A function, a class or a variable.
  TokenIndex entity(Head& head, TokenIndex i, TokenIndex end, const std::string& scope,
                    bool in_class, std::set<std::string, std::less<>>& seen) {
    TokenIndex name = 0;
    Span parameters;
    while (i < end) {
      const Token& token = at(i);
      if (is_attribute(i)) {
        i = read_attributes(head, i);
      } else if (token.is("kernel")) {
        head.is_kernel = true;
        ++i;
      } else if (token.is("constant")) {
        head.has_constant = true;
        ++i;
      } else if (parameters.empty() && !name &&
                 (token.is("struct") || token.is("class") || token.is("union") ||
                  token.is("enum"))) {
        const bool is_class = !token.is("enum");
        for (++i; i < end && (is_attribute(i) || is(i, "class") || is(i, "alignas"));)
          i = is_attribute(i)    ? skip_brackets(program_, i)
              : is(i, "alignas") ? skip_brackets(program_, i + 1)
                                 : i + 1;
        const TokenIndex class_name = i;
        // To the body; a base or an argument list may come before.
        TokenIndex j = i;
        while (j < end && !is(j, "{") && !is(j, ";") && !is(j, "(") && !is(j, "=")) {
          const TokenIndex angle = is(j, "<") ? skip_angles(program_, j) : 0;
          j = angle ? angle : j + 1;
        }
        if (is(j, "{")) {
          const TokenIndex close = skip_brackets(program_, j);
          const TokenIndex behind = to_semicolon(close, end);
          if (!seen.insert(erased({head.begin, behind}, {})).second)
            program_.duplicates.push_back({head.begin, behind});
          else if (is_class)
            declarations(j + 1, close - 1, scope + std::string(at(class_name).text) + "::", true);
          return behind;
        }
        if (is(j, ";")) return j + 1;
      } else if (token.is("operator")) {
        name = i++;
        if (is(i, "(") && is(i + 1, ")")) {
          i += 2;
        } else {
          while (i < end && !is(i, "(")) ++i;
        }
      } else if (token.is("(")) {
        const TokenIndex close = skip_brackets(program_, i);
        if (!name && i > head.begin && at(i - 1).is_identifier() && !is(i - 1, "decltype") &&
            !is(i - 1, "__attribute__") && !is(i - 1, "alignas"))
          name = i - 1;
        if (name && parameters.empty() && !is(i - 1, "decltype") && !is(i - 1, "__attribute__") &&
            !is(i - 1, "alignas") && !is(i - 1, "noexcept"))
          parameters = {i + 1, close - 1}, has_parameters_ = true;
        i = close;
      } else if (token.is("<")) {
        const TokenIndex close = skip_angles(program_, i);
        // The name of an explicit specialisation stands before its arguments.
        if (close && is(close, "(") && at(i - 1).is_identifier()) name = i - 1;
        i = close ? close : i + 1;
      } else if (token.is("=")) {
        const TokenIndex close = to_semicolon(i, end);
        has_parameters_ = false;
        return variable(head, scope, in_class, close);
      } else if (token.is(";")) {
        const bool function = has_parameters_;
        has_parameters_ = false;
        return function ? i + 1 : variable(head, scope, in_class, i + 1);
      } else if (token.is(":") && has_parameters_) {
        i = member_initialisers(i + 1, end);
      } else if (token.is("{")) {
        const TokenIndex close = skip_brackets(program_, i);
        const bool function = has_parameters_;
        has_parameters_ = false;
        if (!function) return variable(head, scope, in_class, to_semicolon(close, end));
        add_function(head, name, parameters, {i + 1, close - 1}, scope, in_class, seen);
        return close;
      } else {
        ++i;
      }
    }
    has_parameters_ = false;
    return end;
  }

  TokenIndex member_initialisers(TokenIndex i, TokenIndex end) const {
    while (i < end) {
      while (i < end && !is(i, "(") && !is(i, "{")) {
        const TokenIndex angle = is(i, "<") ? skip_angles(program_, i) : 0;
        i = angle ? angle : i + 1;
      }
      i = skip_brackets(program_, i);
      if (!is(i, ",")) break;
      ++i;
    }
    return i;
  }

  TokenIndex variable(const Head& head, const std::string& scope, bool in_class, TokenIndex end) {
    if (in_class) return end;
    TokenIndex name = head.begin;
    for (TokenIndex i = head.begin; i < end; ++i) {
      if (is_attribute(i) || is(i, "=") || is(i, ";") || is(i, "{")) break;
      if (is(i, "[") || is(i, "(")) {
        i = skip_brackets(program_, i) - 1;
      } else if (is(i, "<")) {
        const TokenIndex close = skip_angles(program_, i);
        if (close) i = close - 1;
      } else if (at(i).is_identifier()) {
        name = i;
      }
    }
    if (head.constant_attribute) {
      FunctionConstant constant;
      constant.name = at(name).text;
      constant.index = head.constant_index;
      constant.span = {head.begin, end};
      constant.attribute = head.constant_attribute;
      for (TokenIndex i = head.begin; i < name && constant.type == 0; ++i)
        constant.type = constant_type(at(i).text);
      if (constant.type == 0) error(name, "function constants must be of scalar or vector type");
      program_.constants.push_back(std::move(constant));
    } else {
      if (scope.empty() && !head.is_template && !head.has_constant &&
          !is_constant_expression(head, end) && at(name).is_identifier() && name > head.begin)
        error(name, "program scope variable must reside in constant address space");
      program_.variables.push_back({std::string(at(name).text), {head.begin, end}});
    }
    return end;
  }

  bool is_constant_expression(const Head& head, TokenIndex end) const {
    for (TokenIndex i = head.begin; i < end && !is(i, "="); ++i)
      if (is(i, "constexpr") || is(i, "extern")) return true;
    return false;
  }

  void add_function(const Head& head, TokenIndex name, Span parameters, Span body,
                    const std::string& scope, bool in_class,
                    std::set<std::string, std::less<>>& seen) {
    Function function;
    function.name = is(name, "operator") ? "operator" : std::string(at(name).text);
    function.scope = scope;
    function.is_kernel = head.is_kernel;
    function.in_class = in_class;
    function.max_total_threads = head.max_total_threads;
    function.declaration = {head.begin, body.end + 1};
    function.template_parameters = head.template_parameters;
    function.parameters = parameters;
    function.body = body;
    template_names(function);
    const bool constructor = in_class && is_suffix(scope, function.name + "::");
    Span qualifiers{parameters.end + 1, parameters.end + 1};
    while (constructor && is_address_space(at(qualifiers.end).text)) ++qualifiers.end;
    if (!qualifiers.empty()) program_.qualifiers.push_back(qualifiers);
    if (!head.is_kernel && !seen.insert(erased(function.declaration, qualifiers)).second) {
      program_.duplicates.push_back(function.declaration);
      return;
    }
    if (head.is_kernel && !is(name - 1, "void")) error(name, "kernel must have void return type");
    program_.functions.push_back(std::move(function));
  }

  static bool is_suffix(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
  }

  // The text of a definition as it stands once address spaces are gone.
  std::string erased(Span span, Span without) const {
    std::string text;
    for (TokenIndex i = span.begin; i < span.end; ++i) {
      if (i == without.begin && !without.empty()) i = without.end;
      if (is(i, "constant")) {
        if (constant_adds_const(program_, i)) text += "const ";
      } else if (!is_address_space(at(i).text)) {
        text += at(i).text;
        text += ' ';
      }
    }
    return text;
  }

  void template_names(Function& function) const {
    const Span span = function.template_parameters;
    TokenIndex name = 0;
    bool pack = false, in_default = false;
    const auto finish = [&] {
      if (name) function.template_names.push_back(std::string(at(name).text) + (pack ? "..." : ""));
      name = 0;
      pack = in_default = false;
    };
    for (TokenIndex i = span.begin; i < span.end; ++i) {
      if (is(i, ",")) {
        finish();
      } else if (is(i, "=")) {
        in_default = true;
      } else if (is(i, "...")) {
        pack = true;
      } else if (is(i, "<") && skip_angles(program_, i)) {
        i = skip_angles(program_, i) - 1;
      } else if (is(i, "(")) {
        i = skip_brackets(program_, i) - 1;
      } else if (at(i).is_identifier() && !in_default) {
        name = i;
      }
    }
    finish();
  }

  // `template [[host_name("x")]] [[kernel]] decltype(f<T>) f<T>;` and its relatives.
  TokenIndex instantiation(Head& head, TokenIndex i, TokenIndex end) {
    const TokenIndex close = to_semicolon(i, end);
    program_.instantiations.push_back({head.begin, close});
    Kernel kernel;
    TokenIndex name = 0;
    for (++i; i < close; ++i) {
      if (is_attribute(i)) {
        i = read_attributes(head, i) - 1;
      } else if (is(i, "kernel")) {
        head.is_kernel = true;
      } else if (is(i, "decltype")) {
        i = skip_brackets(program_, i + 1) - 1;
      } else if (is(i, "<")) {
        const TokenIndex angle = skip_angles(program_, i);
        if (!angle) continue;
        name = i - 1;
        kernel.template_arguments = {i, angle};
        i = angle - 1;
      } else if (is(i, "(")) {
        if (!name) name = i - 1;
        const TokenIndex behind = skip_brackets(program_, i);
        kernel.parameters = {i + 1, behind - 1};
        i = behind - 1;
      }
    }
    if (head.host_name.empty() || !name) return close;
    kernel.name = head.host_name;
    pending_.push_back({std::move(kernel), std::string(at(name).text), name});
    return close;
  }

  // Kernels in the order of the source: plain ones where they are defined, then the instantiations.
  void plain_kernels() {
    for (size_t f = 0; f < program_.functions.size(); ++f) {
      const Function& function = program_.functions[f];
      if (!function.is_kernel || !function.template_parameters.empty()) continue;
      Kernel kernel;
      kernel.name = function.scope + function.name;
      kernel.function = f;
      program_.kernels.push_back(std::move(kernel));
    }
    for (Pending& pending : pending_) {
      const auto found = std::find_if(
          program_.functions.begin(), program_.functions.end(), [&](const Function& f) {
            return f.is_kernel && !f.template_parameters.empty() && f.name == pending.function;
          });
      if (found == program_.functions.end()) {
        error(pending.token,
              "explicit instantiation of undefined kernel template '" + pending.function + "'");
        continue;
      }
      pending.kernel.function = static_cast<size_t>(found - program_.functions.begin());
      program_.kernels.push_back(std::move(pending.kernel));
    }
    std::set<std::string_view> names;
    for (const Kernel& kernel : program_.kernels)
      if (!names.insert(kernel.name).second)
        error(program_.functions[kernel.function].declaration.begin,
              "redefinition of kernel '" + kernel.name + "'");
  }

  void kernel_details(Function& function) {
    uint32_t next_buffer = 0, next_threadgroup = 0;
    std::set<uint32_t> used_buffers, used_threadgroups;
    TokenIndex begin = function.parameters.begin;
    std::vector<bool> numbered;
    for (TokenIndex i = begin; begin < function.parameters.end; ++i) {
      if (i < function.parameters.end && !is(i, ",")) {
        const TokenIndex angle = is(i, "<") ? skip_angles(program_, i) : 0;
        i = (angle ? angle : opens(i) ? skip_brackets(program_, i) : i + 1) - 1;
        continue;
      }
      bool has_index = false;
      Parameter parameter = kernel_parameter({begin, i}, has_index);
      if (has_index) {
        auto& used = parameter.kind == Parameter::Kind::buffer ? used_buffers : used_threadgroups;
        if (parameter.kind == Parameter::Kind::buffer && parameter.index > 30)
          error(begin, "'buffer' attribute parameter is out of bounds: must be between 0 and 30");
        if (!used.insert(parameter.index).second)
          error(begin, "cannot reserve '" +
                           std::string(parameter.kind == Parameter::Kind::buffer ? "buffer"
                                                                                 : "threadgroup") +
                           "' resource location at index " + std::to_string(parameter.index));
      }
      numbered.push_back(has_index);
      function.arguments.push_back(std::move(parameter));
      begin = i + 1;
    }
    for (size_t i = 0; i < function.arguments.size(); ++i) {
      Parameter& parameter = function.arguments[i];
      if (numbered[i] || parameter.kind == Parameter::Kind::builtin) continue;
      const bool buffer = parameter.kind == Parameter::Kind::buffer;
      uint32_t& next = buffer ? next_buffer : next_threadgroup;
      std::set<uint32_t>& used = buffer ? used_buffers : used_threadgroups;
      while (used.count(next)) ++next;
      parameter.index = next++;
    }
    threadgroup_variables(function);
  }

  Parameter kernel_parameter(Span span, bool& has_index) {
    Parameter parameter;
    parameter.span = span;
    bool device = false, threadgroup = false, has_const = false, pointer = false;
    for (TokenIndex i = span.begin; i < span.end; ++i) {
      if (is_attribute(i)) {
        i = attributes(i,
                       [&](TokenIndex name, Span argument) {
                         const std::string_view word = at(name).text;
                         if (word == "buffer" || word == "threadgroup") {
                           has_index = true;
                           parameter.index = number_in(argument);
                           if (parameter.index == ~0u)
                             error(name, "attribute requires an integer constant");
                         } else if (kBuiltins.count(word)) {
                           parameter.builtin = word;
                         } else if (word == "texture" || word == "sampler" || word == "stage_in") {
                           error(name, "softmetal has no '" + std::string(word) + "' arguments");
                         } else if (word == "function_constant") {
                           parameter.only_if = at(argument.begin).text;
                         } else {
                           error(name, "unknown attribute '" + std::string(word) +
                                           "' on a kernel parameter");
                         }
                       }) -
            1;
      } else if (is(i, "<")) {
        const TokenIndex angle = skip_angles(program_, i);
        if (angle) i = angle - 1;
      } else if (is(i, "[")) {
        pointer = true;  // an array decays
        i = skip_brackets(program_, i) - 1;
      } else if (is(i, "device")) {
        device = true;
      } else if (is(i, "constant")) {
        device = has_const = true;
      } else if (is(i, "threadgroup")) {
        threadgroup = true;
      } else if (is(i, "const")) {
        has_const = has_const || !pointer;
      } else if (is(i, "*") || is(i, "&")) {
        pointer = true;
      } else if (at(i).is_identifier()) {
        parameter.name = at(i).text;
      }
    }
    if (device || threadgroup) {
      parameter.kind = device ? Parameter::Kind::buffer : Parameter::Kind::threadgroup;
      parameter.read_only = device && has_const;
      if (!pointer)
        error(span.begin, "a kernel's buffer parameter must be a pointer or a reference");
    } else if (pointer) {
      error(span.begin, "pointer type must have explicit address space qualifier");
    } else if (parameter.builtin.empty()) {
      error(span.begin, "kernel parameter '" + parameter.name +
                            "' has neither an address space nor an attribute");
    }
    return parameter;
  }

  void threadgroup_variables(Function& function) {
    for (TokenIndex i = function.body.begin; i < function.body.end; ++i) {
      if (!is(i, "threadgroup")) continue;
      TokenIndex begin = i;
      while (is(begin - 1, "alignas") || is(begin - 1, "volatile") || is(begin - 1, "static"))
        --begin;
      if (!is(begin - 1, ";") && !is(begin - 1, "{") && !is(begin - 1, "}")) continue;
      ThreadgroupVariable variable;
      variable.span = {begin, to_semicolon(i, function.body.end)};
      if (read_declarators(variable)) function.locals.push_back(variable);
      i = variable.span.end - 1;
    }
  }

  // False where it declares a pointer into the threadgroup's memory.
  bool read_declarators(ThreadgroupVariable& variable) {
    const TokenIndex end = variable.span.end - 1;
    TokenIndex i = variable.span.begin;
    TokenIndex name = 0;
    for (; i < end && !is(i, ",") && !is(i, "=") && !is(i, "[") && !is(i, "{"); ++i) {
      if (is(i, "*") || is(i, "&")) return false;
      const TokenIndex angle = is(i, "<") ? skip_angles(program_, i) : 0;
      if (angle)
        i = angle - 1;
      else if (is(i, "("))
        i = skip_brackets(program_, i) - 1;
      else if (at(i).is_identifier())
        name = i;
    }
    variable.specifiers = {variable.span.begin, name};
    while (name && name < end) {
      ThreadgroupVariable::Declarator declarator{{name, 0}, name};
      for (i = name + 1; i < end && is(i, "[");) i = skip_brackets(program_, i);
      declarator.span.end = i;
      variable.declarators.push_back(declarator);
      while (i < end && !is(i, ",")) i = opens(i) ? skip_brackets(program_, i) : i + 1;
      name = i + 1;
    }
    return true;
  }

  struct Pending {
    Kernel kernel;
    std::string function;
    TokenIndex token;
  };

  Program program_;
  std::vector<Pending> pending_;
  bool has_parameters_ = false;
};

}  // namespace

bool is_address_space(std::string_view word) {
  return word == "device" || word == "threadgroup" || word == "thread" || word == "constant";
}

bool constant_adds_const(const Program& program, TokenIndex i) {
  const auto& tokens = program.tokens;
  const auto is_specifier = [&](TokenIndex j) {
    const Token& t = tokens[j];
    return t.is("const") || t.is("constexpr") || t.is("static") || t.is("volatile") ||
           t.is("inline");
  };
  const auto is_const = [&](TokenIndex j) {
    return tokens[j].is("const") || tokens[j].is("constexpr");
  };
  for (TokenIndex j = i; j > 0 && is_specifier(j - 1); --j)
    if (is_const(j - 1)) return false;
  for (TokenIndex j = i + 1; is_specifier(j); ++j)
    if (is_const(j)) return false;
  return true;
}

TokenIndex skip_brackets(const Program& program, TokenIndex open) {
  const std::vector<Token>& tokens = program.tokens;
  int depth = 0;
  for (TokenIndex i = open; i + 1 < tokens.size(); ++i) {
    const std::string_view text = tokens[i].text;
    if (tokens[i].kind != Token::Kind::punctuation) continue;
    if (text == "(" || text == "[" || text == "{") ++depth;
    if ((text == ")" || text == "]" || text == "}") && --depth == 0) return i + 1;
  }
  return tokens.size() - 1;
}

TokenIndex skip_angles(const Program& program, TokenIndex open) {
  // `sizeof(T) < 8` and `N < 8` may stand inside the brackets: a "<" opens only behind a name, and
  // if that reading finds no end, not before a number either.
  for (const bool strict : {false, true}) {
    int depth = 0;
    for (TokenIndex i = open; i + 1 < program.tokens.size();) {
      const Token& token = program.tokens[i];
      if (token.is("<")) {
        const bool behind_name = i > 0 && program.tokens[i - 1].is_identifier();
        const bool number = program.tokens[i + 1].kind == Token::Kind::number;
        if (i == open || (behind_name && !(strict && number))) ++depth;
      } else if (token.is(">")) {
        if (--depth == 0) return i + 1;
      } else if (token.is("(") || token.is("[") || token.is("{")) {
        i = skip_brackets(program, i);
        continue;
      } else if (token.is(";") || token.is(")") || token.is("]") || token.is("}")) {
        break;
      }
      ++i;
    }
  }
  return 0;
}

Program parse(std::string_view source) { return Parser(source).run(); }

}  // namespace softmetal::msl
