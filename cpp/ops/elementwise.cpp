#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "ops/check.h"
#include "ops/expression.h"
#include "ops/perform.h"

namespace bitmetal {
namespace {

Dims broadcast(const char* op, std::span<const Array> arrays) {
  Dims shape = arrays[0].shape();
  for (const Array& array : arrays.subspan(1)) {
    if (array.shape() == shape) continue;
    while (shape.size() < array.rank()) shape.insert(0, 1);
    for (int i = 1; i <= array.rank(); ++i) {
      int64_t& length = shape[shape.size() - i];
      const int64_t other = array.shape(array.rank() - i);
      if (length == 1) length = other;
      if (other != 1 && other != length) {
        fail<ValueError>(op, ": shapes ", arrays[0].shape(), " and ", array.shape(),
                         " do not broadcast");
      }
    }
  }
  return shape;
}

bool same_view(const Array& a, const Array& b) {
  if (a.data() != b.data() || size_of(a.dtype()) != size_of(b.dtype())) return false;
  for (int i = 0; i < a.rank(); ++i) {
    if (a.shape(i) > 1 && a.stride(i) != b.stride(i)) return false;
  }
  return true;
}

void check_out(const char* op, const Array& out, const Dims& shape, DType dtype,
               const Device& device) {
  require_output(op, out, shape, dtype, device);
  for (int i = 0; out.size() > 0 && i < out.rank(); ++i) {
    if (out.shape(i) > 1 && out.stride(i) == 0) {
      fail<ValueError>(op, ": out has elements that share memory");
    }
  }
}

// An expression that reads operands as its inputs, in their order.
struct Traced {
  ExpressionBuilder builder;
  std::vector<Array> arrays;

  ExpressionBuilder::Operand trace(const Operand& operand) {
    if (const auto* number = std::get_if<Number>(&operand)) return *number;
    arrays.push_back(std::get<Array>(operand));
    return builder.input(arrays.back().dtype());
  }
  // Stores in `out`'s type where it is of the same kind.
  Array run(const char* name, ExpressionBuilder::Value value, const OptionalArray& out) {
    const DType to = out ? out->dtype() : value.dtype;
    if (!castable(value.dtype, to)) {
      fail<TypeError>(name, ": the result is ", bitmetal::name_of(value.dtype), ", out is ",
                      bitmetal::name_of(to), ", which cannot hold it");
    }
    return evaluate(name, builder.finish(value, to), arrays, out);
  }
};

}  // namespace

Array evaluate(const char* name, const Expression& expression, std::span<const Array> inputs,
               const OptionalArray& out) {
  if (inputs.empty() || static_cast<int>(inputs.size()) != expression.inputs()) {
    fail<ValueError>(name, ": ", inputs.size(), " arrays for an expression of ",
                     expression.inputs());
  }
  Device& device = common_device(name, inputs);
  const Dims shape = broadcast(name, inputs);
  const DType dtype = expression.result().dtype;
  if (out) check_out(name, *out, shape, dtype, device);
  const Array target = out ? *out : Array(shape, dtype, device);
  if (target.size() == 0) return target;
  // What is read must not have been written before, unless element by element.
  const auto disturbed = [&](const Array& input, const Array& view) {
    return out && may_overlap(input, target) && !same_view(view, target);
  };
  const auto as_it_is = [&](const Array& input) {
    return input.shape() == shape && !disturbed(input, input);
  };
  if (std::all_of(inputs.begin(), inputs.end(), as_it_is)) {
    perform<&Backend::elementwise>(device, expression, inputs, target);
    return target;
  }
  std::vector<Array> views;
  views.reserve(inputs.size());
  for (const Array& input : inputs) {
    views.push_back(broadcast_to(input, shape));
    if (disturbed(input, views.back())) views.back() = broadcast_to(copy(input), shape);
  }
  perform<&Backend::elementwise>(device, expression, views, target);
  return target;
}

Array elementwise(Elementwise op, std::span<const Operand> operands, const OptionalArray& out) {
  Traced traced;
  traced.arrays.reserve(operands.size());
  ExpressionBuilder::Operand traces[3];
  for (size_t i = 0; i < operands.size(); ++i) traces[i] = traced.trace(operands[i]);
  const auto value = traced.builder.apply(op, {traces, operands.size()});
  return traced.run(name_of(op), value, out);
}

Array clip(const Operand& a, const std::optional<Operand>& low, const std::optional<Operand>& high,
           const OptionalArray& out) {
  if (!low && !high) fail<ValueError>("clip: neither a lower nor an upper bound is given");
  Traced traced;
  ExpressionBuilder::Operand value = traced.trace(a);
  for (const auto& [bound, op] :
       {std::pair{&low, Elementwise::maximum}, {&high, Elementwise::minimum}}) {
    if (*bound) value = traced.builder.apply(op, std::array{value, traced.trace(**bound)});
  }
  return traced.run("clip", std::get<ExpressionBuilder::Value>(value), out);
}

}  // namespace bitmetal
