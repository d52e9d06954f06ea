// Element-wise operations, alone and fused: an expression over arrays that broadcast against each
// other, computed in one pass.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "bitmetal/array.h"
#include "bitmetal/elementwise_ops.h"
#include "bitmetal/ops.h"
#include "bitmetal/promotion.h"

namespace bitmetal {

// `input`, `constant` and `cast` are what a front puts around the operations.
enum class Elementwise : uint8_t {
  input,
  constant,
  cast,
#define BITMETAL_NAME(name, arity, rule) name,
  BITMETAL_ELEMENTWISE(BITMETAL_NAME)
#undef BITMETAL_NAME
};

// How an operation's operands and result get their types.
enum class Rule : uint8_t {
  arithmetic,      // the common type; of booleans as noted in lower()
  ordered,         // the common type, booleans too
  real,            // the common floating type; integers become float32
  rounding,        // floating types; integers are whole already
  comparison,      // the common type; a bool comes out
  logical,         // operands become bool (not 0); a bool comes out
  bitwise,         // integers and booleans
  shift,           // integers
  choice,          // a bool, and two of the common type, which comes out
  classification,  // floating types; a bool comes out
};

const char* name_of(Elementwise op);
int arity_of(Elementwise op);  // 0 for an input and a constant, 1 for a cast
Rule rule_of(Elementwise op);

inline constexpr int kElementwiseOps = 3
#define BITMETAL_COUNT(name, arity, rule) +1
    BITMETAL_ELEMENTWISE(BITMETAL_COUNT)
#undef BITMETAL_COUNT
    ;

inline constexpr int kMaxExpressionInputs = 12;  // with the result and the parameters: 14 of a
                                                 // GPU's 31 buffers
inline constexpr int kMaxExpressionNodes = 64;

// One value of an expression.
struct Node {
  Elementwise op;
  DType dtype;         // of the value
  uint8_t operand[3];  // the nodes it is computed from; an input's number in operand[0]
  uint64_t bits;       // a constant, in the lowest bytes

  friend bool operator==(const Node&, const Node&) = default;
};

// A typed straight-line program: every node reads earlier ones, the last is the result and no input
// or constant. Operands of a step are of one type (but where's first), which is never f16 or bf16:
// those occur as inputs, results of casts and operands of casts and of where only.
class Expression {
 public:
  int size() const { return size_; }
  int inputs() const { return inputs_; }
  const Node& operator[](int i) const { return nodes_[i]; }
  const Node& result() const { return nodes_[size_ - 1]; }
  DType operand_type(const Node& node, int i) const { return nodes_[node.operand[i]].dtype; }
  std::span<const Node> nodes() const { return {nodes_, static_cast<size_t>(size_)}; }

  // Give the node's number; throw TypeError when the expression is full.
  int add_input(DType dtype);
  int add(const Node& node);

  friend bool operator==(const Expression& a, const Expression& b) {
    return std::equal(a.nodes_, a.nodes_ + a.size_, b.nodes_, b.nodes_ + b.size_);
  }

 private:
  int size_ = 0;
  int inputs_ = 0;
  Node nodes_[kMaxExpressionNodes];
};

// A Python number: it has a value and a kind, its type follows from what it meets.
struct Number {
  NumberKind kind;
  int64_t integer;  // booleans too
  double real;      // of every kind
  bool fits_int64 = true;
};
using Operand = std::variant<Array, Number>;

// One operation on arrays, of which there is at least one, and numbers. Types as rule_of(op) has
// it, promote() and castable(). `out` may be one of the operands, or a strided view.
Array elementwise(Elementwise op, std::span<const Operand> operands, const OptionalArray& out = {});
// min(max(a, low), high); either bound may be absent.
Array clip(const Operand& a, const std::optional<Operand>& low, const std::optional<Operand>& high,
           const OptionalArray& out = {});
// An expression of arrays of its inputs' types. `name` opens the errors.
Array evaluate(const char* name, const Expression& expression, std::span<const Array> inputs,
               const OptionalArray& out = {});

}  // namespace bitmetal
