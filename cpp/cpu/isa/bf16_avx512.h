// Primitives for pairs of bfloat16 with AVX512-BF16.

#include "cpu/isa/transpose_avx512.h"

struct Pairs {
  __m512i v;
};
inline Pairs load_pairs(const uint32_t* p) { return {_mm512_loadu_si512(p)}; }
inline void store_pairs(uint32_t* p, Pairs a) { _mm512_storeu_si512(p, a.v); }
inline Pairs broadcast_pair(uint32_t pair) { return {_mm512_set1_epi32(static_cast<int>(pair))}; }

// sum += the two products of each lane. In assembly for the reason that add_dot() is.
BITMETAL_INLINE inline void add_pair_products(F32x16& sum, Pairs a, Pairs b) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum.v[0]) : "v"(a.v), "v"(b.v));
}

// 16 floats, rounded, chosen for both halves of a lane by 4 bits. The lookup takes 5 bits of an
// index: the table is there twice.
struct PairTable {
  __m512i v;

  explicit PairTable(const float* book) {
    const __m256i rounded = (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(book));
    v = _mm512_inserti64x4(_mm512_castsi256_si512(rounded), rounded, 1);
  }
  template <int shift>
  BITMETAL_INLINE Pairs at_shifted(I32x16 words) const {
    return {_mm512_permutexvar_epi16(shift ? _mm512_srli_epi16(words.v[0], shift) : words.v[0], v)};
  }
};
