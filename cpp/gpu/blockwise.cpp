#include "bitmetal/blockwise.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "gpu/backend.h"
#include "gpu/few_tiles.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// Up to this batch the mat-vec kernels, which decode the weight once, are the faster ones.
constexpr int64_t kMatvecBatch = 8, kFewBatch = 2;

// The loader's part of the kernels' names and of their file's (metal/blockwise_formats.h).
std::string loader_of(const BlockwiseArray& q) {
  switch (q.format) {
    case BlockFormat::nf4:
    case BlockFormat::fp4: return "book4";
    case BlockFormat::int8: return "book8";
    case BlockFormat::affine: return cat("affine", q.bits);
    default: return std::string(name_of(q.format));
  }
}

uint32_t shift_of(int64_t size) {
  const auto n = static_cast<uint64_t>(size);
  return std::has_single_bit(n) ? static_cast<uint32_t>(std::countr_zero(n)) : 32;
}

// Block sizes beyond the array are all one; those of most formats end at 4096.
uint32_t block_size_of(const BlockwiseArray& q, int64_t columns) {
  const int64_t size = std::min(q.block_size, std::max<int64_t>(q.size(), 4096));
  if (size + columns > std::numeric_limits<uint32_t>::max()) {
    fail<CapabilityError>("blockwise: the block size is ", size, ", '", q.device().kind(),
                          "' takes less than 2^32");
  }
  return static_cast<uint32_t>(size);
}

kernels::BlockwiseParams params_of(const BlockwiseArray& q, int64_t rows, int64_t columns) {
  const uint32_t size = block_size_of(q, columns);
  kernels::BlockwiseParams p{};
  p.rows = static_cast<uint32_t>(rows);
  p.columns = static_cast<uint32_t>(columns);
  p.block_size = size;
  p.block_shift = shift_of(size);
  if (q.nested) {
    p.nested_block = block_size_of(*q.nested, 0);
    p.nested_shift = shift_of(p.nested_block);
    p.nested_offset = q.offset;
  }
  p.x_row_stride = columns;
  return p;
}

// Whether eight columns, from a multiple of eight on, are one load and have one scale.
bool whole_runs(const BlockwiseArray& q, int64_t columns) {
  return columns % 8 == 0 && q.block_size % 8 == 0 &&
         aligned_to(q.codes, q.format == BlockFormat::int8 ? 8 : 4);
}

FunctionConstants constants_of(const BlockwiseArray& q, int64_t columns) {
  const DType scales = q.scales.dtype();
  return {{kernels::kFcWholeRuns, whole_runs(q, columns)},
          {kernels::kFcNestedScales, q.nested != nullptr},
          {kernels::kFcPowerBlocks, shift_of(block_size_of(q, columns)) < 32 &&
                                        (!q.nested || shift_of(block_size_of(*q.nested, 0)) < 32)},
          {kernels::kFcWholeBlocks, columns % q.block_size == 0},
          {kernels::kFcHalfScales, scales == DType::f16},
          {kernels::kFcBfloatScales, scales == DType::bf16}};
}

// What the kernels read of `q`.
Argument scales_of(const BlockwiseArray& q) {
  return Argument::in(q.nested ? q.nested->codes : q.scales);
}
Argument book_or_offsets_of(const BlockwiseArray& q) {
  return Argument::in(q.biases ? *q.biases : *q.book);
}
Argument nested_absmax_of(const BlockwiseArray& q) {
  return q.nested ? Argument::in(q.nested->scales) : Argument::none();
}
Argument nested_book_of(const BlockwiseArray& q) {
  return q.nested ? Argument::in(*q.nested->book) : Argument::none();
}

// How simdgroups share the work of a mat-vec: a team takes four rows, 256 columns at a time for
// each of its members. Members are added only where there are too few rows to fill a large GPU.
struct Teams {
  static constexpr int64_t kRows = 4, kColumns = 256, kWanted = 4096;
  int64_t team, count;  // of a threadgroup

  Teams(int64_t rows, int64_t columns) {
    const auto bounded = [](int64_t n) {
      return static_cast<int64_t>(
          std::bit_ceil(static_cast<uint64_t>(std::clamp<int64_t>(n, 1, 8))));
    };
    const int64_t teams = ceil_div(rows, kRows);
    team = bounded(std::min(ceil_div(kWanted, teams), ceil_div(columns, kColumns)));
    count = std::min(8 / team, bounded(teams));
  }
};

}  // namespace

void GpuBackend::blockwise_quantize(const Array& x, const BlockwiseArray& q) {
  constexpr int64_t kSimdgroups = kernels::kReduceThreads / kernels::kSimdWidth;
  constexpr int64_t kEach = kernels::kQuantizeEach, kSpan = kEach * kernels::kSimdWidth;
  const auto size = static_cast<int64_t>(block_size_of(q, 0));
  const kernels::BlockwiseQuantizeParams params{
      static_cast<uint64_t>(x.size()), static_cast<uint32_t>(size),
      shift_of(std::clamp<int64_t>(size / kEach, 1, kernels::kSimdWidth))};
  const FunctionConstants constants = {{kernels::kFcVectorX, aligned_for_vectors(x, 0)}};
  const std::string suffix = suffix_of(x.dtype());
  if (q.format == BlockFormat::affine) {
    run("affine_quantize", cat("affine_quantize_", q.bits, "_", suffix), constants,
        {Argument::in(x), Argument::out(q.codes), Argument::out(q.scales), Argument::out(*q.biases),
         Argument::constant(params)},
        Grid::of_groups(ceil_div(x.size(), 8 * kernels::kReduceThreads), 1, 1,
                        kernels::kReduceThreads));
    return;
  }
  const bool spans = size % kSpan == 0 || (size >= kEach && size < kSpan && shift_of(size) < 32);
  const int64_t simdgroups = ceil_div(x.size(), spans ? std::max(size, kSpan) : size);
  // Enough for a large GPU; each makes its own tables of the book.
  constexpr int64_t kMostGroups = 2640;
  run("blockwise_quantize", cat("blockwise_quantize_", spans ? loader_of(q) : "any", "_", suffix),
      constants,
      {Argument::in(x), Argument::in(*q.book), Argument::out(q.codes), Argument::out(q.scales),
       Argument::constant(params)},
      Grid::of_groups(std::min(ceil_div(simdgroups, kSimdgroups), kMostGroups), 1, 1,
                      kernels::kReduceThreads));
}

void GpuBackend::blockwise_dequantize(const BlockwiseArray& q, const Array& out) {
  // The flattened array in rows that whole blocks of the formats with whole blocks fill.
  constexpr int64_t kColumns = 8192, kThreads = kColumns / 8 / kernels::kDequantizeRuns;
  const auto count = static_cast<uint64_t>(q.size());
  const int64_t rows = ceil_div(q.size(), kColumns);
  const kernels::BlockwiseParams params = params_of(q, rows, kColumns);
  FunctionConstants constants = constants_of(q, q.size() % 8 == 0 ? kColumns : 1);
  constants.emplace_back(kernels::kFcVectorA, aligned_for_vectors(out, 0));
  const std::string loader = loader_of(q);
  run(cat("blockwise_", loader), cat("blockwise_dequantize_", loader, "_", suffix_of(out.dtype())),
      constants,
      {Argument::in(q.codes), scales_of(q), book_or_offsets_of(q), nested_absmax_of(q),
       nested_book_of(q), Argument::out(out), Argument::constant(params),
       Argument::constant(count)},
      Grid::of_groups(rows, 1, 1, kThreads));
}

void GpuBackend::blockwise_matmul(const Array& x, const BlockwiseArray& q, const Array* bias,
                                  const Array& out) {
  const int64_t batch = x.shape(0), columns = x.shape(1), rows = out.shape(1);
  kernels::BlockwiseParams params = params_of(q, rows, columns);
  params.batch = static_cast<uint32_t>(batch);
  FunctionConstants constants = constants_of(q, columns);
  constants.emplace_back(kernels::kFcHasBias, bias != nullptr);
  constants.emplace_back(kernels::kFcVectorX, aligned_for_vectors(x, columns));
  constants.emplace_back(kernels::kFcVectorA, aligned_for_eights(x, columns));
  const std::string loader = loader_of(q), suffix = cat(loader, "_", suffix_of(x.dtype()));
  const auto launch = [&](const std::string& kernel, const Grid& grid) {
    run(cat("blockwise_", loader), kernel, constants,
        {Argument::in(x), Argument::in(q.codes), scales_of(q), book_or_offsets_of(q),
         Argument::out(out), bias ? Argument::in(*bias) : Argument::none(), nested_absmax_of(q),
         nested_book_of(q), Argument::constant(params)},
        grid);
  };
  // A table of all bytes pays where there is memory for several of them beside each other, and
  // enough rows for all of them.
  constexpr int64_t kLeastRows = 1 << 14;
  const bool pairs = batch == 1 && capabilities_.large_tiles && rows >= kLeastRows &&
                     loader == "book4" && !q.nested && columns % q.block_size == 0 &&
                     rows % kernels::kPairRows == 0 && aligned_to(q.codes, 8) &&
                     aligned_for_eights(x, 8);
  const bool of_float = x.dtype() != DType::f16 || q.format == BlockFormat::mxfp4;  // as RunElement
  // Where matrix instructions are much faster than others, they pay from three rows on.
  if (capabilities_.large_tiles && !of_float && batch > kFewBatch &&
      batch <= kernels::kMatmulTile) {
    const FewTiles few(batch);
    launch(cat("blockwise_matmul_", few.name, "_", suffix), few.grid(batch, rows));
    return;
  }
  if (pairs) {
    constexpr int64_t kRows = kernels::kPairRows * (kernels::kMatvecThreads / kernels::kSimdWidth);
    launch(cat("blockwise_matvec_pairs_", suffix),
           Grid::of_groups(ceil_div(rows, kRows), 1, 1, kernels::kMatvecThreads));
    return;
  }
  if (batch <= kMatvecBatch) {
    const Teams teams(rows, columns);
    params.team = static_cast<uint32_t>(teams.team);
    launch(cat("blockwise_matvec_", suffix, "_b", std::bit_ceil(static_cast<uint32_t>(batch))),
           Grid::of_groups(ceil_div(rows, Teams::kRows * teams.count), 1, 1,
                           teams.count * teams.team * kernels::kSimdWidth));
    return;
  }
  const bool plain = !capabilities_.multiplies_matrices(of_float);
  const int64_t tile = kernels::kMatmulTile;
  launch(cat(plain ? "blockwise_matmul_plain_" : "blockwise_matmul_", suffix),
         Grid::of_groups(ceil_div(rows, tile), ceil_div(batch, tile), 1,
                         plain ? kernels::kMatmulPlainThreads : kernels::kMatmulThreads));
}

}  // namespace bitmetal::gpu
