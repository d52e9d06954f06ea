// The cpu device: native SIMD code, with the instruction set chosen when the process starts.
#pragma once

#include <memory>
#include <string>

#include "core/backend.h"

namespace bitmetal::cpu {

class CpuBackend final : public Backend {
 public:
  // The instruction set, the number of threads and the BLAS.
  std::string describe() const override;
  std::vector<std::pair<std::string, Capability>> list_capabilities() override;
  Block allocate(size_t bytes, Memory memory) override;
  void release(Block block) override;
  void copy(const Array& in, const Array& out) override;
  void fill(const Array& out, double value) override;
  void elementwise(const Expression& expression, std::span<const Array> inputs,
                   const Array& out) override;
  void take(const Array& in, const Array& indices, const Array& out) override;
  void matmul(const Array& a, const Array& b, const Array& out) override;
  void reduce(Reduction op, const Array& in, double ddof, const Array& out) override;
  void scan(Scan op, const Array& in, const Array& out) override;
  void softmax(const Array& in, const Array& out) override;
  void rms_norm(const Array& in, const Array* weight, float eps, const Array& out) override;
  void layer_norm(const Array& in, const Array* weight, const Array* bias, double eps,
                  const Array& out) override;
  bool ternary_quantize(const Array& weight, const TernaryMatrix& out) override;
  void ternary_pack(const Array& codes, const TernaryMatrix& out) override;
  void ternary_unpack(const TernaryMatrix& w, const Array& codes) override;
  void ternary_dequantize(const TernaryMatrix& w, const Array& out) override;
  void ternary_repack(const TernaryMatrix& w, const TernaryMatrix& out) override;
  void ternary_matmul(const Array& x, const TernaryMatrix& w, const Array& out) override;
  void bitlinear(const Array& x, const TernaryMatrix& w, const Array* bias,
                 const Array* norm_weight, float eps, const Array& out) override;
  void blockwise_quantize(const Array& x, const BlockwiseArray& q) override;
  void blockwise_dequantize(const BlockwiseArray& q, const Array& out) override;
  void blockwise_matmul(const Array& x, const BlockwiseArray& q, const Array* bias,
                        const Array& out) override;
  void int8_quantize_rows(const Array& x, float threshold, const Array& codes, const Array& absmax,
                          const Array* outliers) override;
  void int8_matmul(const Array& a, const Array& b, const Array& out) override;
  void int8_dequantize(const Array& sums, const Array& row_absmax, const Array& column_absmax,
                       const Array* bias, const Array& out) override;
  void cholesky(const Array& a, bool upper, const Array& out, const Array& info) override;
  void qr(const Array& a, const Array* q, const Array& r) override;
  void svd(const Array& a, const Array* u, const Array& s, const Array* vt,
           const Array& info) override;
  void eigh(const Array& a, bool upper, const Array& w, const Array* v, const Array& info) override;
  void solve_triangular(const Array& a, const Array& b, bool upper, bool transposed,
                        bool unit_diagonal, const Array& out, const Array& info) override;
  void solve(const Array& a, const Array& b, const Array& out, const Array& info) override;
  void pivots(const Array& a, const Array& out) override;
};

std::unique_ptr<Backend> make_backend();

}  // namespace bitmetal::cpu
