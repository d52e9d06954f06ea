#include "core/backend.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {

Array softmax(const Array& a, int requested_axis, const OptionalArray& out) {
  require_floating("softmax", "a", a);
  const int axis = normalize_axis("softmax", requested_axis, a.rank());
  Output output("softmax", out, a.shape(), a.dtype(), a.device(), {&a});
  if (a.size() == 0) return output.finish();

  const bool last = axis == a.rank() - 1;
  if (!last && a.device().kind() == "cpu") {
    Dims view{1, a.shape(axis), 1};
    for (int i = 0; i < a.rank(); ++i) {
      if (i != axis) view[i < axis ? 0 : 2] *= a.shape(i);
    }
    perform<&Backend::softmax>(a.device(), reshape(contiguous(a), view),
                               reshape(output.target(), view));
    return output.finish();
  }
  Dims order;
  for (int i = 0; i < a.rank(); ++i) {
    if (i != axis) order.push_back(i);
  }
  order.push_back(axis);
  const Array in = contiguous(last ? a : permute(a, order));
  const Array result = last ? output.target() : Array(in.shape(), a.dtype(), a.device());
  const Dims rows{a.size() / a.shape(axis), a.shape(axis)};
  perform<&Backend::softmax>(a.device(), reshape(in, rows), reshape(result, rows));
  if (!last) perform<&Backend::copy>(a.device(), result, permute(output.target(), order));
  return output.finish();
}

}  // namespace bitmetal
