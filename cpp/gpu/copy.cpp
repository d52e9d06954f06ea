#include "core/walk.h"
#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// `a` as all the bytes that it touches, seen from the lowest one on: what a kernel is bound to.
Array elements_from(const Array& a, int64_t lowest) {
  const auto [begin, end] = byte_range(a);
  const auto count = (end - begin) / static_cast<int64_t>(size_of(a.dtype()));
  return a.with({count}, {1}, lowest);
}

}  // namespace

void GpuBackend::copy(const Array& in, const Array& out) {
  const Walk walk(in, out);
  kernels::CopyParams params{};
  params.count = static_cast<uint64_t>(out.size());
  params.rank = static_cast<uint32_t>(walk.rank);
  for (int i = 0; i < walk.rank; ++i) {
    params.shape[i] = static_cast<uint64_t>(walk.size[i]);
    params.in_strides[i] = walk.in_stride[i];
    params.out_strides[i] = walk.out_stride[i];
  }
  const bool flat =
      walk.rank == 0 || (walk.rank == 1 && walk.in_stride[0] == 1 && walk.out_stride[0] == 1);
  // The walk writes forwards from where the output starts; it may read backwards.
  int64_t lowest = walk.in_offset;
  for (int i = 0; i < walk.rank; ++i) {
    lowest += std::min<int64_t>(0, (walk.size[i] - 1) * walk.in_stride[i]);
  }
  params.in_start = walk.in_offset - lowest;
  const Array from = elements_from(in, lowest);
  const Array to = elements_from(out, walk.out_offset);
  run("copy",
      cat(flat ? "copy_flat_" : "copy_strided_", suffix_of(in.dtype()), "_",
          suffix_of(out.dtype())),
      {}, {Argument::in(from), Argument::out(to), Argument::constant(params)},
      grid_of_elements(params.count));
}

}  // namespace bitmetal::gpu
