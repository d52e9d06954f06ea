#include "cpu/elementwise_plan.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "core/half.h"
#include "cpu/isa/kernels.h"

namespace bitmetal::cpu {
namespace {

// Of the 32 KiB of L1 that every processor here has; the rest is for what is read in place.
constexpr int64_t kSlotBytes = 24 << 10;
constexpr int64_t kLeastBlock = 128, kMostBlock = 4096;

// Bytes that a core moves while it computes an element: a vector function takes about a nanosecond
// for a handful of elements, a call of the C library ten for one.
int64_t cost_of(const Node& node, DType in) {
  using E = Elementwise;
  switch (node.op) {
    case E::floor_divide:
    case E::remainder:
    case E::power: return 128;
    case E::exp:
    case E::expm1:
    case E::log:
    case E::log1p:
    case E::sin:
    case E::cos:
    case E::tanh:
    case E::sigmoid:
    case E::erf:
    case E::gelu:
    case E::gelu_tanh:
    case E::silu: return in == DType::f64 ? 128 : 16;
    default: return 2;
  }
}

bool is_half(DType type) { return type == DType::f16 || type == DType::bf16; }

// What two operations in one step are called, and which operands of the second the first may be.
struct Pair {
  ElementwisePair kernel;
  Elementwise first, second;
  int sides;
};
constexpr Pair kPairs[] = {
    {ElementwisePair::multiply_add, Elementwise::multiply, Elementwise::add, 2},
    {ElementwisePair::multiply_subtract, Elementwise::multiply, Elementwise::subtract, 1},
    {ElementwisePair::maximum_minimum, Elementwise::maximum, Elementwise::minimum, 1},
};

// A float32's bits as those of the half that it is.
uint64_t half_bits(uint64_t bits, DType type) {
  const float value = std::bit_cast<float>(static_cast<uint32_t>(bits));
  return type == DType::f16 ? std::bit_cast<uint16_t>(float16(value))
                            : std::bit_cast<uint16_t>(bfloat16(value));
}

}  // namespace

// Whether the value of node `at` is one element all over a block.
bool ElementwisePlan::is_scalar(int at, const Operation& as) const {
  const Expression& e = *expression_;
  if (as.halves && e[at].op == Elementwise::cast) at = e[at].operand[0];
  return e[at].op == Elementwise::constant ||
         (e[at].op == Elementwise::input && (as.scalars >> e[at].operand[0] & 1));
}

// Operand k of a step is the value of node `at`; of halves, what that is before it is widened.
bool ElementwisePlan::take_operand(int at, const Operation& as, int k, Step& step) const {
  const Expression& e = *expression_;
  const Node& node = e[at];
  const auto bit = static_cast<uint8_t>(1 << k);
  step.operand[k] = step.widened[k] = static_cast<uint8_t>(at);
  if (is_scalar(at, as)) step.scalars |= bit;
  if (node.op == Elementwise::constant) {
    step.constants |= bit;
    step.bits[k] = node.dtype == as.type ? node.bits : half_bits(node.bits, as.type);
  } else if (as.halves) {
    if (node.op != Elementwise::cast || e.operand_type(node, 0) != as.type) return false;
    step.operand[k] = node.operand[0];
  }
  return true;
}

// One operation; with one of two operands as the one element that it is, where there is a kernel
// for that.
bool ElementwisePlan::one_step(int at, const Operation& as, Step& step) const {
  const Node& node = (*expression_)[at];
  step.operands = static_cast<uint8_t>(arity_of(node.op));
  for (int k = 0; k < step.operands; ++k) {
    if (!take_operand(node.operand[k], as, k, step)) return false;
  }
  const ElementwiseKernels& table = kernels().elementwise;
  if (step.operands == 2 && (step.scalars == 1 || step.scalars == 2)) {
    step.run = table.with_scalar(step.scalars - 1, node.op, as.type);
  }
  if (step.run) return true;
  if (as.halves && step.constants) return false;  // they have no array of halves
  step.scalars = step.constants = 0;
  step.run = table.of(node.op, as.type);
  return step.run;
}

// An operation and, as its operand, one that nothing else reads: `inner`.
bool ElementwisePlan::pair_step(int at, const Operation& as, const int* uses, Step& step,
                                int& inner) const {
  const Expression& e = *expression_;
  const Node& second = e[at];
  for (const Pair& pair : kPairs) {
    for (int side = 0; side < pair.sides; ++side) {
      const int operand = second.operand[side];
      const Node& first = e[operand];
      if (second.op != pair.second || first.op != pair.first || uses[operand] != 1) continue;
      Step s = step;
      s.operands = 3;
      const int k = pair.first == Elementwise::multiply && is_scalar(first.operand[0], as);
      if (!take_operand(first.operand[k], as, 0, s) ||
          !take_operand(first.operand[1 - k], as, 1, s) ||
          !take_operand(second.operand[1 - side], as, 2, s) || s.scalars & 1) {
        continue;
      }
      s.run = kernels().elementwise.of_pair(pair.kernel, s.scalars >> 1, as.type);
      if (!s.run) continue;
      step = s;
      inner = operand;
      return true;
    }
  }
  return false;
}

// One step for each operation and cast that the result needs. An operation of halves is a cast of
// its operands, the operation in float32 and a cast of its result: one step where it has a kernel.
void ElementwisePlan::make_steps(uint32_t scalars) {
  const Expression& e = *expression_;
  int uses[kMaxExpressionNodes] = {};
  for (const Node& node : e.nodes()) {
    for (int k = 0; k < arity_of(node.op); ++k) ++uses[node.operand[k]];
  }
  ++uses[e.size() - 1];
  for (int i = e.size() - 1; i >= 0; --i) {  // from the last, so that uses are known
    const Node& node = e[i];
    const int operands = arity_of(node.op);
    if (operands == 0 || uses[i] == 0) continue;
    const bool cast = node.op == Elementwise::cast;
    const bool halves = cast && is_half(node.dtype) && uses[node.operand[0]] == 1 &&
                        arity_of(e[node.operand[0]].op) > 0 &&
                        e[node.operand[0]].op != Elementwise::cast;
    const int at = halves ? node.operand[0] : i;
    const Operation as{halves ? node.dtype : e.operand_type(node, operands - 1), halves, scalars};
    Step plain{};
    plain.node = static_cast<uint8_t>(i);
    Step& step = step_[steps_++] = plain;
    if (!cast || halves) {
      int inner = -1;
      if (pair_step(at, as, uses, step, inner) || one_step(at, as, step = plain)) {
        extra_cost_ += cost_of(e[at], halves ? DType::f32 : as.type);
        if (inner >= 0) uses[inner] = 0;
        if (!halves) continue;
        uses[at] = 0;
        for (int k = 0; k < step.operands; ++k) {
          if (--uses[step.widened[k]] > 0) ++uses[step.operand[k]];
        }
        continue;
      }
      step = plain;
    }
    step.operands = 1;
    step.operand[0] = node.operand[0];
    step.convert = kernels().convert.of(e.operand_type(node, 0), node.dtype);
  }
  std::reverse(step_, step_ + steps_);
}

ElementwisePlan::ElementwisePlan(const Expression& expression, uint32_t gathered, uint32_t scalars,
                                 bool direct_result)
    : expression_(&expression) {
  make_steps(scalars);
  const int size = expression.size();
  int8_t last_use[kMaxExpressionNodes];  // the step
  std::fill_n(last_use, size, int8_t{-1});
  bool as_array[kMaxExpressionNodes] = {};
  widest_ = 1;
  for (int s = 0; s < steps_; ++s) {
    const Step& step = step_[s];
    widest_ = std::max<int64_t>(widest_, size_of(expression[step.node].dtype));
    for (int k = 0; k < step.operands; ++k) {
      last_use[step.operand[k]] = static_cast<int8_t>(s);
      as_array[step.operand[k]] |= !(step.scalars >> k & 1);
      widest_ = std::max<int64_t>(widest_, size_of(expression[step.operand[k]].dtype));
    }
  }
  uint64_t taken = 0;
  const auto take = [&] {
    const int slot = __builtin_ctzll(~taken);
    taken |= uint64_t{1} << slot;
    slots_ = std::max(slots_, slot + 1);
    return static_cast<int8_t>(slot);
  };
  // What is filled once or before the first step keeps its slot.
  for (int i = 0; i < size; ++i) {
    const Node& node = expression[i];
    slot_[i] = -1;
    if (node.op == Elementwise::input) {
      input_node_[node.operand[0]] = static_cast<uint8_t>(i);
      const bool scalar = (scalars >> node.operand[0] & 1) && !as_array[i];
      if ((gathered >> node.operand[0] & 1) && !scalar) slot_[i] = take();
    } else if (node.op == Elementwise::constant && as_array[i]) {
      slot_[i] = take();
    }
  }
  const uint64_t kept = taken;
  for (int s = 0; s < steps_; ++s) {
    const Step& step = step_[s];
    uint64_t freed = 0;
    bool in_place = step.run != nullptr;
    for (int k = 0; k < step.operands; ++k) {
      const int operand = step.operand[k];
      in_place &= size_of(expression[operand].dtype) == size_of(expression[step.node].dtype);
      if (last_use[operand] == s && slot_[operand] >= 0) freed |= uint64_t{1} << slot_[operand];
    }
    freed &= ~kept;
    if (in_place) taken &= ~freed;
    if (s + 1 < steps_ || !direct_result) slot_[step.node] = take();
    if (!in_place) taken &= ~freed;
  }
}

int64_t ElementwisePlan::block(int64_t n) const {
  if (slots_ == 0) return n;
  const int64_t fitting = kSlotBytes / (slots_ * widest_) / 64 * 64;
  return std::min(n, std::clamp(fitting, kLeastBlock, kMostBlock));
}

void ElementwisePlan::start(std::byte* memory, int64_t block, Values& values) const {
  values.memory = memory;
  values.slot_bytes = slot_bytes(block);
  for (int i = 0; i < expression_->size(); ++i) {
    if (slot_[i] < 0) continue;
    std::byte* slot = memory + slot_[i] * values.slot_bytes;
    values.at[i] = slot;
    const Node& node = (*expression_)[i];
    if (node.op != Elementwise::constant) continue;
    switch (size_of(node.dtype)) {
      case 1: std::fill_n(reinterpret_cast<uint8_t*>(slot), block, uint8_t(node.bits)); break;
      case 2: std::fill_n(reinterpret_cast<uint16_t*>(slot), block, uint16_t(node.bits)); break;
      case 4: std::fill_n(reinterpret_cast<uint32_t*>(slot), block, uint32_t(node.bits)); break;
      default: std::fill_n(reinterpret_cast<uint64_t*>(slot), block, node.bits);
    }
  }
}

const std::byte* ElementwisePlan::run(Values& values, std::byte* target, int64_t n) const {
  const int last = expression_->size() - 1;
  for (const Step& step : std::span(step_, steps_)) {
    const int slot = slot_[step.node];
    void* out = slot < 0 ? target : values.memory + slot * values.slot_bytes;
    if (step.convert) {
      step.convert(values.at[step.operand[0]], out, n);
    } else {
      const void* operands[3];
      for (int k = 0; k < step.operands; ++k) {
        operands[k] = step.constants >> k & 1 ? &step.bits[k] : values.at[step.operand[k]];
      }
      step.run(operands, out, n);
    }
  }
  return slot_[last] < 0 ? target : values.memory + slot_[last] * values.slot_bytes;
}

}  // namespace bitmetal::cpu
