#include "core/walk.h"
#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

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
  // The elements that the walk starts at.
  const Array from = in.with(in.shape(), in.strides(), walk.in_offset);
  const Array to = out.with(out.shape(), out.strides(), walk.out_offset);
  run("copy",
      cat(flat ? "copy_flat_" : "copy_strided_", suffix_of(in.dtype()), "_",
          suffix_of(out.dtype())),
      {}, {Argument::in(from), Argument::out(to), Argument::constant(params)},
      grid_of_elements(params.count));
}

}  // namespace bitmetal::gpu
