#include <cmath>
#include <limits>

#include "core/backend.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {

const char* name_of(Reduction op) {
  switch (op) {
    case Reduction::sum: return "sum";
    case Reduction::prod: return "prod";
    case Reduction::mean: return "mean";
    case Reduction::max: return "max";
    case Reduction::min: return "min";
    case Reduction::argmax: return "argmax";
    case Reduction::argmin: return "argmin";
    case Reduction::var: return "var";
    case Reduction::std: return "std";
    case Reduction::logsumexp: return "logsumexp";
    case Reduction::all: return "all";
    case Reduction::any: return "any";
    case Reduction::count_nonzero: return "count_nonzero";
    default: return "norm";
  }
}

namespace {

bool gives_index(Reduction op) { return op == Reduction::argmax || op == Reduction::argmin; }

DType result_type(Reduction op, DType in) {
  switch (op) {
    case Reduction::sum:
    case Reduction::prod: return is_floating(in) ? in : DType::i64;
    case Reduction::max:
    case Reduction::min: return in;
    case Reduction::argmax:
    case Reduction::argmin:
    case Reduction::count_nonzero: return DType::i64;
    case Reduction::all:
    case Reduction::any: return DType::boolean;
    default: return is_floating(in) ? in : DType::f32;
  }
}

// The result over no elements; nothing where there is none.
std::optional<double> result_of_nothing(Reduction op) {
  switch (op) {
    case Reduction::prod:
    case Reduction::all: return 1;
    case Reduction::mean:
    case Reduction::var:
    case Reduction::std: return std::numeric_limits<double>::quiet_NaN();
    case Reduction::logsumexp: return -std::numeric_limits<double>::infinity();
    case Reduction::max:
    case Reduction::min:
    case Reduction::argmax:
    case Reduction::argmin: return std::nullopt;
    default: return 0;
  }
}

// Dimensions, those merged that lie one after another.
struct Runs {
  Dims size, stride;
  void append(int64_t length, int64_t step) {
    if (length == 1) return;
    if (!size.empty() && stride.back() == step * length) {
      size.back() *= length;
      stride.back() = step;
    } else {
      size.push_back(length);
      stride.push_back(step);
    }
  }
};

// `a` as [outer, axis, inner], the reduced axes merged into the middle one. A view where the
// strides allow it, otherwise a copy with the reduced axes last. The elements along the axis keep
// their row-major order where `in_order`.
Array as_outer_axis_inner(const Array& a, uint32_t reduced, bool in_order) {
  Dims kept_axes, reduced_axes;
  for (int i = 0; i < a.rank(); ++i) (reduced >> i & 1 ? reduced_axes : kept_axes).push_back(i);

  Runs kept, line;
  int64_t start = 0;
  for (int64_t i : kept_axes) kept.append(a.shape(i), a.stride(i));
  if (in_order) {
    for (int64_t i : reduced_axes) line.append(a.shape(i), a.stride(i));
  } else {
    Dims order = reduced_axes;
    const auto step = [&](int64_t i) { return std::abs(a.stride(i)); };
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t x, int64_t y) { return step(x) > step(y); });
    for (int64_t i : order) {
      if (a.stride(i) < 0) start += (a.shape(i) - 1) * a.stride(i);
      line.append(a.shape(i), step(i));
    }
  }
  if (line.size.size() <= 1 && kept.size.size() <= 2) {
    Dims shape{1, 1, 1}, strides{0, 0, 0};
    const auto set = [&](int slot, const Runs& runs, int i) {
      shape[slot] = runs.size[i];
      strides[slot] = runs.stride[i];
    };
    if (!line.size.empty()) set(1, line, 0);
    if (kept.size.size() == 2) {
      set(0, kept, 0);
      set(2, kept, 1);
    } else if (!kept.size.empty()) {
      // Lines that lie side by side are best read across.
      set(std::abs(kept.stride[0]) < std::abs(strides[1]) ? 2 : 0, kept, 0);
    }
    return a.with(shape, strides, start);
  }

  Dims axes = kept_axes;
  int64_t outer = 1, axis = 1;
  for (int64_t i : kept_axes) outer *= a.shape(i);
  for (int64_t i : reduced_axes) {
    axes.push_back(i);
    axis *= a.shape(i);
  }
  return reshape(copy(permute(a, axes)), {outer, axis, 1});
}

}  // namespace

Array reduce(Reduction op, const Array& a, const std::optional<Dims>& axes, bool keepdims,
             const OptionalArray& out, double ddof) {
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
  if (gives_index(op) && axes && axes->size() != 1) {
    fail<ValueError>(name, ": axis ", *axes, " names ", axes->empty() ? "no" : "several",
                     " axes, expected one or None");
  }
  Output output(name, out, shape, result_type(op, a.dtype()), a.device(), {&a});
  const Array& target = output.target();
  const auto nothing = result_of_nothing(op);
  if (reduced_size == 0 && !nothing && (target.size() > 0 || gives_index(op))) {
    fail<ValueError>(name, ": a of shape ", a.shape(), " has nothing to reduce over");
  }
  if (target.size() == 0) return output.finish();
  if (reduced_size == 0) {
    perform<&Backend::fill>(a.device(), target, *nothing);
    return output.finish();
  }
  // The flat index that argmax counts is that of the row-major order.
  const Array view = as_outer_axis_inner(a, reduced, gives_index(op));
  const Dims flat{view.shape(0), view.shape(2)};
  perform<&Backend::reduce>(a.device(), op, view, ddof, target.with(flat, row_major_strides(flat)));
  return output.finish();
}

}  // namespace bitmetal
