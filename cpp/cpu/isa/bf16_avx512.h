// Primitives for pairs of bfloat16 with AVX512-BF16 and VBMI.

struct Pairs {
  __m512i v;
};
inline Pairs load_pairs(const uint32_t* p) { return {_mm512_loadu_si512(p)}; }
inline void store_pairs(uint32_t* p, Pairs a) { _mm512_storeu_si512(p, a.v); }
inline Pairs broadcast_pair(uint32_t pair) { return {_mm512_set1_epi32(static_cast<int>(pair))}; }

// sum += the two products of each lane. In assembly for the reason that add_dot() is.
BITMETAL_INLINE inline void add_pair_products(F32x16& sum, Pairs a, Pairs b) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum.v) : "v"(a.v), "v"(b.v));
}

// The first n of 16 words, then zeros.
inline I32x16 load_words(const uint8_t* p, int64_t n) {
  const auto mask = static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << (n > 0 ? n : 0)) - 1);
  return {_mm512_maskz_loadu_epi32(mask, p)};
}

// Element j of vector i to element i of vector j.
BITMETAL_INLINE inline void transpose(I32x16 (&rows)[16]) {
  __m512i pairs[16], fours[16];
  unroll<8>([&](auto i) BITMETAL_INLINE {
    pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i].v, rows[2 * i + 1].v);
    pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i].v, rows[2 * i + 1].v);
  });
  unroll<8>([&](auto i)
                BITMETAL_INLINE {  // 128 bits k of fours[4 r + c]: rows 4 r.., column 4 k + c
                  constexpr int from = i / 2 * 4 + i % 2, to = i / 2 * 4 + 2 * (i % 2);
                  fours[to] = _mm512_unpacklo_epi64(pairs[from], pairs[from + 2]);
                  fours[to + 1] = _mm512_unpackhi_epi64(pairs[from], pairs[from + 2]);
                });
  constexpr int kEven = 0x88, kOdd = 0xdd;
  unroll<4>([&](auto c) BITMETAL_INLINE {
    const __m512i even_low = _mm512_shuffle_i32x4(fours[c], fours[4 + c], kEven);
    const __m512i odd_low = _mm512_shuffle_i32x4(fours[c], fours[4 + c], kOdd);
    const __m512i even_high = _mm512_shuffle_i32x4(fours[8 + c], fours[12 + c], kEven);
    const __m512i odd_high = _mm512_shuffle_i32x4(fours[8 + c], fours[12 + c], kOdd);
    rows[c].v = _mm512_shuffle_i32x4(even_low, even_high, kEven);
    rows[4 + c].v = _mm512_shuffle_i32x4(odd_low, odd_high, kEven);
    rows[8 + c].v = _mm512_shuffle_i32x4(even_low, even_high, kOdd);
    rows[12 + c].v = _mm512_shuffle_i32x4(odd_low, odd_high, kOdd);
  });
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
    return {_mm512_permutexvar_epi16(shift ? _mm512_srli_epi16(words.v, shift) : words.v, v)};
  }
};
