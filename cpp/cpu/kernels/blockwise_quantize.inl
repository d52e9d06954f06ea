// Quantizing blocks: each is read twice, the second time from the cache.

// max|x|; NaN where x holds one.
template <class T>
inline float block_absmax(const T* x, int64_t n) {
  I32x16 largest = broadcast_int(0);  // as integers, NaN is above infinity
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    prefetch_ahead(x + i);
    largest = max(largest, magnitude_bits(load(x + i)));
  }
  if (i < n) largest = max(largest, magnitude_bits(load_partial(x + i, n - i)));
  return std::bit_cast<float>(max_lane(largest));
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What a format stores for a block, and what its elements are divided by: 0 asks for zeros.
struct AbsmaxScale {
  using Stored = float;
  float stored, divisor;

  explicit AbsmaxScale(float absmax) : stored(absmax), divisor(absmax < kInfinity ? absmax : 0) {}
};

// 2^(floor(log2 absmax) - 2), the largest exponent of an element being 2; 255 is NaN.
struct E8m0Scale {
  using Stored = uint8_t;
  uint8_t stored;
  float divisor;

  explicit E8m0Scale(float absmax) {
    const bool finite = absmax < kInfinity;
    const uint32_t exponent = std::bit_cast<uint32_t>(absmax) >> 23;
    stored = static_cast<uint8_t>(!finite ? 255 : exponent < 2 ? 0 : exponent - 2);
    divisor = !finite || absmax == 0 ? 0
              : stored               ? std::bit_cast<float>(uint32_t{stored} << 23)
                                     : 0x1p-127f;
  }
};

// absmax / 6, the largest element, as 4 bits of exponent with bias 7 and 3 of fraction, rounded to
// nearest even and at most 448; 0x7f is NaN.
struct E4m3Scale {
  using Stored = uint8_t;
  uint8_t stored;
  float divisor;

  explicit E4m3Scale(float absmax) : stored(0x7f), divisor(0) {
    if (!(absmax < kInfinity)) return;
    const float scale = absmax / 6;
    if (scale >= 448) {
      stored = 0x7e;
    } else if (scale < 0x1p-6f) {  // units of 2^-9
      stored = static_cast<uint8_t>(std::bit_cast<uint32_t>(scale * 0x1p9f + 0x1p23f) & 0xff);
    } else {
      const uint32_t u = std::bit_cast<uint32_t>(scale) - (120u << 23);
      stored = static_cast<uint8_t>((u + 0x7ffff + (u >> 20 & 1)) >> 20);
    }
    divisor = std::bit_cast<float>(uint32_t{stored} << 20) * 0x1p120f;
  }
};

// The codes of n elements divided by `by`: pack(i, codes) for each 16 from i on, of the last ones
// pack_last(i, codes).
template <class T, class Search, class Pack, class PackLast>
BITMETAL_INLINE inline void find_all(const Search& search, const T* x, int64_t n, float by,
                                     Pack pack, PackLast pack_last) {
  constexpr int kAtOnce = 4;
  const F32x16 divisor = broadcast(by);
  int64_t i = 0;
  for (; i + 16 * kAtOnce <= n; i += 16 * kAtOnce) {
    F32x16 y[kAtOnce];
    I32x16 codes[kAtOnce];
    unroll<kAtOnce>([&](auto a) BITMETAL_INLINE { y[a] = div(load(x + i + 16 * a), divisor); });
    unroll<kAtOnce>([&](auto a) BITMETAL_INLINE { codes[a] = search.codes(y[a]); });
    unroll<kAtOnce>([&](auto a) BITMETAL_INLINE { pack(i + 16 * a, codes[a]); });
  }
  for (; i + 16 <= n; i += 16) pack(i, search.codes(div(load(x + i), divisor)));
  if (i < n) pack_last(i, search.codes(div(load_partial(x + i, n - i), divisor)));
}

// Calls body(x, count, block) for each block of n elements.
template <class T, class Body>
inline void for_each_block(const T* x, int64_t n, int64_t block_size, Body body) {
  for (int64_t i = 0, block = 0; i < n; i += block_size, ++block) {
    body(x + i, n - i < block_size ? n - i : block_size, block);
  }
}

template <class Scale, bool high_first, class T>
void quantize_nibbles(const T* from, int64_t size, const BlockSearch16& table,
                      const BlockOutput& out) {
  const Search16 search(table);
  uint8_t zeros[8];
  pack_nibbles<high_first>(zeros, search.codes(broadcast(0)));
  auto* scales = static_cast<typename Scale::Stored*>(out.scales);
  for_each_block(from, size, out.block_size, [&](const T* x, int64_t n, int64_t block) {
    const Scale scale(block_absmax(x, n));
    scales[block] = scale.stored;
    uint8_t* codes = out.codes + block * out.block_size / 2;
    if (scale.divisor == 0) {
      std::memset(codes, zeros[0], static_cast<size_t>((n + 1) / 2));
      return;
    }
    find_all(
        search, x, n, scale.divisor,
        [&](int64_t i, I32x16 found)
            BITMETAL_INLINE { pack_nibbles<high_first>(codes + i / 2, found); },
        [&](int64_t i, I32x16 found) BITMETAL_INLINE {
          uint8_t packed[8];
          pack_nibbles<high_first>(packed, found);
          std::memcpy(codes + i / 2, packed, static_cast<size_t>((n - i + 1) / 2));
        });
  });
}

template <class Search, class T>
void quantize_bytes_by(const T* from, int64_t size, const BlockSearch256& table,
                       const BlockOutput& out) {
  constexpr int kAtOnce = 4;
  const Search search(table);
  uint8_t last[16];
  const auto find_last = [&](F32x16 y) BITMETAL_INLINE {
    const F32x16 one[1] = {y};
    search.find(one, last);
  };
  find_last(broadcast(0));
  const uint8_t zero = last[0];
  auto* scales = static_cast<float*>(out.scales);
  for_each_block(from, size, out.block_size, [&](const T* x, int64_t n, int64_t block) {
    const AbsmaxScale scale(block_absmax(x, n));
    scales[block] = scale.stored;
    uint8_t* codes = out.codes + block * out.block_size;
    if (scale.divisor == 0) {
      std::memset(codes, zero, static_cast<size_t>(n));
      return;
    }
    const F32x16 divisor = broadcast(scale.divisor);
    int64_t i = 0;
    for (; i + 16 * kAtOnce <= n; i += 16 * kAtOnce) {
      F32x16 y[kAtOnce];
      unroll<kAtOnce>([&](auto a) BITMETAL_INLINE { y[a] = div(load(x + i + 16 * a), divisor); });
      search.find(y, codes + i);
    }
    for (; i < n; i += 16) {
      const int64_t count = n - i < 16 ? n - i : 16;
      find_last(div(count < 16 ? load_partial(x + i, count) : load(x + i), divisor));
      std::memcpy(codes + i, last, static_cast<size_t>(count));
    }
  });
}
template <class T>
void quantize_bytes(const T* x, int64_t n, const BlockSearch256& table, const BlockOutput& out) {
  quantize_bytes_by<Search256>(x, n, table, out);
}

// Sixteen codes of `bits` to a stream, lowest bits first.
inline void pack_stream(const uint8_t* codes, int bits, uint8_t* to) {
  for (int half = 0; half < 2; ++half, codes += 8, to += bits) {
    uint64_t stream = 0;
    for (int i = 0; i < 8; ++i) stream |= uint64_t{codes[i]} << i * bits;
    std::memcpy(to, &stream, static_cast<size_t>(bits));
  }
}

// As MLX does it: the scale is chosen so that the end of the range with the larger magnitude is a
// multiple of it, which makes 0 exact, too. Blocks are 16 n.
template <class T>
void quantize_affine(const T* from, int64_t size, int bits, const BlockOutput& out) {
  const float most = static_cast<float>((1 << bits) - 1);
  auto* scales = static_cast<T*>(out.scales);
  auto* biases = static_cast<T*>(out.biases);
  for_each_block(from, size, out.block_size, [&](const T* x, int64_t n, int64_t block) {
    uint8_t* codes = out.codes + block * out.block_size * bits / 8;
    prefetch_ahead(x);
    F32x16 least = load(x), largest = least;
    I32x16 magnitudes = magnitude_bits(least);  // as integers, NaN is above infinity
    for (int64_t i = 16; i < n; i += 16) {
      const F32x16 v = load(x + i);
      prefetch_ahead(x + i);
      least = min(least, v);
      largest = max(largest, v);
      magnitudes = max(magnitudes, magnitude_bits(v));
    }
    if (!(std::bit_cast<float>(max_lane(magnitudes)) < kInfinity)) {
      scales[block] = biases[block] = T(std::numeric_limits<float>::quiet_NaN());
      std::memset(codes, 0, static_cast<size_t>(n * bits / 8));
      return;
    }
    float low = min_lane(least), high = max_lane(largest);
    float scale = (high - low) / most, edge = low;
    if (!(scale > 1e-7f)) scale = 1e-7f;
    if (!(std::fabs(low) > std::fabs(high))) {
      scale = -scale;
      edge = high;
    }
    const float steps = std::nearbyint(edge / scale);
    scales[block] = T(steps == 0 ? scale : edge / steps);
    biases[block] = T(steps == 0 ? 0.0f : edge);
    const F32x16 by = broadcast(static_cast<float>(scales[block]));
    const F32x16 minus = broadcast(-static_cast<float>(biases[block]));
    for (int64_t i = 0; i < n; i += 16, codes += 2 * bits) {
      const F32x16 y = div(add(load(x + i), minus), by);
      const I32x16 found = round_to_int(min(max(y, broadcast(0)), broadcast(most)));
      if (bits == 4) {
        pack_nibbles<false>(codes, found);
      } else if (bits == 8) {
        store_bytes(codes, found);
      } else {
        uint8_t bytes[16];
        store_bytes(bytes, found);
        pack_stream(bytes, bits, codes);
      }
    }
  });
}
