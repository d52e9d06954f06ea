// The mat-vec of books of 16 for GPUs with much threadgroup memory: a table has the pair of values
// that a byte of codes stands for, once for each of 16 lanes, so that no two lanes' loads of 8
// bytes meet in a bank. It takes all 32 KB.
//
//   blockwise_matvec_pairs_book4_T    buffers 0 to 5 and 8 as in blockwise_products.h; function
//       constant kFcHasBias. One row of x, whose address is a multiple of 16 bytes; kPairRows rows
//       a simdgroup, of which there are whole ones; rows of whole blocks of a power of two of 32 or
//       more, codes aligned to 8 bytes. kMatvecThreads threads,
//       ceil(rows / (kMatvecSimdgroups * kPairRows)) threadgroups
#pragma once

#include "blockwise_products.h"

constant constexpr uint kPairCopies = 16;
constant constexpr uint kPairColumns = 16;  // of a lane at a time

template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void blockwise_matvec_pairs(
    device const T* x [[buffer(0)]], device const uchar* codes [[buffer(1)]],
    device const float* scales [[buffer(2)]], device const float* book [[buffer(3)]],
    device T* y [[buffer(4)]], device const float* bias [[buffer(5), function_constant(has_bias)]],
    constant BlockwiseParams& p [[buffer(8)]], uint group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float4 table[256 * kPairCopies / 2];
  for (uint byte = index; byte < 256; byte += kMatvecThreads) {
    const float4 twice = float4(book[byte >> 4], book[byte & 15], book[byte >> 4], book[byte & 15]);
    for (uint i = 0; i < kPairCopies / 2; ++i) {
      table[byte * (kPairCopies / 2) + (i + byte) % (kPairCopies / 2)] = twice;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  threadgroup const uchar* own =
      (threadgroup const uchar*)table + lane % kPairCopies * sizeof(float2);

  const uint row0 = (group * kMatvecSimdgroups + simdgroup) * kPairRows;
  if (row0 >= p.rows) return;
  const uint blocks = p.columns >> p.block_shift;
  device const uchar* first_codes = codes + ulong(row0) * (p.columns / 2);
  device const float* first_scale = scales + ulong(row0) * blocks;
  float sums[kPairRows] = {};
  for (uint column = lane * kPairColumns; column < p.columns; column += kSimdWidth * kPairColumns) {
    uint2 words[kPairRows];
    float scale[kPairRows];
    device const uchar* from = first_codes + column / 2;
    device const float* scale_at = first_scale + (column >> p.block_shift);
    BITMETAL_UNROLL
    for (uint r = 0; r < kPairRows; ++r) {
      words[r] = *(device const uint2*)from;
      scale[r] = *scale_at;
      from += p.columns / 2;
      scale_at += blocks;
    }
    BITMETAL_UNROLL
    for (uint half_of = 0; half_of < 2; ++half_of) {
      Eight<T> eight;
      for (uint q = 0; q < Eight<T>::kQuads; ++q) {
        eight.quads[q] = ((device const uint4*)(x + column + 8 * half_of))[q];
      }
      float values[8];
      for (uint i = 0; i < 8; ++i) values[i] = float(eight.at(i));
      BITMETAL_UNROLL
      for (uint r = 0; r < kPairRows; ++r) {
        float sum = 0;
        BITMETAL_UNROLL
        for (uint i = 0; i < 4; ++i) {
          const uint word = words[r][half_of];
          const uint place = (i == 0 ? word << 7 : word >> (8 * i - 7)) & 0x7f80u;
          const float2 pair = *(threadgroup const float2*)(own + place);
          sum = fma(pair.y, values[2 * i + 1], fma(pair.x, values[2 * i], sum));
        }
        sums[r] = fma(scale[r], sum, sums[r]);
      }
    }
  }
  const BiasedStore<T> store{y, bias, p.rows};
  BITMETAL_UNROLL
  for (uint r = 0; r < kPairRows; ++r) {
    const float sum = simd_sum(sums[r]);
    if (lane == r) store(0, row0 + r, sum);
  }
}
