#include "gpu/expression_source.h"

#include "bitmetal/error.h"

namespace bitmetal::gpu {
namespace {

const char* value_type(DType t) {
  switch (t) {
    case DType::f32: return "float";
    case DType::f16: return "half";
    case DType::bf16: return "bfloat";
    case DType::i8: return "char";
    case DType::u8: return "uchar";
    case DType::i32: return "int";
    case DType::i64: return "long";
    default: return "bool";
  }
}

// Memory may hold booleans other than 0 and 1.
const char* stored_type(DType t) { return t == DType::boolean ? "uchar" : value_type(t); }

std::string value(int node) { return cat("v", node); }

std::string step(const Expression& expression, int i) {
  const Node& node = expression[i];
  const char* type = value_type(node.dtype);
  const auto operand = [&](int k) { return value(node.operand[k]); };
  switch (node.op) {
    case Elementwise::input: {
      const int k = node.operand[0];
      return cat("value_of<", type, ">(in", k, "[at[", k + 1, "]])");
    }
    case Elementwise::constant: return cat("value_of_bits<", type, ">(constants[", i, "])");
    case Elementwise::cast: return cat("convert<", type, ">(", operand(0), ")");
    case Elementwise::where: return cat(operand(0), " ? ", operand(1), " : ", operand(2));
    default: break;
  }
  std::string call = cat("elementwise::", name_of(node.op), "(", operand(0));
  for (int k = 1; k < arity_of(node.op); ++k) call += ", " + operand(k);
  return call + ")";
}

}  // namespace

std::string source_of(const Expression& expression) {
  const int inputs = expression.inputs();
  std::string source = "[[kernel]] void fused(\n";
  for (const Node& node : expression.nodes()) {
    if (node.op != Elementwise::input) continue;
    const int k = node.operand[0];
    source +=
        cat("    device const ", stored_type(node.dtype), "* in", k, " [[buffer(", k, ")]],\n");
  }
  const char* result = stored_type(expression.result().dtype);
  source += cat("    device ", result, "* out [[buffer(", inputs, ")]],\n",
                "    constant ElementwiseParams& p [[buffer(", inputs + 1, ")]],\n",
                "    constant ulong* constants [[buffer(", inputs + 2, ")]],\n",
                "    uint2 position [[thread_position_in_grid]],\n"
                "    uint2 grid [[threads_per_grid]]) {\n"
                "  const ulong first = first_element(position, grid);\n"
                "  for (uint j = 0; j < elements_each(); ++j) {\n"
                "    if (first + j >= p.count) return;\n"
                "    long at[",
                inputs + 1, "];\n    find_places<", inputs + 1, ">(p, first + j, at);\n");
  for (int i = 0; i < expression.size(); ++i) {
    source += cat("    const ", value_type(expression[i].dtype), " ", value(i), " = ",
                  step(expression, i), ";\n");
  }
  return source +
         cat("    out[at[0]] = ", result, "(", value(expression.size() - 1), ");\n  }\n}\n");
}

}  // namespace bitmetal::gpu
