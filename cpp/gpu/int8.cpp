#include <bit>

#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

void GpuBackend::int8_quantize_rows(const Array& x, float threshold, const Array& codes,
                                    const Array& absmax, const Array* outliers) {
  const int64_t rows = x.shape(0), columns = x.shape(1);
  const kernels::Int8QuantizeParams params{static_cast<uint32_t>(rows),
                                           static_cast<uint32_t>(columns), threshold, 0};
  const std::string suffix = suffix_of(x.dtype());
  if (outliers) {
    run("int8", "int8_mark_outliers_" + suffix, {},
        {Argument::in(x), Argument::out(*outliers), Argument::constant(params)},
        Grid::of_groups(ceil_div(columns, kernels::kSimdWidth), 1, 1, kernels::kReduceThreads));
  }
  run("int8", "int8_quantize_rows_" + suffix, {{kernels::kFcHasOutliers, outliers != nullptr}},
      {Argument::in(x), outliers ? Argument::in(*outliers) : Argument::none(), Argument::out(codes),
       Argument::out(absmax), Argument::constant(params)},
      Grid::of_groups(rows, 1, 1, kernels::kReduceThreads));
}

void GpuBackend::int8_matmul(const Array& a, const Array& b, const Array& out) {
  const int64_t m = a.shape(0), n = b.shape(0), k = a.shape(1);
  const bool vector_a = aligned_for_vectors(a, k), vector_b = aligned_for_vectors(b, k);
  constexpr int64_t kMatvecBatch = 8;
  if (m <= kMatvecBatch) {
    const kernels::MatvecParams params{
        static_cast<uint32_t>(n), static_cast<uint32_t>(k), static_cast<uint32_t>(m), 0, k, k};
    run("int8", cat("int8_matvec_b", std::bit_ceil(static_cast<uint32_t>(m))),
        {{kernels::kFcVectorX, vector_a}, {kernels::kFcVectorB, vector_b}},
        {Argument::in(a), Argument::in(b), Argument::out(out), Argument::constant(params)},
        Grid::of_groups(ceil_div(n, 4), 1, 1, kernels::kMatvecThreads));
    return;
  }
  const kernels::MatmulParams params{static_cast<uint32_t>(m),
                                     static_cast<uint32_t>(n),
                                     static_cast<uint32_t>(k),
                                     0,
                                     k,
                                     1,
                                     0,
                                     k,
                                     1,
                                     0};
  const bool plain = !capabilities_.multiplies_matrices(false);
  const FunctionConstants constants = {{kernels::kFcVectorA, aligned_for_eights(a, k)},
                                       {kernels::kFcVectorB, aligned_for_eights(b, k)}};
  const int64_t tile = kernels::kMatmulTile;
  run("int8", plain ? "int8_matmul_plain" : "int8_matmul", constants,
      {Argument::in(a), Argument::in(b), Argument::out(out), Argument::constant(params)},
      Grid::of_groups(ceil_div(n, tile), ceil_div(m, tile), 1,
                      plain ? kernels::kMatmulPlainThreads : kernels::kMatmulThreads));
}

void GpuBackend::int8_dequantize(const Array& sums, const Array& row_absmax,
                                 const Array& column_absmax, const Array* bias, const Array& out) {
  const int64_t rows = sums.shape(0), columns = sums.shape(1);
  const kernels::RowParams params{
      static_cast<uint64_t>(rows), static_cast<uint64_t>(columns), columns, columns, 0, 0};
  constexpr int64_t kThreads = 256;
  run("int8", cat("int8_dequantize_", suffix_of(out.dtype())),
      {{kernels::kFcHasBias, bias != nullptr}},
      {Argument::in(sums), Argument::in(row_absmax), Argument::in(column_absmax),
       bias ? Argument::in(*bias) : Argument::none(), Argument::out(out),
       Argument::constant(params)},
      Grid::of_groups(ceil_div(columns, kThreads), rows, 1, kThreads));
}

}  // namespace bitmetal::gpu
