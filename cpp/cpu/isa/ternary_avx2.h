// Primitives for ternary codes with AVX2, with or without AVX-VNNI; ternary_generic.h says what
// each does.

constexpr int kDotRows = 4;  // 8 of 16 registers are sums; with 12, g++ 12 runs out of them
constexpr int dot_panels(int n) { return n == 2 ? 2 : 1; }  // sums enough to hide the latency
constexpr int kFloatRows = 6;
constexpr int float_panels(int n) { return n <= 2 ? 2 : 1; }
constexpr int kPrefetchBytes = 2048;

struct Codes {
  __m256i v[2];
};
inline Codes load_codes(const uint8_t* p) { return {{load_256(p), load_256(p + 32)}}; }
inline void store_codes(uint8_t* p, Codes c) { std::memcpy(p, c.v, sizeof c.v); }
template <int f>
inline Codes bit_field(Codes c) {
  for (__m256i& v : c.v) {
    v = _mm256_and_si256(f ? _mm256_srli_epi16(v, 2 * f) : v, _mm256_set1_epi8(3));
  }
  return c;
}

struct Activations {
  const int8_t* q;
  template <int f>
  __m256i quad() const {
    int32_t four;
    std::memcpy(&four, q + 4 * f, 4);
    return _mm256_set1_epi32(four);
  }
};
inline Activations load_activations(const int8_t* q) { return {q}; }

// Keeps g++ 12 from regrouping and copying running sums until registers run out.
BITMETAL_INLINE inline void pin(__m256i& sum) { asm("" : "+x"(sum)); }

#if BITMETAL_AVXVNNI

// As an intrinsic, g++ 12 moves every sum to another register and back.
BITMETAL_INLINE inline void add_dot(__m256i& sum, __m256i codes, __m256i activations) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(codes), "x"(activations));
}

struct Dot {
  static constexpr int64_t kMaxBlocks = kSegmentBlocks;
  __m256i v[2];

  BITMETAL_INLINE void clear() { v[0] = v[1] = _mm256_setzero_si256(); }
  template <int f>
  BITMETAL_INLINE void add(Codes c, Activations x) {
    add_dot(v[0], c.v[0], x.quad<f>());
    add_dot(v[1], c.v[1], x.quad<f>());
  }
  BITMETAL_INLINE I32x16 sums() const { return {{v[0], v[1]}}; }
};

// Field f, masked in place, is 4^f times its codes, and so are its sums.
struct InPlaceDot {
  static constexpr int64_t kMaxBlocks = kSegmentBlocks;
  __m256i v[2][4];

  BITMETAL_INLINE void clear() {
    for (auto& half : v) {
      for (__m256i& field : half) field = _mm256_setzero_si256();
    }
  }
  template <int f>
  BITMETAL_INLINE void add_field(Codes c, Activations x) {
    const __m256i mask = _mm256_set1_epi8(static_cast<char>(3 << 2 * f));
    add_dot(v[0][f], _mm256_and_si256(c.v[0], mask), x.quad<f>());
    add_dot(v[1][f], _mm256_and_si256(c.v[1], mask), x.quad<f>());
  }
  BITMETAL_INLINE void add(Codes c, Activations x) {
    add_field<0>(c, x);
    add_field<1>(c, x);
    add_field<2>(c, x);
    add_field<3>(c, x);
  }
  BITMETAL_INLINE I32x16 sums() const {
    I32x16 r;
    for (int h = 0; h < 2; ++h) {
      const __m256i low = _mm256_add_epi32(v[h][0], _mm256_srai_epi32(v[h][1], 2));
      const __m256i high =
          _mm256_add_epi32(_mm256_srai_epi32(v[h][2], 4), _mm256_srai_epi32(v[h][3], 6));
      r.v[h] = _mm256_add_epi32(low, high);
    }
    return r;
  }
};

#else

// Pairs of 16-bit sums to one of 32.
inline __m256i add_pairs(__m256i a) { return _mm256_madd_epi16(a, _mm256_set1_epi16(1)); }

// Sums in 16 bits: 2 * 2 * 127 at most for a pair of columns, 64 pairs in 16 blocks: 32512.
struct Dot {
  static constexpr int64_t kMaxBlocks = 16;
  __m256i v[2];

  BITMETAL_INLINE void clear() { v[0] = v[1] = _mm256_setzero_si256(); }
  template <int f>
  BITMETAL_INLINE void add(Codes c, Activations x) {
    v[0] = _mm256_add_epi16(v[0], _mm256_maddubs_epi16(c.v[0], x.quad<f>()));
    pin(v[0]);
    v[1] = _mm256_add_epi16(v[1], _mm256_maddubs_epi16(c.v[1], x.quad<f>()));
    pin(v[1]);
  }
  BITMETAL_INLINE I32x16 sums() const { return {{add_pairs(v[0]), add_pairs(v[1])}}; }
};

// Fields 0 and 2 share a sum; 1 and 3 another, of 4 times their codes: 2 * 8 * 127 for a pair of
// columns, 16 pairs in 8 blocks: 32512.
struct InPlaceDot {
  static constexpr int64_t kMaxBlocks = 8;
  __m256i even[2], odd[2];

  BITMETAL_INLINE void clear() { even[0] = even[1] = odd[0] = odd[1] = _mm256_setzero_si256(); }
  BITMETAL_INLINE void add(Codes c, Activations x) {
    const __m256i low = _mm256_set1_epi8(0x03), high = _mm256_set1_epi8(0x0c);
    for (int h = 0; h < 2; ++h) {
      const __m256i upper = _mm256_srli_epi16(c.v[h], 4);
      const __m256i f0 = _mm256_maddubs_epi16(_mm256_and_si256(c.v[h], low), x.quad<0>());
      const __m256i f1 = _mm256_maddubs_epi16(_mm256_and_si256(c.v[h], high), x.quad<1>());
      const __m256i f2 = _mm256_maddubs_epi16(_mm256_and_si256(upper, low), x.quad<2>());
      const __m256i f3 = _mm256_maddubs_epi16(_mm256_and_si256(upper, high), x.quad<3>());
      even[h] = _mm256_add_epi16(even[h], _mm256_add_epi16(f0, f2));
      pin(even[h]);
      odd[h] = _mm256_add_epi16(odd[h], _mm256_add_epi16(f1, f3));
      pin(odd[h]);
    }
  }
  BITMETAL_INLINE I32x16 sums() const {
    I32x16 r;
    for (int h = 0; h < 2; ++h) {
      r.v[h] = _mm256_add_epi32(add_pairs(even[h]), _mm256_srai_epi32(add_pairs(odd[h]), 2));
    }
    return r;
  }
};

#endif

// Trits by remainders: less than 0 is more than any of them, so that the lesser of x and x - n is x
// without n where it has that. Of the multiples of 9 below 81 no two end in the same four bits,
// which a lookup among 16 bytes takes.
#define BITMETAL_TRIT_TARGET
inline bool has_trit_lookup() { return true; }

struct TritLookup {
  static constexpr int kFifthUnit = 1;
  __m256i low, high;  // the two lower fields from 0 to 8, the two upper ones from 9 times that

  explicit TritLookup(const uint8_t* fields) {
    alignas(16) uint8_t bytes[2][16] = {};
    for (int i = 0; i < 9; ++i) {
      bytes[0][i] = fields[i];
      bytes[1][9 * i % 16] = fields[9 * i];
    }
    low = _mm256_broadcastsi128_si256(load_128(bytes[0]));
    high = _mm256_broadcastsi128_si256(load_128(bytes[1]));
  }
  template <int n>
  static BITMETAL_INLINE __m256i without(__m256i x) {
    return _mm256_min_epu8(x, _mm256_sub_epi8(x, _mm256_set1_epi8(n)));
  }
  BITMETAL_INLINE Codes expand(Codes trits, Codes& fifth) const {
    Codes r;
    for (int h = 0; h < 2; ++h) {
      const __m256i rest = without<81>(without<81>(trits.v[h]));
      const __m256i ones = without<9>(without<18>(without<27>(without<45>(rest))));
      // 81 and 162 end in the bits of 1 and 2.
      fifth.v[h] = _mm256_and_si256(_mm256_sub_epi8(trits.v[h], rest), _mm256_set1_epi8(3));
      r.v[h] = _mm256_or_si256(_mm256_shuffle_epi8(low, ones),
                               _mm256_shuffle_epi8(high, _mm256_sub_epi8(rest, ones)));
    }
    return r;
  }
  template <int i>
  static BITMETAL_INLINE Codes field(Codes fifth) {
    return {{_mm256_slli_epi16(fifth.v[0], 2 * i), _mm256_slli_epi16(fifth.v[1], 2 * i)}};
  }
};
inline Codes operator|(Codes a, Codes b) {
  return {{_mm256_or_si256(a.v[0], b.v[0]), _mm256_or_si256(a.v[1], b.v[1])}};
}

// A lane's two low bits choose among 4 entries of its half.
inline __m256 lookup_4(__m256 table, __m256i index) { return _mm256_permutevar_ps(table, index); }

template <int shift>
inline F32x16 ternary_values(I32x16 words) {
  const __m256 values = _mm256_setr_ps(-1, 0, 1, 0, -1, 0, 1, 0);
  return {{lookup_4(values, _mm256_srli_epi32(words.v[0], shift)),
           lookup_4(values, _mm256_srli_epi32(words.v[1], shift))}};
}

// Where the codes of columns 0-7 and 8-15 lie in a row's word.
inline __m256i code_shifts(int half) {
  return half ? _mm256_setr_epi32(4, 12, 20, 28, 6, 14, 22, 30)
              : _mm256_setr_epi32(0, 8, 16, 24, 2, 10, 18, 26);
}

inline uint32_t threshold_codes(F32x16 w, float half) {
  __m256i placed[2];
  for (int h = 0; h < 2; ++h) {
    const __m256 above = _mm256_cmp_ps(w.v[h], _mm256_set1_ps(half), _CMP_GT_OQ);
    const __m256 below = _mm256_cmp_ps(w.v[h], _mm256_set1_ps(-half), _CMP_LT_OQ);
    const __m256i code = _mm256_sub_epi32(  // a comparison that holds is -1
        _mm256_add_epi32(_mm256_set1_epi32(1), _mm256_castps_si256(below)),
        _mm256_castps_si256(above));
    placed[h] = _mm256_sllv_epi32(code, code_shifts(h));
  }
  const __m256i eight = _mm256_or_si256(placed[0], placed[1]);
  __m128i four = _mm_or_si128(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_or_si128(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(1, 0, 3, 2)));
  four = _mm_or_si128(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(2, 3, 0, 1)));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(four));
}

struct ScaledWeights {
  __m256 products;

  explicit ScaledWeights(float scale)
      : products(_mm256_mul_ps(_mm256_set1_ps(scale), _mm256_setr_ps(-1, 0, 1, 0, -1, 0, 1, 0))) {}
  F32x16 expand(uint32_t word) const {
    const __m256i words = _mm256_set1_epi32(static_cast<int>(word));
    return {{lookup_4(products, _mm256_srlv_epi32(words, code_shifts(0))),
             lookup_4(products, _mm256_srlv_epi32(words, code_shifts(1)))}};
  }
};
