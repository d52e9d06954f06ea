// Primitives for blockwise codes with AVX-512; blockwise_generic.h says what each does.

#include "cpu/isa/blockwise_places.h"

template <int bits, bool high_first>
inline I32x16 unpack_indices(const uint8_t* p) {
  const __m128i packed = load_bytes<2 * bits>(p);
  if constexpr (bits == 8) {
    return {_mm512_cvtepu8_epi32(packed)};
  } else {
    const auto& places = kCodePlaces<bits, high_first>;
    const __m512i words =
        _mm512_shuffle_epi8(_mm512_broadcast_i32x4(packed), _mm512_load_si512(places.bytes));
    return {_mm512_srlv_epi32(words, _mm512_load_si512(places.shifts))};
  }
}
template <int bits, bool high_first>
inline I32x16 unpack_codes(const uint8_t* p) {
  const I32x16 codes = unpack_indices<bits, high_first>(p);
  return {_mm512_and_si512(codes.v[0], _mm512_set1_epi32((1 << bits) - 1))};
}
template <bool high_first>
inline void pack_nibbles(uint8_t* p, I32x16 codes) {
  store_nibbles<high_first>(p, low_bytes(codes.v));
}

constexpr int block_rows(int n) { return n == 1 ? 4 : 2; }

struct Table16 {
  __m512 v;

  explicit Table16(F32x16 table) : v(table.v[0]) {}
  F32x16 at(I32x16 index) const { return {_mm512_permutexvar_ps(index.v[0], v)}; }
  template <int shift>
  F32x16 at_shifted(I32x16 words) const {
    return at({shift ? _mm512_srli_epi32(words.v[0], shift) : words.v[0]});
  }
};

// Gathers take twice as long as these lookups in registers (Zen 5). Of 2^n tables of 32, the next
// bits of the index choose.
inline __m512 lookup_32(const float* table, __m512i index) {
  return _mm512_permutex2var_ps(_mm512_loadu_ps(table), index, _mm512_loadu_ps(table + 16));
}
inline __m512 lookup_64(const float* table, __m512i index, __mmask16 bit_5) {
  return _mm512_mask_blend_ps(bit_5, lookup_32(table, index), lookup_32(table + 32, index));
}
inline __m512 lookup_128(const float* table, __m512i index, __mmask16 bit_5, __mmask16 bit_6) {
  return _mm512_mask_blend_ps(bit_6, lookup_64(table, index, bit_5),
                              lookup_64(table + 64, index, bit_5));
}
inline __mmask16 bit_mask(__m512i index, int bit) {
  return _mm512_test_epi32_mask(index, _mm512_set1_epi32(1 << bit));
}

inline F32x16 lookup_256(const float* book, const uint8_t* codes) {
  const __m512i index = _mm512_cvtepu8_epi32(load_bytes<16>(codes));
  const __mmask16 bit_5 = bit_mask(index, 5), bit_6 = bit_mask(index, 6);
  return {_mm512_mask_blend_ps(bit_mask(index, 7), lookup_128(book, index, bit_5, bit_6),
                               lookup_128(book + 128, index, bit_5, bit_6))};
}

struct Search16 {
  __m512 levels[4];
  __m512i in_order;

  explicit Search16(const BlockSearch16& s) : in_order(_mm512_loadu_si512(s.codes)) {
    for (int i = 0; i < 4; ++i) levels[i] = _mm512_loadu_ps(s.levels[i]);
  }
  I32x16 codes(F32x16 y) const {
    const __m512i one = _mm512_set1_epi32(1);
    __m512i below = _mm512_setzero_si512();
    unroll<4>([&](auto i) BITMETAL_INLINE {
      const __m512 threshold = _mm512_permutexvar_ps(below, levels[i]);
      below = _mm512_add_epi32(below, below);
      below = _mm512_mask_add_epi32(below, _mm512_cmp_ps_mask(y.v[0], threshold, _CMP_GT_OQ), below,
                                    one);
    });
    return {_mm512_permutexvar_epi32(below, in_order)};
  }
};

// A binary search, whose levels of 1 to 128 thresholds are looked up in registers.
struct Search256 {
  alignas(64) float levels[8][128];

  explicit Search256(const BlockSearch256& s) {
    for (int level = 0; level < 8; ++level) {
      const int step = 256 >> level;
      for (int i = 0; i < 1 << level; ++i) {
        levels[level][i] = s.thresholds[i * step + step / 2 - 1];
      }
      for (int i = 1 << level; i < 32; ++i) levels[level][i] = 0;
    }
  }
  // Of several vectors side by side: each level waits for the one before it, but not for the
  // others.
  template <int N>
  BITMETAL_INLINE void find(const F32x16 (&y)[N], uint8_t* bytes) const {
    I32x16 codes[N];
    __mmask16 first[N], second[N];  // levels, whose results are bits of the later levels' indices
    unroll<N>([&](auto n) BITMETAL_INLINE { codes[n].v[0] = _mm512_setzero_si512(); });
    const auto descend = [&](auto n, __m512 threshold) BITMETAL_INLINE {
      const __mmask16 above = _mm512_cmp_ps_mask(y[n].v[0], threshold, _CMP_GT_OQ);
      const __m512i twice = _mm512_add_epi32(codes[n].v[0], codes[n].v[0]);
      codes[n].v[0] = _mm512_mask_add_epi32(twice, above, twice, _mm512_set1_epi32(1));
      return above;
    };
    unroll<5>([&](auto level) BITMETAL_INLINE {
      const __m512 table = _mm512_load_ps(levels[level]);
      unroll<N>([&](auto n) BITMETAL_INLINE {
        const __mmask16 above = descend(n, _mm512_permutexvar_ps(codes[n].v[0], table));
        if (level == 0) first[n] = above;
        if (level == 1) second[n] = above;
      });
    });
    unroll<N>([&](auto n) BITMETAL_INLINE { descend(n, lookup_32(levels[5], codes[n].v[0])); });
    unroll<N>([&](auto n)
                  BITMETAL_INLINE { descend(n, lookup_64(levels[6], codes[n].v[0], first[n])); });
    unroll<N>([&](auto n) BITMETAL_INLINE {
      descend(n, lookup_128(levels[7], codes[n].v[0], second[n], first[n]));
      store_bytes(bytes + 16 * n, codes[n]);
    });
  }
};

struct SpreadScales {
  int64_t block_size;
  __m512i lanes;

  explicit SpreadScales(int64_t size)
      : block_size(size),
        lanes(_mm512_srl_epi32(
            _mm512_setr_epi32(0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120),
            _mm_cvtsi32_si128(std::countr_zero(static_cast<uint64_t>(size))))) {}
  int64_t count(int64_t columns) const { return (columns + block_size - 1) / block_size; }
  F32x16 load(const float* scales, int64_t count) const {  // at most 8
    const auto mask = static_cast<__mmask8>((1u << count) - 1);
    return {
        _mm512_permutexvar_ps(lanes, _mm512_castps256_ps512(_mm256_maskz_loadu_ps(mask, scales)))};
  }
};
