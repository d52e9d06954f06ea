// Primitives for blockwise codes in portable C++; all sets define the same names.

// 16 codes of `bits` each from 2 * bits bytes, lowest bits first; nibbles with the high one first.
template <int bits, bool high_first>
inline I32x16 unpack_codes(const uint8_t* p) {
  int32_t codes[16];
  for (int i = 0; i < 16; ++i) {
    if constexpr (high_first) {
      codes[i] = p[i / 2] >> (i % 2 ? 0 : 4) & 15;
    } else {
      const int at = i * bits, shift = at % 8;
      int32_t word = p[at / 8];
      if (shift + bits > 8) word |= p[at / 8 + 1] << 8;
      codes[i] = word >> shift & ((1 << bits) - 1);
    }
  }
  return load(codes);
}
// The same where only a table's index is wanted, which may have other bits set above them.
template <int bits, bool high_first>
inline I32x16 unpack_indices(const uint8_t* p) {
  return unpack_codes<bits, high_first>(p);
}
// The inverse, of nibbles.
template <bool high_first>
inline void pack_nibbles(uint8_t* p, I32x16 codes) {
  int32_t c[16];
  store(c, codes);
  for (int i = 0; i < 8; ++i) {
    const int32_t even = c[2 * i], odd = c[2 * i + 1];
    p[i] = static_cast<uint8_t>(high_first ? even << 4 | odd : odd << 4 | even);
  }
}

// Rows of weights at once beside n rows of activations, as registers allow.
constexpr int block_rows(int) { return 1; }

// 16 floats, chosen by indices from 0 to 15.
struct Table16 {
  float v[16];

  explicit Table16(F32x16 table) { store(v, table); }
  F32x16 at(I32x16 index) const {
    int32_t i16[16];
    store(i16, index);
    float r[16];
    for (int i = 0; i < 16; ++i) r[i] = v[i16[i] & 15];
    return load(r);
  }
  template <int shift>
  F32x16 at_shifted(I32x16 words) const {
    for (IntegerRegister& v : words.v) v = v >> shift & 15;
    return at(words);
  }
};

struct Search16 {
  const BlockSearch16& search;

  explicit Search16(const BlockSearch16& s) : search(s) {}
  I32x16 codes(F32x16 y) const {
    float v[16];
    store(v, y);
    int32_t r[16];
    for (int i = 0; i < 16; ++i) {
      int below = 0;
      for (int t = 0; t < 15; ++t) below += v[i] > search.thresholds[t];
      r[i] = search.codes[below];
    }
    return load(r);
  }
};
