// Primitives for blockwise codes with AVX-512; blockwise_generic.h says what each does.

#include "cpu/isa/blockwise_places.h"
#include "cpu/isa/simd_common.h"

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
  return {_mm512_and_si512(codes.v, _mm512_set1_epi32((1 << bits) - 1))};
}
template <bool high_first>
inline void pack_nibbles(uint8_t* p, I32x16 codes) {
  store_nibbles<high_first>(p, _mm512_cvtepi32_epi8(codes.v));
}
inline void pack_bytes(uint8_t* p, I32x16 codes) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(codes.v));
}

inline F32x16 min(F32x16 a, F32x16 b) { return {_mm512_min_ps(a.v, b.v)}; }
inline F32x16 max(F32x16 a, F32x16 b) { return {_mm512_max_ps(a.v, b.v)}; }
inline float min_lane(F32x16 a) { return _mm512_reduce_min_ps(a.v); }
inline float max_lane(F32x16 a) { return _mm512_reduce_max_ps(a.v); }
inline float add_lanes(F32x16 a) { return _mm512_reduce_add_ps(a.v); }

constexpr int block_rows(int n) { return n == 1 ? 4 : 2; }
constexpr int kBlockPrefetch = 2048;

inline F32x16 div(F32x16 a, F32x16 b) { return {_mm512_div_ps(a.v, b.v)}; }

struct Table16 {
  __m512 v;

  explicit Table16(F32x16 table) : v(table.v) {}
  F32x16 at(I32x16 index) const { return {_mm512_permutexvar_ps(index.v, v)}; }
  template <int shift>
  F32x16 at_shifted(I32x16 words) const {
    return at({shift ? _mm512_srli_epi32(words.v, shift) : words.v});
  }
};

inline F32x16 lookup_256(const float* book, const uint8_t* codes) {
  return {_mm512_i32gather_ps(_mm512_cvtepu8_epi32(load_bytes<16>(codes)), book, 4)};
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
      below =
          _mm512_mask_add_epi32(below, _mm512_cmp_ps_mask(y.v, threshold, _CMP_GT_OQ), below, one);
    });
    return {_mm512_permutexvar_epi32(below, in_order)};
  }
};

inline I32x16 search_256(const BlockSearch256& s, F32x16 y) {
  const __m512i bits = _mm512_castps_si512(y.v);
  const __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
  __m512i cell =
      _mm512_sub_epi32(_mm512_srli_epi32(magnitude, s.kShift), _mm512_set1_epi32(s.kFirst));
  cell = _mm512_max_epi32(cell, _mm512_setzero_si512());
  cell = _mm512_mask_add_epi32(cell, _mm512_movepi32_mask(bits), cell, _mm512_set1_epi32(s.kCells));
  __m512i code = _mm512_and_si512(_mm512_i32gather_epi32(cell, s.below, 1), _mm512_set1_epi32(255));
  for (int step = 0; step < s.steps; ++step) {
    const __m512 threshold = _mm512_i32gather_ps(code, s.thresholds, 4);
    code = _mm512_mask_add_epi32(code, _mm512_cmp_ps_mask(y.v, threshold, _CMP_GT_OQ), code,
                                 _mm512_set1_epi32(1));
  }
  return {code};
}

struct SpreadScales {
  int64_t block_size;
  __m512i lanes;

  explicit SpreadScales(int64_t size)
      : block_size(size),
        lanes(_mm512_srl_epi32(
            _mm512_setr_epi32(0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120),
            _mm_cvtsi32_si128(std::countr_zero(static_cast<uint64_t>(size))))) {}
  int64_t count(int64_t columns) const { return (columns + block_size - 1) / block_size; }
  F32x16 load(const float* scales, int64_t count) const {
    const auto mask = static_cast<__mmask16>((1u << count) - 1);
    return {_mm512_permutexvar_ps(lanes, _mm512_maskz_loadu_ps(mask, scales))};
  }
};
