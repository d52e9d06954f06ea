#include "core/backend.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {

Array scan(Scan op, const Array& a, int requested_axis, const OptionalArray& out) {
  const char* name = op == Scan::sum ? "cumsum" : "cumprod";
  const int axis = normalize_axis(name, requested_axis, a.rank());
  Output output(name, out, a.shape(), is_floating(a.dtype()) ? a.dtype() : DType::i64, a.device(),
                {&a});
  if (a.size() == 0) return output.finish();
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < a.rank(); ++i) {
    if (i != axis) (i < axis ? outer : inner) *= a.shape(i);
  }
  const Dims shape{outer, a.shape(axis), inner};
  perform<&Backend::scan>(a.device(), op, reshape(contiguous(a), shape),
                          reshape(output.target(), shape));
  return output.finish();
}

}  // namespace bitmetal
