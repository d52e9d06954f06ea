// Transposition of 32-bit words with AVX-512.
#pragma once

#define BITMETAL_TRANSPOSE_WORDS 1

inline __mmask16 first_lanes(int64_t n) {
  return static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << (n > 0 ? n : 0)) - 1);
}
// The first n of 16 words, then zeros.
inline I32x16 load_words(const void* p, int64_t n) {
  return {_mm512_maskz_loadu_epi32(first_lanes(n), p)};
}

// Element j of vector i to element i of vector j.
BITMETAL_INLINE inline void transpose(I32x16 (&rows)[16]) {
  __m512i pairs[16], fours[16];
  unroll<8>([&](auto i) BITMETAL_INLINE {
    pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i].v[0], rows[2 * i + 1].v[0]);
    pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i].v[0], rows[2 * i + 1].v[0]);
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
    rows[c].v[0] = _mm512_shuffle_i32x4(even_low, even_high, kEven);
    rows[4 + c].v[0] = _mm512_shuffle_i32x4(odd_low, odd_high, kEven);
    rows[8 + c].v[0] = _mm512_shuffle_i32x4(even_low, even_high, kOdd);
    rows[12 + c].v[0] = _mm512_shuffle_i32x4(odd_low, odd_high, kOdd);
  });
}

// out[j][i] = in[i][j] for i < rows, j < columns.
inline void transpose_words(const void* in, int64_t in_stride, int64_t rows, int64_t columns,
                            void* out, int64_t out_stride) {
  const auto* from = static_cast<const uint32_t*>(in);
  for (int64_t i = 0; i < rows; i += 16) {
    const __mmask16 here = first_lanes(rows - i);
    for (int64_t j = 0; j < columns; j += 16) {
      const int64_t left = columns - j;
      I32x16 words[16];
      unroll<16>([&](auto r) BITMETAL_INLINE {
        words[r] = load_words(from + (i + r) * in_stride + j, i + r < rows ? left : 0);
      });
      transpose(words);
      auto* to = static_cast<uint32_t*>(out) + j * out_stride + i;
      unroll<16>([&](auto c) BITMETAL_INLINE {
        if (c < left) _mm512_mask_storeu_epi32(to + c * out_stride, here, words[c].v[0]);
      });
    }
  }
}
