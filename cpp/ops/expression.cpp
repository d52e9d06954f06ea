#include "ops/expression.h"

#include <algorithm>
#include <cstring>

#include "core/element.h"
#include "core/half.h"

namespace bitmetal {
namespace {

struct OpInfo {
  const char* name;
  int arity;
  Rule rule;
};
constexpr OpInfo kOps[] = {{"input", 0, Rule::choice},
                           {"constant", 0, Rule::choice},
                           {"astype", 1, Rule::choice},
#define BITMETAL_INFO(name, arity, rule) {#name, arity, Rule::rule},
                           BITMETAL_ELEMENTWISE(BITMETAL_INFO)
#undef BITMETAL_INFO
};
static_assert(std::size(kOps) == kElementwiseOps);

constexpr DType computed_in(DType t) {
  return t == DType::f16 || t == DType::bf16 ? DType::f32 : t;
}

[[noreturn]] void refuse(Elementwise op, DType dtype, const char* advice) {
  fail<TypeError>(name_of(op), ": not defined for ", name_of(dtype), advice);
}

// Whether `type` can hold a number of its kind.
bool fits(const Number& number, DType type) {
  if (is_floating(type)) return true;
  if (!number.fits_int64) return false;
  bool held = true;
  visit(type, [&](auto of) {
    using T = typename decltype(of)::type;
    if constexpr (std::is_integral_v<T>) {
      held = static_cast<int64_t>(static_cast<T>(number.integer)) == number.integer;
    }
  });
  return held;
}

// A number as an element; `type` cannot be less in kind than the number.
uint64_t bits_of(const char* op, const Number& number, DType type) {
  if (is_floating(type)) return element_bits(type, number.real);
  uint64_t bits = 0;
  visit(type, [&](auto of) {
    using T = typename decltype(of)::type;
    if constexpr (std::is_integral_v<T>) {
      const T element = static_cast<T>(number.integer);
      if (!fits(number, type)) {
        fail<OverflowError>(op, ": the number ", number.real, " is out of range for ",
                            name_of(type));
      }
      std::memcpy(&bits, &element, sizeof element);
    }
  });
  return bits;
}

// The float32 that a 16-bit element stands for.
uint64_t widened(uint64_t bits, DType type) {
  const auto half = static_cast<uint16_t>(bits);
  return std::bit_cast<uint32_t>(type == DType::f16
                                     ? static_cast<float>(std::bit_cast<float16>(half))
                                     : static_cast<float>(std::bit_cast<bfloat16>(half)));
}

}  // namespace

const char* name_of(Elementwise op) { return kOps[static_cast<int>(op)].name; }
int arity_of(Elementwise op) { return kOps[static_cast<int>(op)].arity; }
Rule rule_of(Elementwise op) { return kOps[static_cast<int>(op)].rule; }

int Expression::add(const Node& node) {
  if (size_ == kMaxExpressionNodes) {
    fail<TypeError>("expression: more than ", kMaxExpressionNodes,
                    " inputs, constants and operations; split it");
  }
  nodes_[size_] = node;
  return size_++;
}

int Expression::add_input(DType dtype) {
  if (inputs_ == kMaxExpressionInputs) {
    fail<TypeError>("expression: more than ", kMaxExpressionInputs, " arrays; split it");
  }
  return add({Elementwise::input, dtype, {static_cast<uint8_t>(inputs_++), 0, 0}, 0});
}

DType common_type(std::span<const ExpressionBuilder::Operand> operands) {
  std::optional<DType> type;
  for (const auto& operand : operands) {
    if (const auto* value = std::get_if<ExpressionBuilder::Value>(&operand)) {
      type = type ? promote(*type, value->dtype) : value->dtype;
    }
  }
  std::optional<NumberKind> kind;
  for (const auto& operand : operands) {
    if (const auto* number = std::get_if<Number>(&operand)) {
      kind = kind ? std::max(*kind, number->kind) : number->kind;
    }
  }
  if (!type) return default_type(*kind);
  return kind ? promote(*type, *kind) : *type;
}

ExpressionBuilder::Value ExpressionBuilder::input(DType dtype) {
  return {expression_.add_input(dtype), dtype};
}

int ExpressionBuilder::add(Elementwise op, DType dtype, int a, int b, int c) {
  const Node node{
      op, dtype, {static_cast<uint8_t>(a), static_cast<uint8_t>(b), static_cast<uint8_t>(c)}, 0};
  const auto nodes = expression_.nodes();
  const auto same = std::find(nodes.begin(), nodes.end(), node);
  return same != nodes.end() ? static_cast<int>(same - nodes.begin()) : expression_.add(node);
}

int ExpressionBuilder::convert(int node, DType dtype) {
  if (expression_[node].dtype == dtype) return node;
  return add(Elementwise::cast, dtype, node);
}

int ExpressionBuilder::bring(const char* op, const Operand& operand, DType common, DType dtype) {
  if (const auto* value = std::get_if<Value>(&operand)) return convert(value->node, dtype);
  const uint64_t bits = bits_of(op, std::get<Number>(operand), common);
  return expression_.add(
      {Elementwise::constant, dtype, {0, 0, 0}, dtype == common ? bits : widened(bits, common)});
}

ExpressionBuilder::Value ExpressionBuilder::compute(Elementwise op, DType common, DType result,
                                                    std::span<const Operand> operands) {
  const DType in = computed_in(common);
  int node[2] = {};
  for (size_t i = 0; i < operands.size(); ++i) {
    node[i] = bring(name_of(op), operands[i], common, in);
  }
  return {add(op, result == DType::boolean ? result : in, node[0], node[1]), result};
}

ExpressionBuilder::Value ExpressionBuilder::choose(std::span<const Operand> operands) {
  const int condition = bring("where", operands[0], DType::boolean, DType::boolean);
  const DType common = common_type(operands.subspan(1));
  // Elements of 16 bits are moved as they are unless one of them is float32 by now.
  DType in = common;
  for (const Operand& operand : operands.subspan(1)) {
    const auto* value = std::get_if<Value>(&operand);
    if (value && expression_[value->node].dtype != common) in = computed_in(common);
  }
  const int a = bring("where", operands[1], common, in);
  const int b = bring("where", operands[2], common, in);
  return {add(Elementwise::where, in, condition, a, b), common};
}

ExpressionBuilder::Value ExpressionBuilder::apply(Elementwise op,
                                                  std::span<const Operand> operands) {
  using E = Elementwise;
  const Rule rule = rule_of(op);
  if (rule == Rule::choice) return choose(operands);
  DType common = common_type(operands);
  const bool bits = common == DType::boolean, floating = is_floating(common);
  // One operand alone is a Value: a number alone is an array before it comes here.
  const auto unchanged = [&] { return std::get<Value>(operands[0]); };
  switch (rule) {
    case Rule::arithmetic:
      if (bits && (op == E::add || op == E::multiply)) {  // as NumPy: or, and
        return compute(op == E::add ? E::logical_or : E::logical_and, common, common, operands);
      }
      if (bits && op == E::square) return unchanged();
      if (bits && (op == E::subtract || op == E::negative || op == E::sign)) {
        refuse(op, common, "; use logical_xor or logical_not, or convert");
      }
      if (bits) common = DType::i8;
      return compute(op, common, common, operands);
    case Rule::ordered:
      if (op == E::absolute || op == E::relu) {
        if (bits || common == DType::u8) return unchanged();
      } else if (bits) {
        return compute(op == E::minimum ? E::logical_and : E::logical_or, common, common, operands);
      }
      return compute(op, common, common, operands);
    case Rule::real:
      if (!floating) common = DType::f32;
      return compute(op, common, common, operands);
    case Rule::rounding: return floating ? compute(op, common, common, operands) : unchanged();
    case Rule::comparison:
      for (const Operand& operand : operands) {  // 300 is not less than any uint8
        const auto* number = std::get_if<Number>(&operand);
        if (number && !fits(*number, common)) common = DType::i64;
      }
      return compute(op, common, DType::boolean, operands);
    case Rule::logical: {
      Operand tested[2];
      for (size_t i = 0; i < operands.size(); ++i) {
        if (const auto* number = std::get_if<Number>(&operands[i])) {
          tested[i] = Number{NumberKind::boolean, number->real != 0, number->real != 0 ? 1.0 : 0.0};
        } else {
          const int node = std::get<Value>(operands[i]).node;
          tested[i] = Value{convert(node, DType::boolean), DType::boolean};
        }
      }
      return compute(op, DType::boolean, DType::boolean, {tested, operands.size()});
    }
    case Rule::bitwise:
      if (floating) refuse(op, common, "; expected integers or booleans");
      if (bits) {
        const E logical[] = {E::logical_and, E::logical_or, E::logical_xor, E::logical_not};
        op = logical[static_cast<int>(op) - static_cast<int>(E::bitwise_and)];
      }
      return compute(op, common, common, operands);
    case Rule::shift:
      if (floating) refuse(op, common, "; expected integers");
      if (bits) common = DType::i8;
      return compute(op, common, common, operands);
    default:  // classification
      if (!floating) common = DType::f32;
      return compute(op, common, DType::boolean, operands);
  }
}

ExpressionBuilder::Value ExpressionBuilder::cast(Value value, DType dtype) {
  return {convert(value.node, dtype), dtype};
}

Expression ExpressionBuilder::finish(Value value, DType dtype) {
  const int last = convert(value.node, dtype);
  bool used[kMaxExpressionNodes] = {};
  used[last] = true;
  for (int i = last; i >= 0; --i) {
    const Node& node = expression_[i];
    for (int k = 0; used[i] && k < arity_of(node.op); ++k) used[node.operand[k]] = true;
  }
  // Inputs stay, used or not: they are what the caller counts, and take part in broadcasting.
  Expression finished;
  uint8_t place[kMaxExpressionNodes] = {};
  for (int i = 0; i < expression_.size(); ++i) {
    Node node = expression_[i];
    if (node.op == Elementwise::input) {
      place[i] = static_cast<uint8_t>(finished.add_input(node.dtype));
    } else if (used[i]) {
      for (int k = 0; k < arity_of(node.op); ++k) node.operand[k] = place[node.operand[k]];
      place[i] = static_cast<uint8_t>(finished.add(node));
    }
  }
  // The result comes last, and is computed: a copy, where nothing else is asked for.
  const Elementwise op = expression_[last].op;
  if (op == Elementwise::input || op == Elementwise::constant ||
      place[last] + 1 < finished.size()) {
    finished.add({Elementwise::cast, dtype, {place[last], 0, 0}, 0});
  }
  return finished;
}

}  // namespace bitmetal
