// Blocks of a flattened array as an absolute maximum each and codes of a book.
//
//   blockwise_quantize_book4_T      buffer 0 x, 1 book (16 or 256 floats), 2 codes, 3 absmax,
//   blockwise_quantize_book8_T      4 BlockwiseQuantizeParams; function constant kFcVectorX (x)
//       Blocks of 8, 16, ... 256 elements or of multiples of 256. A lane takes eight neighbours, so
//       that a simdgroup takes several small blocks at once or walks along a large one:
//       kReduceThreads threads, ceil(count / (8 * max(256, block_size))) threadgroups
//   blockwise_quantize_book8_any_T  any blocks: a simdgroup each. kReduceThreads threads,
//                                   ceil(blocks / 8) threadgroups
//
// A book of 256 is sorted. Codes are aligned to 8 bytes.
#pragma once

#include "numeric.h"

constant bool vector_x [[function_constant(6)]];

// The largest float that is no greater than the middle between two.
METAL_FUNC float lower_middle(float a, float b) {
  const float sum = a + b;
  const float part = sum - a;
  const float error = (a - (sum - part)) + (b - part);  // of the sum: exact
  const float middle = 0.5f * sum;
  if (error >= 0) return middle;
  const uint bits = as_type<uint>(middle);
  return as_type<float>(middle > 0 ? bits - 1 : middle < 0 ? bits + 1 : 0x80000001u);
}

// What finds the code nearest to a value, the lower of two that are equally near: an element of
// rank r is above limits[r - 1] and not above limits[r]. Of equal entries the first is meant.
template <uint kBits>
struct NearestCode {
  static constant constexpr uint kBook = 1u << kBits;

  threadgroup const float* limits;
  threadgroup const uint* codes;

  METAL_FUNC uint operator()(float x) const {
    uint rank = 0;
    for (uint half_way = kBook / 2; half_way > 0; half_way /= 2) {
      if (x > limits[rank + half_way - 1]) rank += half_way;
    }
    return kBits == 8 ? rank : codes[rank];
  }
};

// Called by all threads. `limits` has room for kBook, `codes` and `sorted` for a book of 16.
template <uint kBits>
METAL_FUNC NearestCode<kBits> nearest_code(device const float* book, threadgroup float* limits,
                                           threadgroup uint* codes, threadgroup float* sorted,
                                           uint index, uint threads) {
  constexpr uint kBook = 1u << kBits;
  if (kBits == 8) {
    for (uint i = index; i + 1 < kBook; i += threads) {
      limits[i] = lower_middle(book[i], book[i + 1]);
    }
  } else {
    for (uint i = index; i < kBook; i += threads) {
      uint rank = 0, equal = i;
      for (uint j = 0; j < kBook; ++j) {
        if (book[j] < book[i] || (book[j] == book[i] && j < i)) ++rank;
        if (book[j] == book[i]) equal = min(equal, j);
      }
      sorted[rank] = book[i];
      codes[rank] = equal;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = index; i + 1 < kBook; i += threads) {
      limits[i] = lower_middle(sorted[i], sorted[i + 1]);
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return NearestCode<kBits>{limits, codes};
}

// Magnitudes as bits are in the order of the floats, infinity and then NaN at the end.
METAL_FUNC uint magnitude(float x) { return as_type<uint>(x) & 0x7fffffffu; }

// What a block's elements are divided by; they are taken for 0 where that is no finite positive
// number.
METAL_FUNC bool divides(uint greatest) { return greatest > 0 && greatest < 0x7f800000u; }

template <typename T>
METAL_FUNC void load_eight(device const T* x, ulong at, ulong count, thread float (&values)[8]) {
  if (vector_x && at + 8 <= count) {
    const vec<T, 4> first = *(device const vec<T, 4>*)(x + at);
    const vec<T, 4> second = *(device const vec<T, 4>*)(x + at + 4);
    for (uint i = 0; i < 4; ++i) {
      values[i] = float(first[i]);
      values[4 + i] = float(second[i]);
    }
  } else {
    for (uint i = 0; i < 8; ++i) values[i] = at + i < count ? float(x[at + i]) : 0.0f;
  }
}

template <typename T, uint kBits>
[[kernel]] void blockwise_quantize(
    device const T* x [[buffer(0)]], device const float* book [[buffer(1)]],
    device uchar* codes [[buffer(2)]], device float* absmax [[buffer(3)]],
    constant BlockwiseQuantizeParams& p [[buffer(4)]], uint group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float limits[1u << kBits];
  threadgroup float sorted[16];
  threadgroup uint code_of_rank[16];
  const NearestCode<kBits> nearest =
      nearest_code<kBits>(book, limits, code_of_rank, sorted, index, simdgroups * kSimdWidth);

  const uint lanes = min(kSimdWidth, p.block_size / 8);  // that share a block
  const uint steps = max(1u, p.block_size / 256);
  const ulong part = ulong(group) * simdgroups + simdgroup;
  const ulong first = part * steps * 256 + lane * 8;

  float values[8];
  uint greatest = 0;
  for (uint step = steps; step-- > 0;) {  // ending with the values that are wanted next
    load_eight(x, first + step * 256, p.count, values);
    for (uint i = 0; i < 8; ++i) greatest = max(greatest, magnitude(values[i]));
  }
  for (ushort mask = 1; mask < lanes; mask *= 2) {
    greatest = max(greatest, simd_shuffle_xor(greatest, mask));
  }
  const float divisor = as_type<float>(greatest);
  if (lane % lanes == 0 && first < p.count) {
    absmax[part * (kSimdWidth / lanes) + lane / lanes] = divisor;
  }

  for (uint step = 0; step < steps; ++step) {
    const ulong at = first + step * 256;
    if (at >= p.count) break;
    if (step > 0) load_eight(x, at, p.count, values);
    uint2 words = uint2(0);
    for (uint i = 0; i < 8; ++i) {
      const uint code = nearest(divides(greatest) ? values[i] / divisor : 0.0f);
      if (kBits == 4) {
        words.x |= code << 4 * (i ^ 1);
      } else {
        words[i / 4] |= code << 8 * (i % 4);
      }
    }
    device uchar* to = codes + at * kBits / 8;
    const uint bytes = (min(p.count - at, 8ul) * kBits + 7) / 8;
    if (bytes < kBits) {
      for (uint i = 0; i < bytes; ++i) to[i] = words[i / 4] >> 8 * (i % 4);
    } else if (kBits == 4) {
      *(device uint*)to = words.x;
    } else {
      *(device uint2*)to = words;
    }
  }
}

template <typename T>
[[kernel]] void blockwise_quantize_any(
    device const T* x [[buffer(0)]], device const float* book [[buffer(1)]],
    device uchar* codes [[buffer(2)]], device float* absmax [[buffer(3)]],
    constant BlockwiseQuantizeParams& p [[buffer(4)]], uint group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float limits[256];
  const NearestCode<8> nearest =
      nearest_code<8>(book, limits, nullptr, nullptr, index, simdgroups * kSimdWidth);
  const ulong block = ulong(group) * simdgroups + simdgroup;
  const ulong start = block * p.block_size;
  if (start >= p.count) return;
  const ulong end = min(start + p.block_size, ulong(p.count));

  uint greatest = 0;
  for (ulong i = start + lane; i < end; i += kSimdWidth) {
    greatest = max(greatest, magnitude(float(x[i])));
  }
  greatest = simd_max(greatest);
  const float divisor = as_type<float>(greatest);
  if (lane == 0) absmax[block] = divisor;
  for (ulong i = start + lane; i < end; i += kSimdWidth) {
    codes[i] = nearest(divides(greatest) ? float(x[i]) / divisor : 0.0f);
  }
}
