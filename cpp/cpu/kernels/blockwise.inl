// Blockwise quantized tensors.
//
// A loader has kBits, and from a block's scale, bias and book makes an object whose expand(p) is
// the 16 values at p.

template <bool high_first>
struct NibbleLoader {
  static constexpr int kBits = 4;
  Table16 products;

  NibbleLoader(float scale, float, const float* book)
      : products(mul(load(book), broadcast(scale))) {}
  F32x16 expand(const uint8_t* p) const { return products.at(unpack_codes<4, high_first>(p)); }
};

struct ByteLoader {
  static constexpr int kBits = 8;
  F32x16 scale;
  const float* book;

  ByteLoader(float s, float, const float* b) : scale(broadcast(s)), book(b) {}
  F32x16 expand(const uint8_t* p) const { return mul(lookup_256(book, p), scale); }
};

template <int bits>
struct AffineLoader {
  static constexpr int kBits = bits;
  F32x16 scale, bias;

  AffineLoader(float s, float b, const float*) : scale(broadcast(s)), bias(broadcast(b)) {}
  F32x16 expand(const uint8_t* p) const {
    return add(mul(to_float(unpack_codes<bits, false>(p)), scale), bias);
  }
};

template <class Loader, class T>
void decode_blocks(const BlockRun& run, T* out, bool stream_out) {
  const float* scale = run.scales;
  const float* bias = run.biases;
  int64_t end = run.block_size - run.phase;
  for (int64_t i = 0; i < run.count; end += run.block_size) {
    if (end > run.count) end = run.count;
    const Loader loader(*scale++, bias ? *bias++ : 0, run.book);
    const uint8_t* p = run.codes + i * Loader::kBits / 8;
    if (stream_out) {
      for (; i + 16 <= end; i += 16, p += 2 * Loader::kBits) stream(out + i, loader.expand(p));
    } else {
      for (; i + 16 <= end; i += 16, p += 2 * Loader::kBits) store(out + i, loader.expand(p));
    }
    if (i < end) {
      uint8_t padded[16] = {};
      std::memcpy(padded, p, static_cast<size_t>(((end - i) * Loader::kBits + 7) / 8));
      store_partial(out + i, loader.expand(padded), end - i);
      i = end;
    }
  }
}

template <class T>
float block_absmax(const T* x, int64_t n) {
  I32x16 largest = broadcast_int(0);  // NaN is above infinity
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) largest = max(largest, magnitude_bits(load(x + i)));
  if (i < n) largest = max(largest, magnitude_bits(load_partial(x + i, n - i)));
  return std::bit_cast<float>(max_lane(largest));
}

template <bool high_first, class T>
inline void quantize_nibbles_as(const T* x, int64_t n, float divisor, const BlockSearch16& table,
                                uint8_t* codes) {
  const Search16 search(table);
  const F32x16 by = broadcast(divisor);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    prefetch(reinterpret_cast<const uint8_t*>(x + i) + 8192);
    pack_nibbles<high_first>(codes + i / 2, search.codes(div(load(x + i), by)));
  }
  if (i < n) {
    uint8_t packed[8];
    pack_nibbles<high_first>(packed, search.codes(div(load_partial(x + i, n - i), by)));
    std::memcpy(codes + i / 2, packed, static_cast<size_t>((n - i + 1) / 2));
  }
}

template <class T>
void quantize_nibbles(const T* x, int64_t n, float divisor, const BlockSearch16& search,
                      bool high_first, uint8_t* codes) {
  if (high_first) {
    quantize_nibbles_as<true>(x, n, divisor, search, codes);
  } else {
    quantize_nibbles_as<false>(x, n, divisor, search, codes);
  }
}

template <class T>
void quantize_bytes(const T* x, int64_t n, float divisor, const BlockSearch256& search,
                    uint8_t* codes) {
  const F32x16 by = broadcast(divisor);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) pack_bytes(codes + i, search_256(search, div(load(x + i), by)));
  if (i < n) {
    uint8_t packed[16];
    pack_bytes(packed, search_256(search, div(load_partial(x + i, n - i), by)));
    std::memcpy(codes + i, packed, static_cast<size_t>(n - i));
  }
}

template <class T>
constexpr BlockTypeKernels<T> kBlockTypeKernels{
    .absmax = block_absmax<T>,
    .quantize_nibbles = quantize_nibbles<T>,
    .quantize_bytes = quantize_bytes<T>,
    .decode = {decode_blocks<NibbleLoader<true>, T>, decode_blocks<NibbleLoader<false>, T>,
               decode_blocks<ByteLoader, T>, decode_blocks<AffineLoader<2>, T>,
               decode_blocks<AffineLoader<3>, T>, decode_blocks<AffineLoader<4>, T>,
               decode_blocks<AffineLoader<6>, T>, decode_blocks<AffineLoader<8>, T>},
};

constexpr BlockwiseKernels kBlockwiseKernels{
    .f32 = kBlockTypeKernels<float>,
    .f16 = kBlockTypeKernels<float16>,
    .bf16 = kBlockTypeKernels<bfloat16>,
};
