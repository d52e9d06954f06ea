// How the cpu device computes the nodes of an expression for one block: which kernel, and in which
// piece of L1 every intermediate value lies.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bitmetal/elementwise.h"
#include "cpu/kernels/convert.h"
#include "cpu/kernels/elementwise.h"

namespace bitmetal::cpu {

class ElementwisePlan {
 public:
  // One thread's values of a block: where each node's elements are.
  struct Values {
    std::byte* memory;
    int64_t slot_bytes;
    const void* at[kMaxExpressionNodes];
  };

  // Inputs whose bit is set in `gathered` are copied into a slot for each block, but for those in
  // `scalars`, one element all over a block, which kernels may take as that. The result goes
  // straight to the output where `direct_result` says so, else into a slot.
  ElementwisePlan(const Expression& expression, uint32_t gathered, uint32_t scalars,
                  bool direct_result);

  int slots() const { return slots_; }
  // Elements of a block, at most n.
  int64_t block(int64_t n) const;
  size_t bytes(int64_t block) const { return static_cast<size_t>(slots_ * slot_bytes(block)); }
  // Bytes moved in the time that the arithmetic of one element takes beyond moving it.
  int64_t extra_cost() const { return extra_cost_; }

  // Fills in the constants. `block` elements fit a slot from here on.
  void start(std::byte* memory, int64_t block, Values& values) const;
  // The slot that a gathered input is to be copied to, null for one that is read in place.
  std::byte* buffer_of(int input, const Values& values) const {
    const int slot = slot_[input_node_[input]];
    return slot < 0 ? nullptr : values.memory + slot * values.slot_bytes;
  }
  void set_input(int input, const void* elements, Values& values) const {
    values.at[input_node_[input]] = elements;
  }
  // Computes n elements; gives where they are, which is `target` if the result is direct.
  const std::byte* run(Values& values, std::byte* target, int64_t n) const;

 private:
  // What computes a node from which others.
  struct Step {
    ElementwiseRun run;  // null for a cast
    ConvertRun convert;
    uint8_t node, operands, operand[3];
    uint8_t widened[3];  // of halves, the casts that the operands are not read through
    uint8_t scalars;     // a bit for each operand that is one element
    uint8_t constants;   // and for those that are in `bits`
    uint64_t bits[3];
  };
  // How the operations of a step are computed: in `type`, which is that of their operands or, of
  // halves, that of the casts around them. `scalars` are the inputs that are one element.
  struct Operation {
    DType type;
    bool halves;
    uint32_t scalars;
  };

  void make_steps(uint32_t scalars);
  bool is_scalar(int at, const Operation& as) const;
  bool take_operand(int at, const Operation& as, int k, Step& step) const;
  bool one_step(int at, const Operation& as, Step& step) const;
  bool pair_step(int at, const Operation& as, const int* uses, Step& step, int& inner) const;

  int64_t slot_bytes(int64_t block) const { return (block * widest_ + 63) / 64 * 64; }

  const Expression* expression_ = nullptr;
  int steps_ = 0;
  int slots_ = 0;
  int64_t widest_ = 1;
  int64_t extra_cost_ = 0;
  uint8_t input_node_[kMaxExpressionInputs];
  int8_t slot_[kMaxExpressionNodes];  // -1: no slot
  Step step_[kMaxExpressionNodes];
};

}  // namespace bitmetal::cpu
