// Primitives for ternary codes in portable C++; all sets define the same names.

// Tiles of products, whose sums fit the registers: at most so many rows of activations, and panels
// of 16 weight rows beside n of them.
constexpr int kDotRows = 4;
constexpr int dot_panels(int) { return 1; }
constexpr int kFloatRows = 4;
constexpr int float_panels(int) { return 1; }
constexpr int kPrefetchBytes = 0;  // how far ahead of its stream a product fetches weights

// One byte for each of 16 rows by 4 columns: a packed block, or codes on their own.
struct Codes {
  uint8_t v[64];
};
inline Codes load_codes(const uint8_t* p) {
  Codes c;
  std::memcpy(c.v, p, 64);
  return c;
}
// Bits 2 f and 2 f + 1 of each byte: the codes of columns 4 f .. 4 f + 3.
template <int f>
inline Codes bit_field(Codes c) {
  for (int i = 0; i < 64; ++i) c.v[i] = c.v[i] >> 2 * f & 3;
  return c;
}

// The activations of one block, 16 columns.
struct Activations {
  const int8_t* v;
};
inline Activations load_activations(const int8_t* q) { return {q}; }

// Running sums of code * activation for 16 rows.
struct Dot {
  static constexpr int64_t kMaxBlocks = kSegmentBlocks;  // before add() could overflow
  int32_t v[16];

  BITMETAL_INLINE void clear() { std::memset(v, 0, sizeof v); }
  template <int f>
  BITMETAL_INLINE void add(Codes c, Activations x) {
    for (int r = 0; r < 16; ++r) {
      int32_t sum = 0;
      for (int k = 0; k < 4; ++k) sum += c.v[4 * r + k] * x.v[4 * f + k];
      v[r] += sum;
    }
  }
  BITMETAL_INLINE I32x16 sums() const { return load(v); }
};

// The same for whole blocks as they lie in memory.
struct InPlaceDot {
  static constexpr int64_t kMaxBlocks = kSegmentBlocks;
  Dot dot;

  BITMETAL_INLINE void clear() { dot.clear(); }
  BITMETAL_INLINE void add(Codes block, Activations x) {
    dot.add<0>(bit_field<0>(block), x);
    dot.add<1>(bit_field<1>(block), x);
    dot.add<2>(bit_field<2>(block), x);
    dot.add<3>(bit_field<3>(block), x);
  }
  BITMETAL_INLINE I32x16 sums() const { return dot.sums(); }
};

// T of the column whose code starts at bit `shift` of each row's word.
template <int shift>
inline F32x16 ternary_values(I32x16 words) {
  for (IntegerRegister& v : words.v) v = (v >> shift & 3) - 1;
  return to_float(words);
}

// The word of one row's 16 columns: code 2 where w > half, 0 where w < -half, else 1.
inline uint32_t threshold_codes(F32x16 weights, float half) {
  float w[16];
  store(w, weights);
  uint32_t word = 0;
  for (int k = 0; k < 16; ++k) {
    const uint32_t code = 1 + (w[k] > half) - (w[k] < -half);
    word |= code << (8 * (k % 4) + 2 * (k / 4));
  }
  return word;
}

// T * scale for one row's word.
struct ScaledWeights {
  float products[4];

  explicit ScaledWeights(float scale) : products{-1.0f * scale, 0.0f * scale, scale, 0.0f} {}
  F32x16 expand(uint32_t word) const {
    float r[16];
    for (int k = 0; k < 16; ++k) r[k] = products[word >> (8 * (k % 4) + 2 * (k / 4)) & 3];
    return load(r);
  }
};
