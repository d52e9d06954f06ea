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
inline void pack_bytes(uint8_t* p, I32x16 codes) {
  int32_t c[16];
  store(c, codes);
  for (int i = 0; i < 16; ++i) p[i] = static_cast<uint8_t>(c[i]);
}

inline F32x16 div(F32x16 a, F32x16 b) {
  float x[16], y[16];
  store(x, a);
  store(y, b);
  for (int i = 0; i < 16; ++i) x[i] /= y[i];
  return load(x);
}

// 16 floats, chosen by indices from 0 to 15.
struct Table16 {
  float v[16];

  explicit Table16(F32x16 table) { store(v, table); }
  F32x16 at(I32x16 index) const {
    int32_t i16[16];
    store(i16, index);
    float r[16];
    for (int i = 0; i < 16; ++i) r[i] = v[i16[i]];
    return load(r);
  }
};

inline F32x16 lookup_256(const float* book, const uint8_t* codes) {
  float r[16];
  for (int i = 0; i < 16; ++i) r[i] = book[codes[i]];
  return load(r);
}

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

inline I32x16 search_256(const BlockSearch256& s, F32x16 y) {
  float v[16];
  store(v, y);
  int32_t r[16];
  for (int i = 0; i < 16; ++i) {
    const uint32_t u = std::bit_cast<uint32_t>(v[i]);
    int32_t cell = static_cast<int32_t>((u & 0x7fffffff) >> s.kShift) - s.kFirst;
    cell = cell < 0 ? 0 : cell;
    int32_t code = s.below[cell + (u >> 31 ? s.kCells : 0)];
    for (int step = 0; step < s.steps; ++step) code += v[i] > s.thresholds[code];
    r[i] = code;
  }
  return load(r);
}
