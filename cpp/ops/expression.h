// Puts an expression together as Python evaluates a formula: with the promotion of types, and
// casts where they are needed.
#pragma once

#include <optional>
#include <span>
#include <variant>

#include "bitmetal/elementwise.h"

namespace bitmetal {

// float16 and bfloat16 are computed in float32 and stay in it until the result, or until the
// formula itself converts: inside an expression they are rounded less often than operation by
// operation. A value that was computed twice the same way is computed once.
class ExpressionBuilder {
 public:
  struct Value {
    int node;
    DType dtype;  // as the formula has it; the node's may be float32 in place of a 16-bit type
  };
  using Operand = std::variant<Value, Number>;

  Value input(DType dtype);
  // At least one operand is a Value. Throws TypeError for types that the operation does not take,
  // OverflowError for an integer that its type cannot hold.
  Value apply(Elementwise op, std::span<const Operand> operands);
  Value cast(Value value, DType dtype);
  // The expression whose result is `value` as an element of `dtype`.
  Expression finish(Value value, DType dtype);

 private:
  int add(Elementwise op, DType dtype, int a, int b = 0, int c = 0);
  // The operand as a node of exactly this type; `common` is what a number is rounded to first.
  int bring(const char* op, const Operand& operand, DType common, DType dtype);
  int convert(int node, DType dtype);
  Value compute(Elementwise op, DType common, DType result, std::span<const Operand> operands);
  Value choose(std::span<const Operand> operands);

  Expression expression_;
};

// The type that `op` brings operands of these types to.
DType common_type(std::span<const ExpressionBuilder::Operand> operands);

}  // namespace bitmetal
