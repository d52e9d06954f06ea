#include "source_program.h"

#include <algorithm>

#include "../msl/dialect.h"
#include "../msl/parser.h"

namespace softmetal {
namespace {

// The program asks whether the constant has a value, so it need not have one.
bool is_optional(const msl::Program& program, std::string_view name) {
  const auto& tokens = program.tokens;
  for (size_t i = 0; i + 2 < tokens.size(); ++i)
    if (tokens[i].is("is_function_constant_defined") && tokens[i + 2].is(name)) return true;
  return false;
}

}  // namespace

SourceProgram::SourceProgram(std::string preprocessed)
    : source_(std::move(preprocessed)), parsed_(msl::parse(source_)) {
  msl::check_dialect(parsed_);
  throw_errors();
  analysis_ = msl::analyse(parsed_);
  for (size_t k = 0; k < parsed_.kernels.size(); ++k) kernels_.push_back(describe(k));
}

size_t SourceProgram::index_of(std::string_view name) const {
  const auto found = std::find_if(kernels_.begin(), kernels_.end(),
                                  [&](const KernelInfo& info) { return info.name == name; });
  if (found == kernels_.end())
    throw CompileError("function '" + std::string(name) + "' was not found in the library");
  return static_cast<size_t>(found - kernels_.begin());
}

void SourceProgram::throw_errors() const {
  std::string log;
  for (const msl::SyntaxError& error : parsed_.errors)
    log += "program_source:" + std::to_string(error.line) + ":" + std::to_string(error.column) +
           ": error: " + error.message + "\n";
  if (!log.empty()) throw CompileError(log);
}

KernelInfo SourceProgram::describe(size_t kernel) const {
  const msl::Function& function = parsed_.functions[parsed_.kernels[kernel].function];
  KernelInfo info;
  info.name = parsed_.kernels[kernel].name;
  info.max_total_threads = function.max_total_threads;
  for (const msl::Parameter& p : function.arguments) {
    if (p.kind == msl::Parameter::Kind::builtin) continue;
    const bool buffer = p.kind == msl::Parameter::Kind::buffer;
    info.arguments.push_back({p.name, buffer ? ArgumentKind::buffer : ArgumentKind::threadgroup,
                              p.index, p.read_only, 0, 0});
  }
  for (const size_t c : analysis_.constants[kernel]) {
    const msl::FunctionConstant& constant = parsed_.constants[c];
    info.constants.push_back(
        {constant.name, constant.index, constant.type, !is_optional(parsed_, constant.name)});
  }
  return info;
}

msl::ConstantBytes SourceProgram::constant_values(size_t index,
                                                  const std::vector<ConstantValue>& given) const {
  const KernelInfo& kernel = kernels_[index];
  msl::ConstantBytes out(parsed_.constants.size());
  for (const FunctionConstant& wanted : kernel.constants) {
    const auto found = std::find_if(given.begin(), given.end(), [&](const ConstantValue& value) {
      return value.name.empty() ? value.index == wanted.index : value.name == wanted.name;
    });
    if (found == given.end()) {
      if (!wanted.required) continue;
      throw CompileError("function '" + kernel.name + "' needs a value for function constant '" +
                         wanted.name + "' at index " + std::to_string(wanted.index));
    }
    if (found->type != wanted.type)
      throw CompileError("function constant '" + wanted.name + "' of '" + kernel.name +
                         "' has MTLDataType " + std::to_string(wanted.type) + ", the value has " +
                         std::to_string(found->type));
    for (size_t c = 0; c < parsed_.constants.size(); ++c)
      if (parsed_.constants[c].name == wanted.name) out[c] = found->bytes;
  }
  return out;
}

bool SourceProgram::is_absent(size_t kernel, const Argument& argument,
                              const msl::ConstantBytes& constants) const {
  const auto wanted = argument.kind == ArgumentKind::buffer ? msl::Parameter::Kind::buffer
                                                            : msl::Parameter::Kind::threadgroup;
  for (const msl::Parameter& p : parsed_.functions[parsed_.kernels[kernel].function].arguments) {
    if (p.kind != wanted || p.index != argument.index || p.only_if.empty()) continue;
    for (size_t c = 0; c < parsed_.constants.size(); ++c) {
      if (parsed_.constants[c].name == p.only_if)
        return constants[c] && (*constants[c])[0] == std::byte{0};
    }
  }
  return false;
}

}  // namespace softmetal
