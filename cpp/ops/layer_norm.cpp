#include "core/backend.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {

Array layer_norm(const Array& a, const OptionalArray& weight, const OptionalArray& bias, double eps,
                 const OptionalArray& out) {
  const Array* given[] = {weight ? &*weight : nullptr, bias ? &*bias : nullptr};
  Device& device =
      common_device("layer_norm", {{"a", &a}, {"weight", given[0]}, {"bias", given[1]}});
  require_floating("layer_norm", "a", a);
  if (a.rank() == 0) fail<ValueError>("layer_norm: a has no dimensions, expected at least 1");
  const int64_t columns = a.shape(-1);
  OptionalArray vectors[2];
  for (int i = 0; i < 2; ++i) {
    if (!given[i]) continue;
    const char* name = i ? "bias" : "weight";
    require_floating("layer_norm", name, *given[i]);
    require_shape("layer_norm", name, *given[i], {columns});
    vectors[i] =
        contiguous(given[i]->dtype() == a.dtype() ? *given[i] : astype(*given[i], a.dtype()));
  }
  Output output("layer_norm", out, a.shape(), a.dtype(), device, {&a, given[0], given[1]});
  if (a.size() > 0) {
    const Dims rows{a.size() / columns, columns};
    perform<&Backend::layer_norm>(
        device, reshape(contiguous(a), rows), vectors[0] ? &*vectors[0] : nullptr,
        vectors[1] ? &*vectors[1] : nullptr, eps, reshape(output.target(), rows));
  }
  return output.finish();
}

}  // namespace bitmetal
