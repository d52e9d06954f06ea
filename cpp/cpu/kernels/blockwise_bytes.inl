// Codes of 8 bits on the sets that look bytes up.

#include "cpu/kernels/blockwise_decode.inl"

#include "cpu/kernels/blockwise_dot.inl"

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

template <int N>
inline void dot_64s(const BlockRun& run, const float* x, int64_t stride, float* y) {
  const ByteBook book(run.book);
  F32x16 sums[N][4];
  unroll<4 * N>([&](auto i) BITMETAL_INLINE { sums[i / 4][i % 4] = broadcast(0); });
  const float* scale = run.scales;
  for (int64_t i = 0, end; i < run.count; i = end) {
    const F32x16 factor = broadcast(*scale++);
    end = i + run.block_size < run.count ? i + run.block_size : run.count;
    for (int64_t at = i; at < end; at += 64) {
      prefetch(run.codes + at + run.count);  // the next row
      F32x16 values[4];
      book.expand(run.codes + at, values);
      unroll<4>([&](auto j) BITMETAL_INLINE {
        const F32x16 w = mul(values[j], factor);
        unroll<N>([&](auto n) BITMETAL_INLINE {
          sums[n][j] = mul_add(w, load(x + n * stride + at + 16 * j), sums[n][j]);
        });
      });
    }
  }
  for (int n = 0; n < N; ++n) {
    y[n] = add_lanes(add(add(sums[n][0], sums[n][1]), add(sums[n][2], sums[n][3])));
  }
}
inline void dot_by_bytes(const BlockRun& run, const float* x, int64_t stride, int count, float* y) {
  if (run.phase != 0 || run.block_size % 64 != 0 || run.count % 64 != 0) {
    return dot_blocks_of<ByteLoader>(run, x, stride, count, y);
  }
  switch (count) {
    case 1: return dot_64s<1>(run, x, stride, y);
    case 2: return dot_64s<2>(run, x, stride, y);
    case 3: return dot_64s<3>(run, x, stride, y);
    default: return dot_64s<4>(run, x, stride, y);
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
  kernels.dot[static_cast<int>(BlockLoader::bytes)] = dot_by_bytes;
}
