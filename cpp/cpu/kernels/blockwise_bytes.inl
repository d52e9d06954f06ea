// Codes of 8 bits on the sets that look bytes up.

#include "cpu/kernels/blockwise_decode.inl"

#include "cpu/kernels/blockwise_quantize.inl"

template <class T>
void quantize_by_bytes(const T* x, int64_t n, const BlockSearch256& table, const BlockOutput& out) {
  if (!table.bytes.usable) return quantize_bytes<T>(x, n, table, out);
  quantize_bytes_by<ByteSearch256>(x, n, table, out);
}

template <class T>
void decode_by_bytes(const BlockRun& run, T* out, bool stream_out) {
  const ByteBook book(run.book);
  const float* scale = run.scales;
  int64_t end = run.block_size - run.phase;
  for (int64_t i = 0; i < run.count; end += run.block_size) {
    if (end > run.count) end = run.count;
    const F32x16 factor = broadcast(*scale);
    for (; i + 64 <= end; i += 64) {
      F32x16 values[4];
      book.expand(run.codes + i, values);
      unroll<4>([&](auto j) BITMETAL_INLINE {
        const F32x16 value = mul(values[j], factor);
        if (stream_out) {
          stream(out + i + 16 * j, value);
        } else {
          store(out + i + 16 * j, value);
        }
      });
    }
    BlockRun rest = run;
    rest.count = end - i;
    rest.codes += i;
    rest.scales = scale++;
    rest.phase = 0;
    if (rest.count) decode_blocks<ByteLoader>(rest, out + i, stream_out);
    i = end;
  }
}

template <class T>
void use_byte_lookups_for(BlockTypeKernels<T>& kernels) {
  kernels.quantize_bytes = quantize_by_bytes<T>;
  kernels.decode[static_cast<int>(BlockLoader::bytes)] = decode_by_bytes<T>;
}
inline void use_byte_lookups(BlockwiseKernels& kernels) {
  use_byte_lookups_for(kernels.f32);
  use_byte_lookups_for(kernels.f16);
  use_byte_lookups_for(kernels.bf16);
}
