// Primitives for blockwise codes of sets without wide lookups: lane by lane.

inline F32x16 lookup_256(const float* book, const uint8_t* codes) {
  float r[16];
  for (int i = 0; i < 16; ++i) r[i] = book[codes[i]];
  return load(r);
}

class Search256 {
  const BlockSearch256& search;

 public:
  explicit Search256(const BlockSearch256& s) : search(s) {}
  template <int N>
  void find(const F32x16 (&y)[N], uint8_t* bytes) const {
    for (int n = 0; n < N; ++n, bytes += 16) {
      float v[16];
      store(v, y[n]);
      for (int i = 0; i < 16; ++i) bytes[i] = static_cast<uint8_t>(code_of(v[i]));
    }
  }

 private:
  int code_of(float y) const {
    const uint32_t u = std::bit_cast<uint32_t>(y);
    int32_t cell = static_cast<int32_t>((u & 0x7fffffff) >> search.kShift) - search.kFirst;
    cell = cell < 0 ? 0 : cell;
    int code = search.below[cell + (u >> 31 ? search.kCells : 0)];
    for (int step = 0; step < search.steps; ++step) code += y > search.thresholds[code];
    return code;
  }
};

inline F32x16 load_lanes(const float* p) { return load(p); }  // where `load` is another

// For lanes of 8 columns each: the scale of the block that a lane belongs to.
struct SpreadScales {
  int64_t block_size;

  explicit SpreadScales(int64_t size) : block_size(size) {}
  // The number of scales for so many columns, from a block's first one on.
  int64_t count(int64_t columns) const { return (columns + block_size - 1) / block_size; }
  // Lanes past the last one are zero.
  F32x16 load(const float* scales, int64_t count) const {
    float r[16];
    for (int i = 0; i < 16; ++i) {
      const int64_t block = 8 * i / block_size;
      r[i] = block < count ? scales[block] : 0;
    }
    return load_lanes(r);
  }
};
