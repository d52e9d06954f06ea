#include "cpu/backend.h"
#include "cpu/convert.h"

namespace bitmetal::cpu {
namespace {

template <class T>
void fill_axis(T* out, const Array& to, int axis, T value) {
  if (axis == to.rank()) {
    *out = value;
    return;
  }
  for (int64_t i = 0; i < to.shape(axis); ++i) {
    fill_axis(out + i * to.stride(axis), to, axis + 1, value);
  }
}

}  // namespace

void CpuBackend::fill(const Array& out, double value) {
  visit(out.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    fill_axis(out.data_as<T>(), out, 0, convert<T>(value));
  });
}

}  // namespace bitmetal::cpu
