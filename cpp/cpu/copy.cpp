#include "cpu/backend.h"
#include "cpu/convert.h"

namespace bitmetal::cpu {
namespace {

template <class From, class To>
void copy_axis(const From* in, const Array& from, To* out, const Array& to, int axis) {
  if (axis == from.rank()) {
    *out = convert<To>(*in);
    return;
  }
  for (int64_t i = 0; i < from.shape(axis); ++i) {
    copy_axis(in + i * from.stride(axis), from, out + i * to.stride(axis), to, axis + 1);
  }
}

}  // namespace

void CpuBackend::copy(const Array& in, const Array& out) {
  visit(in.dtype(), [&](auto from) {
    visit(out.dtype(), [&](auto to) {
      using From = typename decltype(from)::type;
      using To = typename decltype(to)::type;
      copy_axis(in.data_as<From>(), in, out.data_as<To>(), out, 0);
    });
  });
}

}  // namespace bitmetal::cpu
