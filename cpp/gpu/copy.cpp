#include "core/walk.h"
#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// Whether every run of a walk over tiles begins where two elements are aligned as a vector.
bool aligned_runs(const Walk& walk, int along, const Array& from, int64_t start, const Array& to) {
  const int64_t pair = 2 * static_cast<int64_t>(size_of(to.dtype()));
  bool aligned = aligned_to(from, pair) && start % 2 == 0 && aligned_to(to, pair);
  for (int i = 0; i < walk.rank; ++i) {
    aligned &= i == along || walk.in_stride[i] % 2 == 0;
    aligned &= i == walk.rank - 1 || walk.out_stride[i] % 2 == 0;
  }
  return aligned;
}

// The dimension along which the input runs while the output runs along the last one, where tiles of
// the two are worth a threadgroup; else -1.
int tiled_along(const Walk& walk) {
  constexpr int64_t kLeastSide = 16;
  const int last = walk.rank - 1;
  if (walk.rank < 2 || walk.size[last] < kLeastSide) return -1;
  if (walk.out_stride[last] != 1 || walk.in_stride[last] == 1) return -1;
  for (int i = last - 1; i >= 0; --i) {
    if (walk.in_stride[i] == 1 && walk.size[i] >= kLeastSide) return i;
  }
  return -1;
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
  const int along = in.dtype() == out.dtype() ? tiled_along(walk) : -1;
  if (along >= 0) {
    const uint64_t tile = kernels::kCopyTile / (size_of(in.dtype()) == 8 ? 2 : 1);
    params.along = static_cast<uint32_t>(along);
    const uint64_t rows = params.shape[walk.rank - 1], columns = params.shape[along];
    return run("copy", cat("copy_tiles_", 8 * size_of(in.dtype())),
               {{kernels::kFcVectors, aligned_runs(walk, along, from, params.in_start, to)}},
               {Argument::in(from), Argument::out(to), Argument::constant(params)},
               Grid::of_groups(ceil_div(rows, tile) * ceil_div(columns, tile),
                               params.count / (rows * columns), 1, kernels::kCopyTileThreads));
  }
  run("copy",
      cat(flat ? "copy_flat_" : "copy_strided_", suffix_of(in.dtype()), "_",
          suffix_of(out.dtype())),
      {{kernels::kFcVectors, aligned_for_vectors(from, 0) && aligned_for_vectors(to, 0)}},
      {Argument::in(from), Argument::out(to), Argument::constant(params)},
      grid_of_elements(params.count, flat ? kFlatEach : 1));
}

}  // namespace bitmetal::gpu
