// Products with ternary weights: activations in floating point, or in int8 (BitLinear).
#include <bit>

#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// Up to this batch the mat-vec kernels, which read the weight once, are the faster ones.
constexpr int64_t kMatvecBatch = 8;

// One scale a row is applied to the finished sum; several go into the sum.
const char* grouping(const TernaryMatrix& w) { return w.groups() > 1 ? "_grouped_" : "_"; }

kernels::TernaryMatmulParams params_of(const TernaryMatrix& w, int64_t batch, int64_t columns) {
  return {static_cast<uint32_t>(w.rows),
          static_cast<uint32_t>(columns),
          static_cast<uint32_t>(batch),
          static_cast<uint32_t>(w.groups()),
          static_cast<uint32_t>(w.group_size),
          0,
          columns};
}

// Short rows leave simdgroups of a full threadgroup without work: one takes 128 columns at a time.
uint64_t matvec_threads(int64_t columns) {
  const int64_t simdgroups = std::clamp<int64_t>(ceil_div(columns, 128), 1, 8);
  return static_cast<uint64_t>(simdgroups) * kernels::kSimdWidth;
}

// The kernels of ternary_matrices.h, for devices whose matrix instructions are much faster than
// others, up to where tiles in threadgroup memory are as fast.
struct DecodedMatrices {
  // Tall ones load x for four times as many rows, where these are enough for a large GPU.
  static constexpr int64_t kTallRows = 1 << 15, kMostBatch = kernels::kMatmulTile;
  bool serve = false;
  bool tall = false;
  int64_t batch = 0;  // of a threadgroup

  DecodedMatrices(const Capabilities& c, DType dtype, const TernaryMatrix& w, int64_t rows_of_x) {
    if (!c.large_tiles || w.groups() != 1) return;
    const bool many = w.rows >= kTallRows;
    if (dtype == DType::f32) {  // a row of x is three columns of a matrix
      serve = tall = many && rows_of_x <= 2;
      batch = 2;
    } else {
      serve = rows_of_x <= kMostBatch;
      tall = many && rows_of_x <= 8;
      batch = rows_of_x <= 8 ? 8 : rows_of_x <= 16 ? 16 : 32;
    }
  }
  std::string name(DType dtype) const {
    return cat("ternary_matrices_", tall ? "tall_" : "", suffix_of(dtype), "_b", batch);
  }
  // Fewer simdgroups share a row's columns where there are threadgroups enough.
  Grid grid(const TernaryMatrix& w, int64_t rows_of_x) const {
    constexpr int64_t kManyGroups = 256, kColumns = 64;
    const int64_t groups = ceil_div(w.rows, kernels::kMatricesRows * (tall ? 4 : 1));
    const int64_t simdgroups =
        std::clamp<int64_t>(ceil_div(w.columns, kColumns), 1, groups > kManyGroups ? 4 : 8);
    return Grid::of_groups(groups, ceil_div(rows_of_x, batch), 1,
                           static_cast<uint64_t>(simdgroups) * kernels::kSimdWidth);
  }
};

}  // namespace

void GpuBackend::ternary_matmul(const Array& x, const TernaryMatrix& w, const Array& out) {
  const int64_t batch = x.shape(0);
  if (w.columns == 0) return fill(out, 0);
  const kernels::TernaryMatmulParams params = params_of(w, batch, w.columns);
  const bool vector = aligned_for_vectors(x, w.columns);
  const std::initializer_list<Argument> arguments = {Argument::in(x), Argument::in(w.codes),
                                                     Argument::in(w.scales), Argument::out(out),
                                                     Argument::constant(params)};
  const std::string suffix = cat(grouping(w), suffix_of(x.dtype()));
  const FunctionConstants constants = {{kernels::kFcVectorA, aligned_for_eights(x, w.columns)}};
  const DecodedMatrices matrices(capabilities_, x.dtype(), w, batch);
  if (matrices.serve) {
    run("ternary_matrices", matrices.name(x.dtype()), constants, arguments,
        matrices.grid(w, batch));
    return;
  }
  if (batch <= kMatvecBatch) {
    run("ternary_matvec",
        cat("ternary_matvec", suffix, "_b", std::bit_ceil(static_cast<uint32_t>(batch))),
        {{kernels::kFcVectorX, vector}}, arguments,
        Grid::of_groups(w.panels(), 1, 1, matvec_threads(w.columns)));
    return;
  }
  const bool plain = !capabilities_.multiplies_matrices(w.groups() > 1 || x.dtype() != DType::f16);
  if (capabilities_.large_tiles && w.groups() == 1 && x.dtype() == DType::f16) {
    constexpr int64_t kLarge = 2 * kernels::kMatmulTile;
    run("ternary_matmul", "ternary_matmul_large_f16", constants, arguments,
        Grid::of_groups(ceil_div(batch, kLarge), ceil_div(w.rows, kLarge), 1,
                        kernels::kMatmulThreads));
    return;
  }
  const int64_t tile = kernels::kMatmulTile;
  run("ternary_matmul", cat(plain ? "ternary_matmul_plain" : "ternary_matmul", suffix), constants,
      arguments,
      Grid::of_groups(ceil_div(w.rows, tile), ceil_div(batch, tile), 1,
                      plain ? kernels::kMatmulPlainThreads : kernels::kMatmulThreads));
}

void GpuBackend::bitlinear(const Array& x, const TernaryMatrix& w, const Array* bias,
                           const Array* norm_weight, float eps, const Array& out) {
  const int64_t batch = x.shape(0), padded = w.blocks() * kBlockColumns;
  const Array q({batch, padded}, DType::i8, x.device(), Memory::device);
  const Array factors({batch}, DType::f32, x.device(), Memory::device);
  const kernels::QuantizeActivationsParams quantize{static_cast<uint32_t>(batch),
                                                    static_cast<uint32_t>(w.columns),
                                                    static_cast<uint32_t>(padded), eps, w.columns};
  run("bitlinear", cat("bitlinear_quantize_", suffix_of(x.dtype())),
      {{kernels::kFcHasWeight, norm_weight != nullptr},
       {kernels::kFcNormalize, norm_weight != nullptr}},
      {Argument::in(x), norm_weight ? Argument::in(*norm_weight) : Argument::none(),
       Argument::out(q), Argument::out(factors), Argument::constant(quantize)},
      Grid::of_groups(batch, 1, 1, kernels::kReduceThreads));

  const kernels::TernaryMatmulParams params = params_of(w, batch, padded);
  const std::initializer_list<Argument> arguments = {Argument::in(q),
                                                     Argument::in(w.codes),
                                                     Argument::in(w.scales),
                                                     Argument::in(factors),
                                                     bias ? Argument::in(*bias) : Argument::none(),
                                                     Argument::out(out),
                                                     Argument::constant(params)};
  const FunctionConstants constants = {{kernels::kFcHasBias, bias != nullptr}};
  const std::string suffix = cat(grouping(w), suffix_of(x.dtype()));
  if (batch <= kMatvecBatch) {
    run("bitlinear",
        cat("bitlinear_matvec", suffix, "_b", std::bit_ceil(static_cast<uint32_t>(batch))),
        constants, arguments, Grid::of_groups(w.panels(), 1, 1, matvec_threads(padded)));
    return;
  }
  const bool plain = !capabilities_.multiplies_matrices(w.groups() > 1);
  const int64_t tile = kernels::kMatmulTile;
  run("bitlinear", cat(plain ? "bitlinear_matmul_plain" : "bitlinear_matmul", suffix), constants,
      arguments,
      Grid::of_groups(ceil_div(w.rows, tile), ceil_div(batch, tile), 1,
                      plain ? kernels::kMatmulPlainThreads : kernels::kMatmulThreads));
}

}  // namespace bitmetal::gpu
