// Products of blockwise weights and a few rows of float activations, summed in float32: weights are
// decoded in registers, 16 at a time. And strips of decoded weights for more rows.

#pragma once

#include "cpu/kernels/blockwise_nibbles.inl"

template <class Loader, int N>
inline void dot_blocks_by(const BlockRun& run, const float* x, int64_t stride, float* y) {
  constexpr int kSums = 4;  // to a row: additions wait for one another
  F32x16 sums[N][kSums];
  unroll<N * kSums>([&](auto i) BITMETAL_INLINE { sums[i / kSums][i % kSums] = broadcast(0); });
  const float* scale = run.scales;
  const float* bias = run.biases;
  const auto add_vector = [&](const Loader& loader, int64_t i, auto s) BITMETAL_INLINE {
    const F32x16 w = loader.factors(run.codes + (i + 16 * s) * Loader::kBits / 8);
    unroll<N>([&](auto n) BITMETAL_INLINE {
      sums[n][s] = mul_add(w, load(x + n * stride + i + 16 * s), sums[n][s]);
    });
  };
  int64_t i = 0;
  if (run.phase == 0 && (run.block_size == 16 || run.block_size == 32)) {  // several to all sums
    const int shift = run.block_size == 32;
    for (; i + 16 * kSums <= run.count; i += 16 * kSums) {
      unroll<kSums>([&](auto s) BITMETAL_INLINE {
        add_vector(Loader(scale[s >> shift], bias ? bias[s >> shift] : 0, run.book), i, s);
      });
      scale += kSums >> shift;
      if (bias) bias += kSums >> shift;
    }
  }
  int64_t end = i + run.block_size - run.phase;
  for (; i < run.count; end += run.block_size) {
    if (end > run.count) end = run.count;
    const Loader loader(*scale++, bias ? *bias++ : 0, run.book);
    for (; i + 16 * kSums <= end; i += 16 * kSums) {
      unroll<kSums>([&](auto s) BITMETAL_INLINE { add_vector(loader, i, s); });
    }
    const uint8_t* p = run.codes + i * Loader::kBits / 8;
    for (; i + 16 <= end; i += 16, p += 2 * Loader::kBits) {
      const F32x16 w = loader.factors(p);
      unroll<N>([&](auto n) BITMETAL_INLINE {
        sums[n][0] = mul_add(w, load(x + n * stride + i), sums[n][0]);
      });
    }
    if (i < end) {  // the next elements belong to another block, or to nobody
      uint8_t padded[16] = {};
      std::memcpy(padded, p, static_cast<size_t>(((end - i) * Loader::kBits + 7) / 8));
      const F32x16 w = loader.factors(padded);
      for (int n = 0; n < N; ++n) {
        sums[n][1] = mul_add(w, load_partial(x + n * stride + i, end - i), sums[n][1]);
      }
      i = end;
    }
  }
  for (int n = 0; n < N; ++n) {
    y[n] = add_lanes(add(add(sums[n][0], sums[n][1]), add(sums[n][2], sums[n][3])));
  }
}

template <class Loader>
void dot_blocks_of(const BlockRun& run, const float* x, int64_t stride, int count, float* y) {
  switch (count) {
    case 1: return dot_blocks_by<Loader, 1>(run, x, stride, y);
    case 2: return dot_blocks_by<Loader, 2>(run, x, stride, y);
    case 3: return dot_blocks_by<Loader, 3>(run, x, stride, y);
    default: return dot_blocks_by<Loader, 4>(run, x, stride, y);
  }
}

template <bool high_first>
void decode_words(const uint32_t* words, int64_t columns, int64_t width, int64_t block_size,
                  const float* scales, const float* biases, const float* book, float* strip) {
  const Table16 table(load(book));
  for (int64_t at = 0; at < width; at += 16) {
    for (int64_t k = 0; k < columns; k += 8) {
      const int64_t block = k / block_size * width + at;
      const I32x16 eight = load(reinterpret_cast<const int32_t*>(words + k / 8 * width + at));
      const F32x16 scale = load(scales + block);
      float* to = strip + k * width + at;
      if (biases) {
        const F32x16 bias = load(biases + block);
        unroll<8>([&](auto j) BITMETAL_INLINE {
          const F32x16 w = table.template at_shifted<nibble_shift<high_first>(j)>(eight);
          store(to + j * width, add(mul(w, scale), bias));
        });
      } else {
        unroll<8>([&](auto j) BITMETAL_INLINE {
          const F32x16 w = table.template at_shifted<nibble_shift<high_first>(j)>(eight);
          store(to + j * width, mul(w, scale));
        });
      }
    }
  }
}
