#include <cmath>
#include <limits>

#include "core/backend.h"
#include "ops/check.h"

namespace bitmetal {
namespace {

const char* name_of(Reduction op) {
  switch (op) {
    case Reduction::sum: return "sum";
    case Reduction::mean: return "mean";
    case Reduction::max: return "max";
    case Reduction::min: return "min";
    default: return "argmax";
  }
}

DType result_type(Reduction op, DType in) {
  switch (op) {
    case Reduction::sum: return is_floating(in) ? in : DType::i64;
    case Reduction::mean: return is_floating(in) ? in : DType::f32;
    case Reduction::argmax: return DType::i64;
    default: return in;
  }
}

// `a` as [outer, axis, inner], the reduced axes merged into the middle one. A view where the
// strides allow it, otherwise a copy with the reduced axes last.
Array as_outer_axis_inner(const Array& a, uint32_t reduced) {
  Dims lengths, strides;
  int kind_of_run[kMaxRank];  // 1 reduced, 0 kept
  for (int i = 0; i < a.rank(); ++i) {
    if (a.shape(i) == 1) continue;
    const int kind = reduced >> i & 1;
    if (!lengths.empty() && kind_of_run[lengths.size() - 1] == kind &&
        strides.back() == a.stride(i) * a.shape(i)) {
      lengths.back() *= a.shape(i);
      strides.back() = a.stride(i);
    } else {
      lengths.push_back(a.shape(i));
      strides.push_back(a.stride(i));
      kind_of_run[lengths.size() - 1] = kind;
    }
  }
  Dims shape{1, 1, 1}, steps{0, 0, 0};
  int slot = 0;  // 0 outer, 1 axis, 2 inner: each taken at most once, in this order
  bool fits = true;
  for (int i = 0; i < lengths.size() && fits; ++i) {
    const int wanted = kind_of_run[i] ? 1 : (slot == 0 ? 0 : 2);
    fits = wanted >= slot;
    if (!fits) break;
    shape[wanted] = lengths[i];
    steps[wanted] = strides[i];
    slot = wanted + 1;
  }
  if (fits) return a.with(shape, steps);

  Dims axes;
  int64_t outer = 1, axis = 1;
  for (int kind : {0, 1}) {
    for (int i = 0; i < a.rank(); ++i) {
      if (static_cast<int>(reduced >> i & 1) != kind) continue;
      axes.push_back(i);
      (kind ? axis : outer) *= a.shape(i);
    }
  }
  return reshape(copy(permute(a, axes)), {outer, axis, 1});
}

}  // namespace

Array reduce(Reduction op, const Array& a, const std::optional<Dims>& axes, bool keepdims,
             const OptionalArray& out) {
  const char* name = name_of(op);
  uint32_t reduced = 0;
  if (axes) {
    for (int64_t requested : *axes) {
      const int axis = normalize_axis(name, requested, a.rank());
      if (reduced >> axis & 1) fail<ValueError>(name, ": axis ", axis, " is named twice");
      reduced |= 1u << axis;
    }
  } else {
    reduced = (1u << a.rank()) - 1;
  }
  Dims shape;
  int64_t reduced_size = 1;
  for (int i = 0; i < a.rank(); ++i) {
    if (!(reduced >> i & 1)) {
      shape.push_back(a.shape(i));
    } else {
      reduced_size *= a.shape(i);
      if (keepdims) shape.push_back(1);
    }
  }
  if (op == Reduction::argmax && axes && axes->size() > 1) {
    fail<ValueError>("argmax: axis ", *axes, " names several axes, expected one or None");
  }
  Output output(name, out, shape, result_type(op, a.dtype()), a.device(), {&a});
  const Array& target = output.target();
  if (target.size() == 0) return output.finish();
  Backend& backend = a.device().backend();
  if (reduced_size == 0) {
    if (op != Reduction::sum && op != Reduction::mean) {
      fail<ValueError>(name, ": a of shape ", a.shape(), " has nothing to reduce over");
    }
    backend.fill(target, op == Reduction::sum ? 0.0 : std::numeric_limits<double>::quiet_NaN());
    return output.finish();
  }
  // The flat index that argmax counts is that of the row-major order, so the axes are merged in
  // order.
  const Array view = as_outer_axis_inner(a, reduced);
  const Dims flat{view.shape(0), view.shape(2)};
  backend.reduce(op, view, target.with(flat, row_major_strides(flat)));
  return output.finish();
}

}  // namespace bitmetal
