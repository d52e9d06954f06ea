// Products of bfloat16 and rows of weights that are whole blocks of nibbles: looked up as they are,
// rounded, their scales are left to the sums of each block.

#include "cpu/kernels/blockwise_nibbles.inl"

struct PairNibbles {
  using Factor = uint32_t;
  using Weights = Pairs;
  static constexpr int kVectors = 4;
  PairTable table;

  static constexpr int rows(int n) { return n <= 2 ? 4 : 3; }
  explicit PairNibbles(const float* book) : table(book) {}
  template <int shift>
  BITMETAL_INLINE Weights weights(I32x16 words) const {
    return table.template at_shifted<shift>(words);
  }
  template <bool first>
  static BITMETAL_INLINE F32x16 add_products(Weights w, const uint32_t* factors, F32x16 sum) {
    if (first) sum = broadcast(0.0f);
    add_pair_products(sum, load_pairs(factors), w);
    return sum;
  }
};

inline void turn_nibbles(const uint8_t* codes, int64_t row_bytes, int64_t count, int64_t depth,
                         uint32_t* strip) {
  for (int64_t at = 0; at < kNibbleStrip; at += 16) {
    const uint8_t* rows = codes + at * row_bytes;
    for (int64_t word = 0; word < depth / 8; word += 16) {
      const int64_t left = depth / 8 - word;
      I32x16 words[16];
      unroll<16>([&](auto i) BITMETAL_INLINE {
        words[i] = load_words(rows + i * row_bytes + 4 * word, at + i < count ? left : 0);
      });
      transpose(words);
      uint32_t* to = strip + word * kNibbleStrip + at;
      unroll<16>([&](auto w) BITMETAL_INLINE {
        if (w < left) store_pairs(to + w * kNibbleStrip, {words[w].v[0]});
      });
    }
  }
}

// Vectors of rows of weights to a tile: so many sums that their latency is hidden.
constexpr int nibble_vectors(int rows) { return rows <= 6 ? 4 : 2; }

// Each tile decodes the strip in its registers, which costs less than writing it out decoded.
template <bool high_first, int kRows>
void multiply_nibbles(const uint32_t* a, const uint32_t* strip, int64_t depth, int64_t count,
                      const float* book, int64_t block_size, const float* scales, float* c,
                      bool add_to_c) {
  constexpr int V = nibble_vectors(kRows);
  const PairTable table(book);
  for (int64_t at = 0; at < count; at += 16 * V) {
    const uint32_t* x = a;
    const uint32_t* words = strip + at;
    const float* scale = scales + at;
    bool adds = add_to_c;
    for (int64_t k = 0; k < depth; scale += kNibbleStrip) {
      const int64_t end = k + block_size < depth ? k + block_size : depth;
      F32x16 sums[kRows * V];
      unroll<kRows * V>([&](auto i) BITMETAL_INLINE { sums[i] = broadcast(0.0f); });
      for (; k < end; k += 8, x += 4 * kRows, words += kNibbleStrip) {
        unroll<4>([&](auto j) BITMETAL_INLINE {
          Pairs w[V];
          unroll<V>([&](auto v) BITMETAL_INLINE {
            const I32x16 eight = load(reinterpret_cast<const int32_t*>(words + 16 * v));
            w[v] = table.template at_shifted<nibble_shift<high_first>(j)>(eight);
          });
          unroll<kRows>([&](auto i) BITMETAL_INLINE {
            const Pairs factor = broadcast_pair(x[j * kRows + i]);
            unroll<V>([&](auto v)
                          BITMETAL_INLINE { add_pair_products(sums[i * V + v], factor, w[v]); });
          });
        });
      }
      unroll<kRows * V>([&](auto i) BITMETAL_INLINE {
        const F32x16 by = load(scale + 16 * (i % V));
        float* to = c + i / V * kNibbleStrip + at + 16 * (i % V);
        store(to, adds ? mul_add(sums[i], by, load(to)) : mul(sums[i], by));
      });
      adds = true;
    }
  }
}
