#include <algorithm>

#include "bitmetal/ternary.h"

#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// As many threads as keep the row, four fours each.
uint64_t threads_of(int64_t columns) {
  const auto simdgroups = static_cast<uint64_t>(
      ceil_div(columns, int64_t{4 * kernels::kHeldFours * kernels::kSimdWidth}));
  return std::clamp<uint64_t>(simdgroups * kernels::kSimdWidth, kernels::kSimdWidth,
                              kernels::kRowThreads);
}

}  // namespace

HeldRows::HeldRows(const Array& in, const Array& out, double eps,
                   std::initializer_list<const Array*> beside)
    : params{static_cast<uint64_t>(in.shape(0)),
             static_cast<uint64_t>(in.shape(1)),
             in.stride(0),
             out.stride(0),
             static_cast<float>(eps),
             0},
      grid(Grid::of_groups(params.rows, 1, 1, threads_of(in.shape(1)))) {
  bool vectors = params.columns % 4 == 0 && aligned_for_vectors(in, in.stride(0)) &&
                 aligned_for_vectors(out, out.stride(0));
  for (const Array* a : beside) vectors &= !a || aligned_for_vectors(*a, 0);
  const uint64_t kept = grid.threads.width * 4 * kernels::kHeldFours;
  constants = {{kernels::kFcVectors, vectors}, {kernels::kFcHeldRow, params.columns <= kept}};
}

}  // namespace bitmetal::gpu
