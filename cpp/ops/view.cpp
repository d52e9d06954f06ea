// Views: new shapes and strides over the same storage.
#include <optional>

#include "ops/check.h"

namespace bitmetal {
namespace {

Array reordered(const char* op, const Array& a, const Dims& axes) {
  if (axes.size() != a.rank()) {
    fail<ValueError>(op, ": axes ", axes, " does not name each of ", a.rank(), " dimensions once");
  }
  Dims shape, strides;
  uint32_t seen = 0;
  for (int64_t requested : axes) {
    const int axis = normalize_axis(op, requested, a.rank());
    if (seen >> axis & 1) fail<ValueError>(op, ": axes ", axes, " names axis ", axis, " twice");
    seen |= 1u << axis;
    shape.push_back(a.shape(axis));
    strides.push_back(a.stride(axis));
  }
  return a.with(shape, strides);
}

}  // namespace

Array permute(const Array& a, const Dims& axes) { return reordered("permute", a, axes); }
Array transpose(const Array& a, const Dims& axes) { return reordered("transpose", a, axes); }

Array transpose(const Array& a) {
  Dims axes;
  for (int i = a.rank() - 1; i >= 0; --i) axes.push_back(i);
  return transpose(a, axes);
}

namespace {

// Strides that show `a` with another shape, where they exist: runs of old axes that are contiguous
// among themselves are matched with runs of new axes of the same total length.
std::optional<Dims> reshaped_strides(const Array& a, const Dims& shape) {
  Dims lengths, steps;
  for (int i = 0; i < a.rank(); ++i) {
    if (a.shape(i) == 1) continue;
    if (!lengths.empty() && steps.back() == a.stride(i) * a.shape(i)) {
      lengths.back() *= a.shape(i);
      steps.back() = a.stride(i);
    } else {
      lengths.push_back(a.shape(i));
      steps.push_back(a.stride(i));
    }
  }
  Dims strides = shape;
  int run = lengths.size() - 1;
  int64_t taken = 1;  // of the current run, by the new axes behind this one
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 1) {
      strides[i] = 1;
      continue;
    }
    if (run >= 0 && taken == lengths[run]) {
      --run;
      taken = 1;
    }
    if (run < 0 || lengths[run] % (taken * shape[i]) != 0) return std::nullopt;
    strides[i] = steps[run] * taken;
    taken *= shape[i];
  }
  return strides;
}

}  // namespace

Array reshape(const Array& a, const Dims& requested) {
  Dims shape = requested;
  int inferred = -1;
  int64_t known = 1;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1 && inferred < 0) {
      inferred = i;
    } else if (shape[i] < 0) {
      fail<ValueError>("reshape: shape ", requested, " has ",
                       shape[i] == -1 ? "more than one -1" : "a negative size");
    } else if (__builtin_mul_overflow(known, shape[i], &known)) {
      fail<ValueError>("reshape: shape ", requested, " is too large");
    }
  }
  if (inferred >= 0 && known > 0 && a.size() % known == 0) shape[inferred] = a.size() / known;
  int64_t total = known;
  if (inferred >= 0) total = shape[inferred] < 0 ? -1 : known * shape[inferred];
  if (total != a.size()) {
    fail<ValueError>("reshape: ", a.size(), " elements of shape ", a.shape(),
                     " do not fit the shape ", requested);
  }
  if (a.size() == 0 || a.row_major()) return a.with(shape, row_major_strides(shape));
  if (auto strides = reshaped_strides(a, shape)) return a.with(shape, *strides);
  return copy(a).with(shape, row_major_strides(shape));
}

Array broadcast_to(const Array& a, const Dims& shape) {
  const int added = shape.size() - a.rank();
  Dims strides = shape;
  for (int i = 0; i < shape.size(); ++i) {
    const int axis = i - added;
    if (axis < 0 || (a.shape(axis) == 1 && shape[i] != 1)) {
      strides[i] = 0;
    } else if (a.shape(axis) == shape[i]) {
      strides[i] = a.stride(axis);
    } else {
      fail<ValueError>("broadcast_to: shape ", a.shape(), " does not broadcast to ", shape);
    }
  }
  if (added < 0) {
    fail<ValueError>("broadcast_to: shape ", a.shape(), " has more dimensions than ", shape);
  }
  return a.with(shape, strides);
}

Array expand_dims(const Array& a, const Dims& axes) {
  const int rank = a.rank() + axes.size();
  uint32_t added = 0;
  for (int64_t requested : axes) {
    const int axis = normalize_axis("expand_dims", requested, rank);
    if (added >> axis & 1) fail<ValueError>("expand_dims: axis ", axis, " is named twice");
    added |= 1u << axis;
  }
  Dims shape, strides;
  for (int i = 0, from = 0; i < rank; ++i) {
    const bool is_new = added >> i & 1;
    shape.push_back(is_new ? 1 : a.shape(from));
    strides.push_back(is_new ? 0 : a.stride(from++));
  }
  return a.with(shape, strides);
}

Array squeeze(const Array& a, const std::optional<Dims>& axes) {
  uint32_t dropped = 0;
  if (axes) {
    for (int64_t requested : *axes) {
      const int axis = normalize_axis("squeeze", requested, a.rank());
      if (a.shape(axis) != 1) {
        fail<ValueError>("squeeze: axis ", axis, " of shape ", a.shape(), " has size ",
                         a.shape(axis), ", expected 1");
      }
      dropped |= 1u << axis;
    }
  }
  Dims shape, strides;
  for (int i = 0; i < a.rank(); ++i) {
    if (axes ? dropped >> i & 1 : a.shape(i) == 1) continue;
    shape.push_back(a.shape(i));
    strides.push_back(a.stride(i));
  }
  return a.with(shape, strides);
}

}  // namespace bitmetal
