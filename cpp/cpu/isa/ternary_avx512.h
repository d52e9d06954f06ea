// Primitives for ternary codes with AVX-512 VNNI; ternary_generic.h says what each does.

constexpr int kDotRows = 6;  // by 4 panels: 24 of 32 registers are sums
constexpr int dot_panels(int) { return 4; }
constexpr int kFloatRows = 6;
constexpr int float_panels(int) { return 4; }
constexpr int kPrefetchBytes = 2048;

struct Codes {
  __m512i v;
};
inline Codes load_codes(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
inline void store_codes(uint8_t* p, Codes c) { _mm512_storeu_si512(p, c.v); }
template <int f>
inline Codes bit_field(Codes c) {
  return {_mm512_and_si512(f ? _mm512_srli_epi16(c.v, 2 * f) : c.v, _mm512_set1_epi8(3))};
}

struct Activations {
  const int8_t* q;
  template <int f>
  __m512i quad() const {
    int32_t four;
    std::memcpy(&four, q + 4 * f, 4);
    return _mm512_set1_epi32(four);
  }
};
inline Activations load_activations(const int8_t* q) { return {q}; }

// In assembly, since g++ 12 copies the sums of the intrinsic twice a turn of the loop around it.
BITMETAL_INLINE inline void add_dot(__m512i& sum, __m512i codes, __m512i activations) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(activations));
}

struct Dot {
  static constexpr int64_t kMaxBlocks = kSegmentBlocks;
  __m512i v;

  BITMETAL_INLINE void clear() { v = _mm512_setzero_si512(); }
  template <int f>
  BITMETAL_INLINE void add(Codes c, Activations x) {
    add_dot(v, c.v, x.quad<f>());
  }
  BITMETAL_INLINE I32x16 sums() const { return {v}; }
};

// Field f, masked in place, is 4^f times its codes, and so are its sums.
struct InPlaceDot {
  static constexpr int64_t kMaxBlocks = kSegmentBlocks;
  __m512i v0, v1, v2, v3;

  BITMETAL_INLINE void clear() { v0 = v1 = v2 = v3 = _mm512_setzero_si512(); }
  BITMETAL_INLINE void add(Codes c, Activations x) {
    add_dot(v0, _mm512_and_si512(c.v, _mm512_set1_epi8(0x03)), x.quad<0>());
    add_dot(v1, _mm512_and_si512(c.v, _mm512_set1_epi8(0x0c)), x.quad<1>());
    add_dot(v2, _mm512_and_si512(c.v, _mm512_set1_epi8(0x30)), x.quad<2>());
    add_dot(v3, _mm512_and_si512(c.v, _mm512_set1_epi8(-0x40)), x.quad<3>());
  }
  BITMETAL_INLINE I32x16 sums() const {
    const __m512i low = _mm512_add_epi32(v0, _mm512_srai_epi32(v1, 2));
    const __m512i high = _mm512_add_epi32(_mm512_srai_epi32(v2, 4), _mm512_srai_epi32(v3, 6));
    return {_mm512_add_epi32(low, high)};
  }
};

// Trits by lookup in a table of 81 bytes. It needs VBMI, which the first processors of the set
// lack.
#define BITMETAL_TRIT_TARGET                                                \
  __attribute__((                                                           \
      target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c,bmi2," \
             "avx512vbmi")))
inline bool has_trit_lookup() { return __builtin_cpu_supports("avx512vbmi"); }

struct TritLookup {
  static constexpr int kFifthUnit = 81;  // of the last digits that expand() gives
  __m512i table[2];

  BITMETAL_TRIT_TARGET BITMETAL_INLINE explicit TritLookup(const uint8_t* bytes)
      : table{_mm512_loadu_si512(bytes), _mm512_loadu_si512(bytes + 64)} {}
  // The first four digits of each byte as bit fields, and the last one.
  BITMETAL_TRIT_TARGET BITMETAL_INLINE Codes expand(Codes trits, Codes& fifth) const {
    const __m512i unit = _mm512_set1_epi8(81);  // less than 0 is more than 80
    __m512i rest = _mm512_min_epu8(trits.v, _mm512_sub_epi8(trits.v, unit));
    rest = _mm512_min_epu8(rest, _mm512_sub_epi8(rest, unit));
    fifth.v = _mm512_sub_epi8(trits.v, rest);
    return {_mm512_permutex2var_epi8(table[0], rest, table[1])};
  }
  // Field i of the fifth block of codes.
  template <int i>
  static BITMETAL_TRIT_TARGET BITMETAL_INLINE Codes field(Codes fifth) {
    // 81 and 162 end in the bits of 1 and 2.
    return {_mm512_slli_epi16(_mm512_and_si512(fifth.v, _mm512_set1_epi8(3)), 2 * i)};
  }
};
inline Codes operator|(Codes a, Codes b) { return {_mm512_or_si512(a.v, b.v)}; }

// sum += table[index], an index being the low 4 bits of a lane. The empty
// statement keeps g++ 12 from regrouping the additions until it runs out of registers.
#define BITMETAL_LOOKUP_16 1
BITMETAL_INLINE inline void add_lookup(F32x16& sum, F32x16 table, I32x16 index) {
  sum.v[0] = _mm512_add_ps(sum.v[0], _mm512_permutexvar_ps(index.v[0], table.v[0]));
  asm("" : "+v"(sum.v[0]));
}
template <int bits>
inline I32x16 shift_right(I32x16 a) {
  return {bits ? _mm512_srli_epi32(a.v[0], bits) : a.v[0]};
}

inline uint32_t threshold_codes(F32x16 w, float half) {
  // In this order of columns bit i of a comparison belongs to code i of the word: 4 f + c at 4 c +
  // f.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512 ordered = _mm512_permutexvar_ps(order, w.v[0]);
  const uint32_t above =
      _cvtmask16_u32(_mm512_cmp_ps_mask(ordered, _mm512_set1_ps(half), _CMP_GT_OQ));
  const uint32_t below =
      _cvtmask16_u32(_mm512_cmp_ps_mask(ordered, _mm512_set1_ps(-half), _CMP_LT_OQ));
  const uint32_t zero = ~(above | below);
  return _pdep_u32(above, 0xaaaaaaaa) | _pdep_u32(zero, 0x55555555);
}

struct ScaledWeights {
  __m512 products;

  explicit ScaledWeights(float scale)
      : products(_mm512_mul_ps(_mm512_set1_ps(scale), _mm512_setr_ps(-1, 0, 1, 0, -1, 0, 1, 0, -1,
                                                                     0, 1, 0, -1, 0, 1, 0))) {}
  F32x16 expand(uint32_t word) const {
    const __m512i shifts =
        _mm512_setr_epi32(0, 8, 16, 24, 2, 10, 18, 26, 4, 12, 20, 28, 6, 14, 22, 30);
    const __m512i codes = _mm512_srlv_epi32(_mm512_set1_epi32(static_cast<int>(word)), shifts);
    return {_mm512_permutexvar_ps(codes, products)};
  }
};
