// What the ways of reducing share.
#pragma once

#include "bitmetal/ops.h"
#include "cpu/isa/kernels.h"

namespace bitmetal::cpu {

// Elements of the output, from the number that each is computed as.
class ResultWriter {
 public:
  explicit ResultWriter(const Array& out)
      : data_(out.data()),
        size_(static_cast<int64_t>(size_of(out.dtype()))),
        from_real_(kernels().convert.of(DType::f64, out.dtype())),
        from_integer_(kernels().convert.of(DType::i64, out.dtype())) {}

  std::byte* at(int64_t i) const { return data_ + i * size_; }
  void write(int64_t i, double value) const { from_real_(&value, at(i), 1); }
  void write(int64_t i, int64_t value) const { from_integer_(&value, at(i), 1); }
  // `count` neighbours.
  void write(int64_t i, const double* values, int64_t count) const {
    from_real_(values, at(i), count);
  }
  void write(int64_t i, const int64_t* values, int64_t count) const {
    from_integer_(values, at(i), count);
  }

 private:
  std::byte* const data_;
  const int64_t size_;
  const ConvertRun from_real_, from_integer_;
};

// The type that elements are converted to before they are reduced.
DType type_of_elements(Reduction op, DType in);

// A divisor of var: NumPy divides by 0 where ddof is the count or more.
inline double degrees_of_freedom(int64_t n, double ddof) {
  return std::max(static_cast<double>(n) - ddof, 0.0);
}

// Lines that lie side by side, `across` being the dimension that counts them, without moving them.
void reduce_columns(Reduction op, const Array& in, int across, double ddof, const Array& out);
bool has_columns(Reduction op, DType type);

}  // namespace bitmetal::cpu
