// Between floating-point or int8 weights and the 2-bit codes of a panel.
//
// All of them take one row. Its codes are the 32-bit words at codes + 64 * block, each with 16
// columns: bits 8 c + 2 f hold column 4 f + c.

inline uint32_t load_word(const void* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}
inline void store_word(void* p, uint32_t word) { std::memcpy(p, &word, sizeof word); }

// T = +1 where w > scale / 2, -1 where w < -scale / 2, else 0. That is clamp(round_half_even(w /
// scale)): scale / 2 is exact; a tie rounds to the even 0; and if |w| is above scale / 2, even by
// one unit in the last place, the quotient exceeds 1/2 by a relative 2^-24 or more and does not
// round down to it.
template <class T>
void quantize(const T* w, int64_t n, float scale, uint8_t* codes) {
  const float half = scale * 0.5f;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    prefetch_ahead(w + i);  // without it a weight in memory is packed at 60 % of the speed
    store_word(codes + 4 * i, threshold_codes(load(w + i), half));
  }
  if (i < n) store_word(codes + 4 * i, threshold_codes(load_partial(w + i, n - i), half));
}

template <class T>
void dequantize(const uint8_t* codes, int64_t n, float scale, T* out, bool stream_out) {
  const ScaledWeights weights(scale);
  int64_t i = 0;
  if (stream_out) {
    for (; i + 16 <= n; i += 16) stream(out + i, weights.expand(load_word(codes + 4 * i)));
  } else {
    for (; i + 16 <= n; i += 16) store(out + i, weights.expand(load_word(codes + 4 * i)));
  }
  if (i < n) store_partial(out + i, weights.expand(load_word(codes + 4 * i)), n - i);
}

// Four int8 values or codes to a word: t + 1 and back, with no carry from one byte to the next.
inline uint32_t codes_of(uint32_t t) { return ((t & 0x03030303) + 0x01010101) & 0x03030303; }
inline uint32_t values_of(uint32_t codes) {
  return ((codes | 0x80808080) - 0x01010101) ^ 0x80808080;
}

inline uint32_t pack_word(const int8_t* t) {
  uint32_t word = 0;
  for (int f = 0; f < 4; ++f) word |= codes_of(load_word(t + 4 * f)) << 2 * f;
  return word;
}
inline void unpack_word(uint32_t word, int8_t* t) {
  for (int f = 0; f < 4; ++f) store_word(t + 4 * f, values_of(word >> 2 * f & 0x03030303));
}

inline void pack(const int8_t* t, int64_t n, uint8_t* codes) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) store_word(codes + 4 * i, pack_word(t + i));
  if (i < n) {
    int8_t padded[16] = {};
    std::memcpy(padded, t + i, static_cast<size_t>(n - i));
    store_word(codes + 4 * i, pack_word(padded));
  }
}

inline void unpack(const uint8_t* codes, int64_t n, int8_t* t) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) unpack_word(load_word(codes + 4 * i), t + i);
  if (i < n) {
    int8_t padded[16];
    unpack_word(load_word(codes + 4 * i), padded);
    std::memcpy(t + i, padded, static_cast<size_t>(n - i));
  }
}
