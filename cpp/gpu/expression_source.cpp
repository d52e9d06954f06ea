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
      return cat("value_of<", type, ">(x", k, ")");
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

// A function of one element of each input, and a kernel that calls it: on four neighbours at a time
// where arrays are flat, else on one element.
std::string source_of(const Expression& expression) {
  const char* result = stored_type(expression.result().dtype);
  std::string function = cat("METAL_FUNC ", result, " fused_value("), kernel, places, fours, each;
  for (const Node& node : expression.nodes()) {
    if (node.op != Elementwise::input) continue;
    const int k = node.operand[0];
    const char* type = stored_type(node.dtype);
    function += cat(type, " x", k, ", ");
    kernel += cat("    device const ", type, "* in", k, " [[buffer(", k, ")]],\n");
    fours +=
        cat("      const vec<", type, ", 4> x", k, " = load_flat(in", k, ", p, ", k + 1, ", i);\n");
    each += cat("x", k, "[j], ");
    places += cat("in", k, "[at[", k + 1, "]], ");
  }
  function += "constant ulong* constants) {\n";
  for (int i = 0; i < expression.size(); ++i) {
    function += cat("  const ", value_type(expression[i].dtype), " ", value(i), " = ",
                    step(expression, i), ";\n");
  }
  function += cat("  return ", result, "(", value(expression.size() - 1), ");\n}\n");
  const int inputs = expression.inputs();
  return function + cat("[[kernel]] void fused(\n", kernel, "    device ", result,
                        "* out [[buffer(", inputs,
                        ")]],\n    constant ElementwiseParams& p [[buffer(", inputs + 1,
                        ")]],\n    constant ulong* constants [[buffer(", inputs + 2,
                        ")]],\n"
                        "    uint2 position [[thread_position_in_grid]],\n"
                        "    uint2 grid [[threads_per_grid]]) {\n"
                        "  if (flat) {\n"
                        "    const ulong first = first_neighbour(position, grid);\n"
                        "    for (uint piece = 0; piece < kFlatPieces; ++piece) {\n"
                        "      const ulong i = first + piece * kPiece;\n",
                        fours, "      vec<", result,
                        ", 4> four;\n"
                        "      for (uint j = 0; j < 4; ++j) four[j] = fused_value(",
                        each,
                        "constants);\n"
                        "      store_neighbours(out + p.starts[0], i, p.count, four);\n"
                        "    }\n    return;\n  }\n"
                        "  const ulong i = ulong(position.y) * grid.x + position.x;\n"
                        "  if (i >= p.count) return;\n  long at[",
                        inputs + 1, "];\n  find_places<", inputs + 1,
                        ">(p, i, at);\n  out[at[0]] = fused_value(", places, "constants);\n}\n");
}

}  // namespace bitmetal::gpu
