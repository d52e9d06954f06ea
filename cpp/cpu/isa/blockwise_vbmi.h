// Codes of 8 bits by lookups of bytes (AVX512-VBMI), 64 at a time.

// One of 256 bytes for each byte of an index.
struct ByteTable {
  __m512i v[4];

  explicit ByteTable(const uint8_t* table) {
    for (int i = 0; i < 4; ++i) v[i] = _mm512_loadu_si512(table + 64 * i);
  }
  __m512i at(__m512i index, __mmask64 bit_7) const {
    return _mm512_mask_blend_epi8(bit_7, _mm512_permutex2var_epi8(v[0], index, v[1]),
                                  _mm512_permutex2var_epi8(v[2], index, v[3]));
  }
};

// The 4 bytes at 4 i to those at 4 (i / 4 + i % 4 * 4).
inline __m512i turn_words(__m512i v) {
  return _mm512_permutexvar_epi32(
      _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), v);
}

// 256 floats as four tables of bytes.
class ByteBook {
  struct Planes {
    alignas(64) uint8_t bytes[4][256];
    explicit Planes(const float* book) {
      for (int i = 0; i < 256; i += 16) {
        const __m512i words = _mm512_loadu_si512(book + i);
        for (int b = 0; b < 4; ++b) {
          const __m512i byte = _mm512_srl_epi32(words, _mm_cvtsi32_si128(8 * b));
          _mm_store_si128(reinterpret_cast<__m128i*>(bytes[b] + i), _mm512_cvtepi32_epi8(byte));
        }
      }
    }
  };
  ByteTable planes_[4];

  explicit ByteBook(const Planes& p)
      : planes_{ByteTable(p.bytes[0]), ByteTable(p.bytes[1]), ByteTable(p.bytes[2]),
                ByteTable(p.bytes[3])} {}

 public:
  explicit ByteBook(const float* book) : ByteBook(Planes(book)) {}

  BITMETAL_INLINE void expand(const uint8_t* codes, F32x16 (&values)[4]) const {
    const __m512i index = turn_words(_mm512_loadu_si512(codes));
    const __mmask64 bit_7 = _mm512_movepi8_mask(index);
    __m512i planes[4];
    unroll<4>([&](auto b) BITMETAL_INLINE { planes[b] = planes_[b].at(index, bit_7); });
    unroll<2>([&](auto half) BITMETAL_INLINE {
      const auto join = [&](__m512i a, __m512i b) BITMETAL_INLINE {
        return half ? _mm512_unpackhi_epi8(a, b) : _mm512_unpacklo_epi8(a, b);
      };
      const __m512i low = join(planes[0], planes[1]), high = join(planes[2], planes[3]);
      values[2 * half].v[0] = _mm512_castsi512_ps(_mm512_unpacklo_epi16(low, high));
      values[2 * half + 1].v[0] = _mm512_castsi512_ps(_mm512_unpackhi_epi16(low, high));
    });
  }
};

// By BlockSearch256::ByteCells.
class ByteSearch256 {
  __m512i first_[2], count_[2], zero_, pairs_[2];
  ByteTable below_, high_, middle_, low_;

  // Bytes 3 and 2, or 1 and 0, of 32 words, one kind after the other.
  static __m512i places(int byte) {
    alignas(64) uint8_t p[64];
    for (int i = 0; i < 32; ++i) {
      p[i] = static_cast<uint8_t>(4 * i + byte);
      p[32 + i] = static_cast<uint8_t>(4 * i + byte - 1);
    }
    return _mm512_load_si512(p);
  }
  using Cells = BlockSearch256::ByteCells;
  explicit ByteSearch256(const Cells& c)
      : first_{_mm512_loadu_si512(c.first), _mm512_loadu_si512(c.first + 64)},
        count_{_mm512_loadu_si512(c.count), _mm512_loadu_si512(c.count + 64)},
        zero_(_mm512_set1_epi8(static_cast<char>(c.zero))),
        pairs_{places(3), places(1)},
        below_(c.below),
        high_(c.threshold[0]),
        middle_(c.threshold[1]),
        low_(c.threshold[2]) {}

 public:
  explicit ByteSearch256(const BlockSearch256& s) : ByteSearch256(s.bytes) {}

  void find(const F32x16 (&y)[1], uint8_t* codes) const {
    const F32x16 zero = broadcast(0), four[4] = {y[0], zero, zero, zero};
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), _mm512_castsi512_si128(find_64(four)));
  }
  BITMETAL_INLINE void find(const F32x16 (&y)[4], uint8_t* codes) const {
    _mm512_storeu_si512(codes, find_64(y));
  }

 private:
  BITMETAL_INLINE __m512i find_64(const F32x16 (&y)[4]) const {
    __m512i keys[4];
    unroll<4>([&](auto i) BITMETAL_INLINE {
      keys[i] = _mm512_rol_epi32(_mm512_castps_si512(y[i].v[0]), 1);
    });
    __m512i bytes[4];  // of all keys, the first ones first
    unroll<2>([&](auto p) BITMETAL_INLINE {
      const __m512i low = _mm512_permutex2var_epi8(keys[0], pairs_[p], keys[1]);
      const __m512i high = _mm512_permutex2var_epi8(keys[2], pairs_[p], keys[3]);
      bytes[2 * p] = _mm512_shuffle_i64x2(low, high, 0x44);
      bytes[2 * p + 1] = _mm512_shuffle_i64x2(low, high, 0xee);
    });
    const __m512i first = _mm512_permutex2var_epi8(first_[0], bytes[0], first_[1]);
    const __m512i count = _mm512_permutex2var_epi8(count_[0], bytes[0], count_[1]);
    const __m512i odd = _mm512_set1_epi16(static_cast<short>(0xff00));
    const __m512i at_even = _mm512_maddubs_epi16(_mm512_andnot_si512(odd, bytes[1]), count);
    const __m512i at_odd = _mm512_maddubs_epi16(_mm512_and_si512(odd, bytes[1]), count);
    constexpr int kChoose = 0xca;  // bits of the second where the first's are set, else the third's
    const __m512i within =
        _mm512_ternarylogic_epi32(odd, at_odd, _mm512_srli_epi16(at_even, 8), kChoose);
    const __m512i cell = _mm512_add_epi8(first, within);
    const __mmask64 bit_7 = _mm512_movepi8_mask(cell);
    const __m512i high = high_.at(cell, bit_7), middle = middle_.at(cell, bit_7);
    const __m512i low = low_.at(cell, bit_7);
    const __mmask64 same = _mm512_cmpeq_epu8_mask(bytes[1], high);
    const __mmask64 same_2 = _mm512_mask_cmpeq_epu8_mask(same, bytes[2], middle);
    const __mmask64 beyond = _mm512_cmpgt_epu8_mask(bytes[1], high) |
                             _mm512_mask_cmpgt_epu8_mask(same, bytes[2], middle) |
                             _mm512_mask_cmpgt_epu8_mask(same_2, bytes[3], low);
    const __m512i below = below_.at(cell, bit_7), one = _mm512_set1_epi8(1);
    const __m512i passed = _mm512_mask_add_epi8(below, beyond, below, one);
    const __mmask64 negative = _mm512_test_epi8_mask(bytes[3], one);
    return _mm512_mask_subs_epu8(_mm512_adds_epu8(zero_, passed), negative, zero_, passed);
  }
};
