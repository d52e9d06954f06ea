#include "analysis.h"

#include <array>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace softmetal::msl {
namespace {

using Names = std::unordered_set<std::string_view>;

Names names_in(const Program& program, Span span) {
  Names names;
  for (TokenIndex i = span.begin; i < span.end; ++i)
    if (program.tokens[i].is_identifier()) names.insert(program.tokens[i].text);
  return names;
}

// All names that `name` reaches through definitions, itself included.
void reach(const std::unordered_map<std::string_view, std::vector<const Names*>>& definitions,
           std::string_view name, Names& reached) {
  if (!reached.insert(name).second) return;
  const auto found = definitions.find(name);
  if (found == definitions.end()) return;
  for (const Names* names : found->second)
    for (const std::string_view next : *names) reach(definitions, next, reached);
}

}  // namespace

bool is_meeting(std::string_view name) {
  static const Names others = {"threadgroup_barrier", "simdgroup_barrier", "simdgroup_multiply",
                               "simdgroup_multiply_accumulate"};
  return name.substr(0, 5) == "simd_" || name.substr(0, 5) == "quad_" || others.count(name) > 0;
}

Analysis analyse(const Program& program) {
  std::vector<Names> function_names, variable_names;
  function_names.reserve(program.functions.size());
  variable_names.reserve(program.variables.size());
  std::unordered_map<std::string_view, std::vector<const Names*>> definitions;
  for (const Function& function : program.functions) {
    function_names.push_back(names_in(program, {function.declaration.begin, function.body.end}));
    definitions[function.name].push_back(&function_names.back());
  }
  for (const Variable& variable : program.variables) {
    variable_names.push_back(names_in(program, variable.span));
    definitions[variable.name].push_back(&variable_names.back());
  }

  Analysis analysis;
  analysis.convergent.resize(program.functions.size());
  Names meeting;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < program.functions.size(); ++i) {
      if (analysis.convergent[i]) continue;
      for (const std::string_view name : function_names[i]) {
        if (!is_meeting(name) && (!meeting.count(name) || name == program.functions[i].name))
          continue;
        analysis.convergent[i] = changed = true;
        meeting.insert(program.functions[i].name);
        break;
      }
    }
  }

  for (const Kernel& kernel : program.kernels) {
    Names reached;
    for (const std::string_view name : function_names[kernel.function])
      reach(definitions, name, reached);
    // An instantiation may name a constant or a type of its own.
    for (const std::string_view name : names_in(program, kernel.template_arguments))
      reach(definitions, name, reached);
    std::vector<size_t> constants;
    for (size_t i = 0; i < program.constants.size(); ++i)
      if (reached.count(program.constants[i].name)) constants.push_back(i);
    analysis.constants.push_back(std::move(constants));
  }
  return analysis;
}

}  // namespace softmetal::msl
