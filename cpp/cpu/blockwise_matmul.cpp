// Products with blockwise weights: strips of decoded weights for the dense engine's tiles.
#include <algorithm>
#include <cstring>

#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/blockwise.h"
#include "cpu/isa/kernels.h"
#include "cpu/scratch.h"
#include "cpu/transpose.h"

namespace bitmetal::cpu {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// A strip of weights of this depth, and as much of a tile's activations, share L1.
constexpr int64_t kDepth = 256;
constexpr int kWidestStrip = 32;
// Activation rows at a time, whose sums stay in L2: each decodes the weights again.
constexpr int64_t kBatchStep = 1024;

template <class T>
class Product {
 public:
  Product(const Array& x, const BlockwiseArray& q, const Array* bias, const Array& out)
      : x_(x.data_as<T>()),
        q_(q),
        scales_(q),
        decode_(kernels().blockwise.f32.decode[static_cast<int>(loader_of(q))]),
        tile_(kernels().gemm.f32),
        bias_(bias ? bias->data_as<float>() : nullptr),
        out_(out.data_as<T>()),
        m_(x.shape(0)),
        n_(q.shape[0]),
        k_(q.shape[1]) {}

  void run() const {
    for (int64_t first = 0; first < m_; first += kBatchStep) {
      rows(first, std::min(kBatchStep, m_ - first));
    }
  }

 private:
  void rows(int64_t first, int64_t count) const {
    const float* a = pack(x_ + first * k_, count);
    const int64_t width = tile_.columns;
    parallel_for(ceil_div(n_, width), 1, [&](int64_t begin, int64_t end) {
      const int64_t height = ceil_div(count, tile_.rows) * tile_.rows;
      const int64_t blocks = (kDepth + 16) / q_.block_size + 2;
      const int64_t floats =
          height * width + 2 * width * kDepth + kDepth + 32 + scales_.buffer(blocks);
      auto* c = reinterpret_cast<float*>(
          scratch(Scratch::own, static_cast<size_t>(floats) * sizeof(float)));
      float* strip = c + height * width;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i * width, columns = std::min(width, n_ - row);
        for (int64_t k0 = 0; k0 < k_; k0 += kDepth) {
          const int64_t depth = std::min(kDepth, k_ - k0);
          decode_strip(row, columns, k0, depth, strip);
          for (int64_t r = 0; r < height; r += tile_.rows) {
            tile_.multiply(a + r * k_ + k0 * tile_.rows, strip, depth, c + r * width, width,
                           k0 > 0);
          }
        }
        const auto& finish = kernels().ternary.of(x_).finish;
        for (int64_t r = 0; r < count; ++r) {
          finish(c + r * width, columns, 1, bias_ ? bias_ + row : nullptr,
                 out_ + (first + r) * n_ + row);
        }
      }
    });
  }

  // Activations in strips as wide as a tile is high, padded with zeros.
  const float* pack(const T* x, int64_t count) const {
    const int64_t width = tile_.rows, strips = ceil_div(count, width);
    auto* packed = reinterpret_cast<float*>(
        scratch(Scratch::shared, static_cast<size_t>(strips * width * k_) * sizeof(float)));
    const ConvertRun widen = kernels().convert.of(dtype(), DType::f32);
    parallel_for(strips, 1, [&](int64_t begin, int64_t end) {
      alignas(64) float lines[kWidestStrip * kDepth];
      for (int64_t s = begin; s < end; ++s) {
        const int64_t here = std::min(width, count - s * width);
        float* to = packed + s * width * k_;
        if (here < width) std::fill(to, to + width * k_, 0.0f);
        for (int64_t k0 = 0; k0 < k_; k0 += kDepth) {
          const int64_t depth = std::min(kDepth, k_ - k0);
          for (int64_t i = 0; i < here; ++i) {
            widen(x + (s * width + i) * k_ + k0, lines + i * depth, depth);
          }
          transpose_block<uint32_t>(lines, depth, here, depth, to + k0 * width, width);
        }
      }
    });
    return packed;
  }

  // Weight rows [row, row + count), columns [k0, k0 + depth), side by side; zeros up to the width.
  void decode_strip(int64_t row, int64_t count, int64_t k0, int64_t depth, float* strip) const {
    const int64_t width = tile_.columns;
    float* lines = strip + width * kDepth;
    float* line = lines + width * kDepth;
    float* buffer = line + kDepth + 32;
    if (count < width) std::fill(strip, strip + width * depth, 0.0f);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t first = (row + i) * k_ + k0;
      const int64_t lead = q_.bits == 8 ? 0 : first % 16;
      float* to = lead ? line : lines + i * depth;
      decode_(scales_.run(first - lead, depth + lead, buffer), to, false);
      if (lead) std::copy_n(line + lead, depth, lines + i * depth);
    }
    transpose_block<uint32_t>(lines, depth, count, depth, strip, width);
  }

  static constexpr DType dtype() {
    return std::is_same_v<T, float>     ? DType::f32
           : std::is_same_v<T, float16> ? DType::f16
                                        : DType::bf16;
  }

  const T* x_;
  const BlockwiseArray& q_;
  const BlockScales scales_;
  void (*const decode_)(const BlockRun&, float*, bool);
  const TileKernel<float>& tile_;
  const float* bias_;
  T* out_;
  const int64_t m_, n_, k_;
};

}  // namespace

void CpuBackend::blockwise_matmul(const Array& x, const BlockwiseArray& q, const Array* bias,
                                  const Array& out) {
  visit_half_or_float(
      x.dtype(), [&](auto type) { Product<typename decltype(type)::type>(x, q, bias, out).run(); });
}

}  // namespace bitmetal::cpu
