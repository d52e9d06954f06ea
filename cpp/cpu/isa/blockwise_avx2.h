// Primitives for blockwise codes with AVX2; blockwise_generic.h says what each does.

#include "cpu/isa/blockwise_places.h"

template <int bits, bool high_first>
inline I32x16 unpack_indices(const uint8_t* p) {
  const auto& places = kCodePlaces<bits, high_first>;
  I32x16 r;
  for (int h = 0; h < 2; ++h) {  // eight codes are whole bytes
    const __m128i packed = load_bytes<bits>(p + h * bits);
    if constexpr (bits == 8) {
      r.v[h] = _mm256_cvtepu8_epi32(packed);
    } else {
      const __m256i words =
          _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(packed), load_256(places.bytes));
      r.v[h] = _mm256_srlv_epi32(words, load_256(places.shifts));
    }
  }
  return r;
}
template <int bits, bool high_first>
inline I32x16 unpack_codes(const uint8_t* p) {
  I32x16 codes = unpack_indices<bits, high_first>(p);
  for (__m256i& v : codes.v) v = _mm256_and_si256(v, _mm256_set1_epi32((1 << bits) - 1));
  return codes;
}
template <bool high_first>
inline void pack_nibbles(uint8_t* p, I32x16 codes) {
  store_nibbles<high_first>(p, low_bytes(codes.v));
}

constexpr int block_rows(int) { return 1; }

inline __m256 lookup_16(__m256 low, __m256 high, __m256i index) {
  return _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, index),
                          _mm256_permutevar8x32_ps(high, index),
                          _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
}

struct Table16 {
  __m256 low, high;

  explicit Table16(F32x16 table) : low(table.v[0]), high(table.v[1]) {}
  F32x16 at(I32x16 index) const {
    return {{lookup_16(low, high, index.v[0]), lookup_16(low, high, index.v[1])}};
  }
  template <int shift>
  F32x16 at_shifted(I32x16 words) const {
    return at({{_mm256_srli_epi32(words.v[0], shift), _mm256_srli_epi32(words.v[1], shift)}});
  }
};

inline F32x16 lookup_256(const float* book, const uint8_t* codes) {
  const I32x16 index = unpack_indices<8, false>(codes);
  return {{_mm256_i32gather_ps(book, index.v[0], 4), _mm256_i32gather_ps(book, index.v[1], 4)}};
}

struct Search16 {
  __m256 levels[4];
  __m256 low, high;  // the codes

  explicit Search16(const BlockSearch16& s)
      : low(_mm256_castsi256_ps(load_256(s.codes))),
        high(_mm256_castsi256_ps(load_256(s.codes + 8))) {
    for (int i = 0; i < 4; ++i) levels[i] = _mm256_loadu_ps(s.levels[i]);
  }
  I32x16 codes(F32x16 y) const {
    I32x16 r;
    for (int h = 0; h < 2; ++h) {
      __m256i below = _mm256_setzero_si256();
      unroll<4>([&](auto i) BITMETAL_INLINE {
        const __m256 threshold = _mm256_permutevar8x32_ps(levels[i], below);
        const __m256i above =  // -1 where it holds
            _mm256_castps_si256(_mm256_cmp_ps(y.v[h], threshold, _CMP_GT_OQ));
        below = _mm256_sub_epi32(_mm256_add_epi32(below, below), above);
      });
      r.v[h] = _mm256_castps_si256(lookup_16(low, high, below));
    }
    return r;
  }
};

inline I32x16 search_256(const BlockSearch256& s, F32x16 y) {
  I32x16 r;
  for (int h = 0; h < 2; ++h) {
    const __m256i bits = _mm256_castps_si256(y.v[h]);
    const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
    __m256i cell =
        _mm256_sub_epi32(_mm256_srli_epi32(magnitude, s.kShift), _mm256_set1_epi32(s.kFirst));
    cell = _mm256_max_epi32(cell, _mm256_setzero_si256());
    const __m256i negative = _mm256_srai_epi32(bits, 31);
    cell = _mm256_add_epi32(cell, _mm256_and_si256(negative, _mm256_set1_epi32(s.kCells)));
    const auto* below = reinterpret_cast<const int*>(s.below);
    __m256i code = _mm256_and_si256(_mm256_i32gather_epi32(below, cell, 1), _mm256_set1_epi32(255));
    for (int step = 0; step < s.steps; ++step) {
      const __m256 threshold = _mm256_i32gather_ps(s.thresholds, code, 4);
      const __m256 above = _mm256_cmp_ps(y.v[h], threshold, _CMP_GT_OQ);
      code = _mm256_sub_epi32(code, _mm256_castps_si256(above));
    }
    r.v[h] = code;
  }
  return r;
}

struct Search256 {
  const BlockSearch256& search;

  explicit Search256(const BlockSearch256& s) : search(s) {}
  template <int N>
  void find(const F32x16 (&y)[N], uint8_t* bytes) const {
    for (int n = 0; n < N; ++n) store_bytes(bytes + 16 * n, search_256(search, y[n]));
  }
};

struct SpreadScales {
  int64_t block_size;
  __m256i lanes[2];

  explicit SpreadScales(int64_t size) : block_size(size) {
    const __m128i shift = _mm_cvtsi32_si128(std::countr_zero(static_cast<uint64_t>(size)));
    lanes[0] = _mm256_srl_epi32(_mm256_setr_epi32(0, 8, 16, 24, 32, 40, 48, 56), shift);
    lanes[1] = _mm256_srl_epi32(_mm256_setr_epi32(64, 72, 80, 88, 96, 104, 112, 120), shift);
  }
  int64_t count(int64_t columns) const { return (columns + block_size - 1) / block_size; }
  F32x16 load(const float* scales, int64_t count) const {  // at most 8
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    const __m256 given = _mm256_maskload_ps(scales, mask);
    return {{_mm256_permutevar8x32_ps(given, lanes[0]), _mm256_permutevar8x32_ps(given, lanes[1])}};
  }
};
