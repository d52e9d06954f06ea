#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// Threadgroups that keep a large GPU busy; a thread a line where there are as many lines.
constexpr int64_t kManyGroups = 256, kManyLines = 4096;

}  // namespace

void GpuBackend::scan(Scan op, const Array& given, const Array& out) {
  // Kernels exist for the types of results.
  const Array in = given.dtype() == out.dtype() ? given : astype(given, out.dtype());
  const int64_t outer = in.shape(0), n = in.shape(1), inner = in.shape(2);
  if (inner > 1 && outer * inner < kManyLines) {  // long lines, brought together for scan_rows
    const Dims turned{0, 2, 1};
    const Array lines = bitmetal::copy(permute(in, turned));
    const Array scanned(lines.shape(), out.dtype(), out.device(), Memory::device);
    const Dims rows{outer * inner, n, 1};
    scan(op, reshape(lines, rows), reshape(scanned, rows));
    return copy(permute(scanned, turned), out);
  }
  const std::string suffix = cat(op == Scan::sum ? "_sum_" : "_prod_", suffix_of(out.dtype()));
  kernels::ScanParams params{static_cast<uint64_t>(outer), static_cast<uint64_t>(n),
                             static_cast<uint64_t>(inner), static_cast<uint64_t>(n)};
  if (inner > 1) {
    return run("scan", "scan_columns" + suffix, {},
               {Argument::in(in), Argument::out(out), Argument::constant(params)},
               grid_of_elements(outer * inner));
  }

  // A block of a line a threadgroup, so that few lines keep the GPU busy, too.
  const int64_t tiles = ceil_div(n, kernels::kScanTile);
  const int64_t wanted = std::min(tiles, ceil_div(kManyGroups, outer));
  params.block = static_cast<uint64_t>(ceil_div(tiles, wanted)) * kernels::kScanTile;
  const int64_t blocks = ceil_div(n, static_cast<int64_t>(params.block));
  const Array starts({outer, blocks}, is_floating(out.dtype()) ? DType::f32 : DType::i64,
                     in.device(), Memory::device);
  const Grid grid = Grid::of_groups(blocks, outer, 1, kernels::kReduceThreads);
  if (blocks > 1) {
    run("scan", "scan_totals" + suffix, {},
        {Argument::in(in), Argument::out(starts), Argument::constant(params)}, grid);
    run("scan", cat("scan_starts", op == Scan::sum ? "_sum_" : "_prod_", suffix_of(starts.dtype())),
        {}, {Argument::in_out(starts), Argument::constant(params)}, grid_of_elements(outer));
  }
  run("scan", "scan_rows" + suffix, {{kernels::kFcHasStarts, blocks > 1}},
      {Argument::in(in), Argument::out(out), blocks > 1 ? Argument::in(starts) : Argument::none(),
       Argument::constant(params)},
      grid);
}

}  // namespace bitmetal::gpu
