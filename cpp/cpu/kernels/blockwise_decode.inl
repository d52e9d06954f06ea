// Decoding blockwise quantized tensors.
//
// A loader has kBits, and from a block's scale, bias and book makes an object whose expand(p) is
// the 16 values at p; factors(p) may round them otherwise.
#pragma once

template <bool high_first>
struct NibbleLoader {
  static constexpr int kBits = 4;
  Table16 products;

  NibbleLoader(float scale, float, const float* book)
      : products(mul(load(book), broadcast(scale))) {}
  F32x16 expand(const uint8_t* p) const { return products.at(unpack_indices<4, high_first>(p)); }
  F32x16 factors(const uint8_t* p) const { return expand(p); }
};

struct ByteLoader {
  static constexpr int kBits = 8;
  F32x16 scale;
  const float* book;

  ByteLoader(float s, float, const float* b) : scale(broadcast(s)), book(b) {}
  F32x16 expand(const uint8_t* p) const { return mul(lookup_256(book, p), scale); }
  F32x16 factors(const uint8_t* p) const { return expand(p); }
};

template <int bits>
struct AffineLoader {
  static constexpr int kBits = bits;
  F32x16 scale, bias;

  AffineLoader(float s, float b, const float*) : scale(broadcast(s)), bias(broadcast(b)) {}
  F32x16 expand(const uint8_t* p) const {
    return add(mul(to_float(unpack_codes<bits, false>(p)), scale), bias);
  }
  F32x16 factors(const uint8_t* p) const {
    return mul_add(to_float(unpack_codes<bits, false>(p)), scale, bias);
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
