// Where codes lie: for a shuffle of bytes and a shift, which put one code into each 32-bit lane.

template <int bits, bool high_first>
struct CodePlaces {
  alignas(64) uint8_t bytes[64] = {};  // of 16 lanes; 0x80 shuffles in a zero
  alignas(64) int32_t shifts[16] = {};

  constexpr CodePlaces() {
    for (int i = 0; i < 16; ++i) {
      const int at = i * bits, shift = high_first ? (i % 2 ? 0 : 4) : at % 8;
      shifts[i] = shift;
      bytes[4 * i] = static_cast<uint8_t>(at / 8);
      bytes[4 * i + 1] = shift + bits > 8 ? static_cast<uint8_t>(at / 8 + 1) : 0x80;
      bytes[4 * i + 2] = bytes[4 * i + 3] = 0x80;
    }
  }
};
template <int bits, bool high_first>
constexpr CodePlaces<bits, high_first> kCodePlaces{};

// The first n bytes at p, n <= 8; no byte more is read. Joined in a register: a copy to memory of 4
// and 2 bytes would have to be over before the 8 could be loaded.
template <int n>
inline uint64_t load_word(const uint8_t* p) {
  if constexpr (n == 0) {
    return 0;
  } else {
    constexpr int kFirst = n >= 8 ? 8 : n >= 4 ? 4 : n >= 2 ? 2 : 1;
    uint64_t word = 0;
    std::memcpy(&word, p, kFirst);
    if constexpr (n > kFirst) word |= load_word<n - kFirst>(p + kFirst) << 8 * kFirst;
    return word;
  }
}
// Likewise, n <= 16.
template <int n>
inline __m128i load_bytes(const uint8_t* p) {
  if constexpr (n == 16) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  } else if constexpr (n <= 8) {
    return _mm_cvtsi64_si128(static_cast<int64_t>(load_word<n>(p)));
  } else {
    return _mm_set_epi64x(static_cast<int64_t>(load_word<n - 8>(p + 8)),
                          static_cast<int64_t>(load_word<8>(p)));
  }
}

// 16 codes, one a byte, as nibbles.
template <bool high_first>
inline void store_nibbles(uint8_t* p, __m128i codes) {
  const __m128i weights = _mm_set1_epi16(high_first ? 0x0110 : 0x1001);
  const __m128i pairs = _mm_maddubs_epi16(codes, weights);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(pairs, pairs));
}
