// Operations that put pieces of arrays together.
#include <vector>

#include "bitmetal/promotion.h"
#include "core/backend.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {
namespace {

// Where to write: `out` itself, whatever its strides, unless an input overlaps it.
Array target_of(const char* op, const OptionalArray& out, const Dims& shape, DType dtype,
                Device& device, std::span<const Array> inputs) {
  if (!out) return Array(shape, dtype, device);
  require_output(op, *out, shape, dtype, device);
  for (const Array& input : inputs) {
    if (may_overlap(input, *out)) return Array(shape, dtype, device);
  }
  return *out;
}

Array finish(const Array& target, const OptionalArray& out) {
  if (!out || out->data() == target.data()) return target;
  if (target.size() > 0) perform<&Backend::copy>(target.device(), target, *out);
  return *out;
}

Array join(const char* op, std::span<const Array> arrays, int64_t requested,
           const OptionalArray& out) {
  if (arrays.empty()) fail<ValueError>(op, ": no arrays given, expected at least one");
  const Array& first = arrays[0];
  if (first.rank() == 0) fail<ValueError>(op, ": arrays have no dimensions, expected at least 1");
  const int axis = normalize_axis(op, requested, first.rank());
  Dims shape = first.shape();
  shape[axis] = 0;
  DType dtype = first.dtype();
  for (const Array& array : arrays) {
    Dims expected = first.shape();
    if (array.rank() == first.rank()) expected[axis] = array.shape(axis);
    if (array.shape() != expected) {
      fail<ValueError>(op, ": shapes ", first.shape(), " and ", array.shape(),
                       " differ beside axis ", axis);
    }
    shape[axis] += array.shape(axis);
    dtype = promote(dtype, array.dtype());
  }
  const Array target = target_of(op, out, shape, dtype, common_device(op, arrays), arrays);
  int64_t at = 0;
  for (const Array& array : arrays) {
    const Array part = target.with(array.shape(), target.strides(), at * target.stride(axis));
    if (array.size() > 0) perform<&Backend::copy>(target.device(), array, part);
    at += array.shape(axis);
  }
  return finish(target, out);
}

}  // namespace

Array concatenate(std::span<const Array> arrays, int64_t axis, const OptionalArray& out) {
  return join("concatenate", arrays, axis, out);
}

Array stack(std::span<const Array> arrays, int64_t axis, const OptionalArray& out) {
  if (arrays.empty()) fail<ValueError>("stack: no arrays given, expected at least one");
  const int at = normalize_axis("stack", axis, arrays[0].rank() + 1);
  std::vector<Array> expanded;
  for (const Array& array : arrays) {
    if (array.shape() != arrays[0].shape()) {
      fail<ValueError>("stack: shapes ", arrays[0].shape(), " and ", array.shape(), " differ");
    }
    expanded.push_back(expand_dims(array, {at}));
  }
  return join("stack", expanded, at, out);
}

Array take(const Array& a, const Array& indices, int64_t requested, const OptionalArray& out) {
  if (indices.dtype() != DType::i64 && indices.dtype() != DType::i32) {
    fail<TypeError>("take: indices are ", name_of(indices.dtype()), ", expected int64 or int32");
  }
  Device& device = common_device("take", {{"a", &a}, {"indices", &indices}});
  const int axis = normalize_axis("take", requested, a.rank());
  Dims shape;
  for (int i = 0; i < axis; ++i) shape.push_back(a.shape(i));
  for (int64_t length : indices.shape()) shape.push_back(length);
  for (int i = axis + 1; i < a.rank(); ++i) shape.push_back(a.shape(i));

  const int64_t n = a.shape(axis), m = indices.size();
  const Array given =
      on_host(contiguous(indices.dtype() == DType::i64 ? indices : astype(indices, DType::i64)));
  const int64_t* values = read_on_host<int64_t>(given);
  int64_t signs = 0;  // negative where an index is, or is n or more; without a branch for each
  for (int64_t i = 0; i < m; ++i) signs |= values[i] | (n - 1 - (values[i] & INT64_MAX));
  Array positions = given;
  if (signs < 0) {
    for (int64_t i = 0; i < m; ++i) {
      if (values[i] < -n || values[i] >= n) {
        fail<IndexError>("take: index ", values[i], " is out of range for axis ", axis, " of size ",
                         n);
      }
    }
    positions = Array({m}, DType::i64, host_side(device));
    int64_t* counted = write_on_host<int64_t>(positions);
    for (int64_t i = 0; i < m; ++i) counted[i] = values[i] < 0 ? values[i] + n : values[i];
  }
  Output output("take", out, shape, a.dtype(), device, {&a, &indices});
  const Array& target = output.target();
  if (target.size() > 0) {
    const Array in = contiguous(a);
    int64_t outer = 1, inner = 1;
    for (int i = 0; i < axis; ++i) outer *= a.shape(i);
    for (int i = axis + 1; i < a.rank(); ++i) inner *= a.shape(i);
    perform<&Backend::take>(device, reshape(in, {outer, n, inner}),
                            reshape(to_device(positions, device), {m}),
                            reshape(target, {outer, m, inner}));
  }
  return output.finish();
}

}  // namespace bitmetal
