#include "core/backend.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {

Array rms_norm(const Array& a, const OptionalArray& weight, float eps, const OptionalArray& out) {
  Device& device = common_device("rms_norm", {{"a", &a}, {"weight", weight ? &*weight : nullptr}});
  require_floating("rms_norm", "a", a);
  if (a.rank() == 0) fail<ValueError>("rms_norm: a has no dimensions, expected at least 1");
  const int64_t columns = a.shape(-1);
  OptionalArray factors;
  if (weight) {
    require_floating("rms_norm", "weight", *weight);
    require_shape("rms_norm", "weight", *weight, {columns});
    factors = contiguous(weight->dtype() == a.dtype() ? *weight : astype(*weight, a.dtype()));
  }
  Output output("rms_norm", out, a.shape(), a.dtype(), device, {&a, weight ? &*weight : nullptr});
  if (a.size() > 0) {
    const Dims rows{a.size() / columns, columns};
    perform<&Backend::rms_norm>(device, reshape(contiguous(a), rows), factors ? &*factors : nullptr,
                                eps, reshape(output.target(), rows));
  }
  return output.finish();
}

}  // namespace bitmetal
