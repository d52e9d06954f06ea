#include "emit_cuda.h"

#include <cstring>

#include "emitter.h"
#include "parser.h"

namespace softmetal::msl {
namespace {

class CudaEmitter : Emitter {
 public:
  CudaEmitter(const Program& program, const Analysis& analysis, const ConstantBytes& constants)
      : Emitter(program, analysis), constants_(constants) {}

  std::string run(std::optional<size_t> kernel) {
    for (size_t i = 0; i < program_.constants.size(); ++i) function_constant(i);
    for (const Function& f : program_.functions)
      for (const ThreadgroupVariable& variable : f.locals) threadgroup_variable(variable);
    for (TokenIndex i = 0; i + 1 < program_.tokens.size(); ++i) {
      if (!is(i, "is_function_constant_defined") || !constant_defined(i)) rewrite(i);
    }
    std::string out = "namespace sm_program {\n#line 1 \"program_source\"\n";
    out += edits_.apply(0, program_.source.size());
    out += "\n#line 1 \"softmetal_entries\"\n";
    if (kernel) out += entry(program_.kernels[*kernel]);
    return out + "}\n";
  }

 private:
  bool constant_defined(TokenIndex i) {
    if (!is(i + 1, "(")) return false;
    for (size_t c = 0; c < program_.constants.size(); ++c) {
      if (!is(i + 2, program_.constants[c].name)) continue;
      replace(i, "bool");
      replace(i + 2, constants_[c] ? "true" : "false");
      return true;
    }
    return false;
  }

  // constant int n [[function_constant(0)]];  ->  constexpr int n = sm_constant{42ul, 0ul};
  void function_constant(size_t index) {
    const FunctionConstant& constant = program_.constants[index];
    const TokenIndex end = skip_brackets(program_, constant.attribute);
    uint64_t words[2] = {};
    if (constants_[index]) std::memcpy(words, constants_[index]->data(), sizeof words);
    bool is_constexpr = false;
    for (TokenIndex i = constant.span.begin; i < constant.attribute; ++i)
      is_constexpr |= is(i, "constexpr");
    for (TokenIndex i = constant.span.begin; i < constant.attribute; ++i)
      if (is(i, "constant")) replace(i, is_constexpr ? "" : "constexpr");
    edits_.replace(
        at(constant.attribute).offset, end_offset(end - 1) - at(constant.attribute).offset,
        "= sm_constant{" + std::to_string(words[0]) + "ul, " + std::to_string(words[1]) + "ul}");
  }

  // threadgroup float a[4];  ->  __shared__ __align__(16) float a[4];  An initialiser says nothing.
  void threadgroup_variable(const ThreadgroupVariable& variable) {
    const VariableText text = variable_text(variable);
    std::string out;
    for (const auto& declarator : text.declarators)
      out += "__shared__ __align__(16) " + text.specifiers + declarator.name + declarator.extents +
             "; ";
    replace_variable(variable, std::move(out));
  }

  std::string entry(const Kernel& kernel) {
    const Function& f = program_.functions[kernel.function];
    const std::string self = kernel_address(kernel);
    std::string out = "typedef sm_signature<decltype(" + self + ")> sm_parameters;\n";
    std::string parameters, call, arguments;
    for (size_t i = 0; i < f.arguments.size(); ++i) {
      const Parameter& parameter = f.arguments[i];
      const std::string number = std::to_string(i);
      const std::string type = "sm_parameters::at<" + number + ">";
      if (i) call += ", ";
      if (parameter.kind == Parameter::Kind::builtin) {
        call += "sm_builtin<" + type + ">(sm_" + parameter.builtin + "(sm_l))";
        continue;
      }
      if (parameter.kind == Parameter::Kind::buffer) {
        parameters += "const __grid_constant__ sm_passing<" + type + ">::type sm_" + number + ", ";
        call += "sm_passing<" + type + ">::bind(sm_" + number + ")";
      } else {
        call += "sm_threadgroup<" + type + ">(sm_l, " + std::to_string(parameter.index) + ")";
      }
      arguments += "sm_describe_cuda<" + type + ">(), ";
    }
    out += std::string("extern \"C\" __device__ sm_cuda_argument ") + kCudaArguments + "[] = {" +
           arguments + "{0, 0, 0, 0}};\n";
    out += "extern \"C\" __global__ void ";
    if (f.max_total_threads)
      out += "__launch_bounds__(" + std::to_string(f.max_total_threads) + ") ";
    return out + kCudaEntry + "(" + parameters +
           "const __grid_constant__ sm_cuda_launch sm_l) {\n  if (sm_is_beyond(sm_l)) return;\n  "
           "(" +
           self + ")(" + call + ");\n}\n";
  }

  const ConstantBytes& constants_;
};

}  // namespace

std::string emit_cuda(const Program& program, const Analysis& analysis,
                      std::optional<size_t> kernel, const ConstantBytes& constants) {
  return CudaEmitter(program, analysis, constants).run(kernel);
}

}  // namespace softmetal::msl
