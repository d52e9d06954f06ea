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

// A float32's bits as those of the half that it is.
uint64_t half_bits(uint64_t bits, DType type) {
  const float value = std::bit_cast<float>(static_cast<uint32_t>(bits));
  return type == DType::f16 ? std::bit_cast<uint16_t>(float16(value))
                            : std::bit_cast<uint16_t>(bfloat16(value));
}

}  // namespace

// Takes one of two operands as the one element that it is, where there is a kernel for that.
void ElementwisePlan::use_scalar(Elementwise op, DType type, uint32_t scalars, Step& step) const {
  if (step.operands != 2) return;
  const auto is_scalar = [&](int k) {
    const Node& node = (*expression_)[step.operand[k]];
    return node.op == Elementwise::constant ||
           (node.op == Elementwise::input && (scalars >> node.operand[0] & 1));
  };
  if (is_scalar(0) == is_scalar(1)) return;
  const int8_t k = is_scalar(0) ? 0 : 1;
  const ElementwiseRun run = kernels().elementwise.with_scalar(k, op, type);
  if (!run) return;
  const Node& node = (*expression_)[step.operand[k]];
  step.run = run;
  step.scalar = k;
  step.constant = node.op == Elementwise::constant;
  if (step.constant) step.bits = node.dtype == type ? node.bits : half_bits(node.bits, type);
}

// An operation of halves, which is a cast of its operands, the operation in float32 and a cast of
// its result, as one step, where it has a kernel.
bool ElementwisePlan::halves_step(const Node& cast, uint32_t scalars, Step& step) const {
  const Expression& e = *expression_;
  const Node& node = e[cast.operand[0]];
  const int operands = arity_of(node.op);
  if (operands == 0 || node.op == Elementwise::cast) return false;
  if (cast.dtype != DType::f16 && cast.dtype != DType::bf16) return false;
  step.run = kernels().elementwise.of(node.op, cast.dtype);
  step.operands = static_cast<uint8_t>(operands);
  bool constant = false;
  for (int k = 0; k < operands; ++k) {
    const Node& widened = e[node.operand[k]];
    if (widened.op == Elementwise::constant) {  // a half, widened
      step.operand[k] = node.operand[k];
      constant = true;
    } else if (widened.op == Elementwise::cast && e.operand_type(widened, 0) == cast.dtype) {
      step.operand[k] = widened.operand[0];
    } else {
      return false;
    }
  }
  use_scalar(node.op, cast.dtype, scalars, step);
  return step.run && (!constant || step.constant);
}

// One step for each operation and cast that the result needs.
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
    const Step plain{
        nullptr, nullptr, static_cast<uint8_t>(i), static_cast<uint8_t>(operands), {}, -1,
        false,   0};
    Step step = plain;
    if (node.op == Elementwise::cast && uses[node.operand[0]] == 1 &&
        halves_step(node, scalars, step)) {
      const Node& inner = e[node.operand[0]];
      uses[node.operand[0]] = 0;
      for (int k = 0; k < arity_of(inner.op); ++k) {
        if (--uses[inner.operand[k]] > 0) ++uses[step.operand[k]];
      }
      extra_cost_ += cost_of(inner, DType::f32);
    } else {
      step = plain;
      const DType in = e.operand_type(node, operands - 1);
      std::copy_n(node.operand, operands, step.operand);
      if (node.op == Elementwise::cast) {
        step.convert = kernels().convert.of(in, node.dtype);
      } else {
        step.run = kernels().elementwise.of(node.op, in);
        use_scalar(node.op, in, scalars, step);
        extra_cost_ += cost_of(node, in);
      }
    }
    step_[steps_++] = step;
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
      as_array[step.operand[k]] |= k != step.scalar;
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
      for (int k = 0; k < step.operands; ++k) operands[k] = values.at[step.operand[k]];
      if (step.constant) operands[step.scalar] = &step.bits;
      step.run(operands, out, n);
    }
  }
  return slot_[last] < 0 ? target : values.memory + slot_[last] * values.slot_bytes;
}

}  // namespace bitmetal::cpu
