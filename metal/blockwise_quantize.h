// Blocks of a flattened array as a scale each and codes.
//
//   blockwise_quantize_FORMAT_T     buffer 0 x, 1 book (16 or 256 floats), 2 codes, 3 scales,
//       4 BlockwiseQuantizeParams; function constant kFcVectorX (x)
//       FORMAT is book4, book8 (scales are floats), mxfp4 or nvfp4 (bytes; the book is not read).
//       Blocks of 8, 16, ... 256 elements or of multiples of 256. A lane takes eight neighbours, so
//       that a simdgroup takes several small blocks at once or walks along a large one:
//       kReduceThreads threads, ceil(count / (8 * max(256, block_size))) threadgroups or fewer
//   blockwise_quantize_any_T        book8 with any blocks: a simdgroup each. kReduceThreads
//   threads,
//                                   ceil(blocks / 8) threadgroups
//
// Codes are aligned to 8 bytes.
#pragma once

#include "load_eight.h"
#include "micro_scales.h"

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

// What a value has to exceed to be nearer to a later entry of a sorted book than to entry i. Equal
// entries share a limit, so that the first of them is found.
template <uint kBook, typename Values>
METAL_FUNC float limit_after(Values book, uint i) {
  uint next = i + 1;
  while (next < kBook && book[next] == book[i]) ++next;
  return next < kBook ? lower_middle(book[i], book[next]) : INFINITY;
}

// An encoder finds codes of kBits: divisor() gives what a block's elements are divided by, or 0
// where all of them get the code of 0, and the scale that is stored; the call the code of a
// quotient.

// x / divisor, rounded once. Within these bounds, and where the divisor has a mantissa other than
// all ones, one step from x times the rounded reciprocal leads to the rounded quotient (P.
// Markstein, 1990); what it loses of quotients below 2^-40 is not seen in a code.
struct Quotient {
  float divisor;
  float inverse;  // 0 where the step does not serve

  static METAL_FUNC Quotient by(float divisor) {
    const bool serves = divisor > 0x1p-60f && divisor < 0x1p60f &&
                        (as_type<uint>(divisor) & 0x7fffffu) != 0x7fffffu;
    return Quotient{divisor, serves ? 1.0f / divisor : 0.0f};
  }
  METAL_FUNC float of(float x) const {
    if (inverse == 0) return divisor > 0 ? x / divisor : 0.0f;
    const float near = x * inverse;
    return fma(fma(-near, divisor, x), inverse, near);
  }
  // With one branch for all of them.
  METAL_FUNC void of_eight(thread float (&x)[8]) const {
    if (inverse == 0) {
      for (uint i = 0; i < 8; ++i) x[i] = of(x[i]);
      return;
    }
    BITMETAL_UNROLL
    for (uint i = 0; i < 8; ++i) {
      const float near = x[i] * inverse;
      x[i] = fma(fma(-near, divisor, x[i]), inverse, near);
    }
  }
};

// Codes of the nearest entry of a book, the lower of two that are equally near: an element's rank
// is the number of limits that it is above. The limits are a search tree, node n's children being
// 2n and 2n + 1, so that lanes that look at different limits of a level find them in different
// banks. A book of 256 is sorted: ranks are its codes.
template <uint kCodeBits>
struct BookEncoder {
  using Scale = float;
  static constant constexpr uint kBits = kCodeBits;
  static constant constexpr uint kEvenNibble = 1;
  static constant constexpr uint kBook = 1u << kBits;
  static constant constexpr uint kTable = kBits == 4 ? 3 * kBook : kBook;

  threadgroup const float* tree;
  threadgroup const float* codes;  // their bits, by rank

  // The node of the limit behind rank i.
  static METAL_FUNC uint node_of(uint i) {
    const uint below = ctz(i + 1);
    return (kBook >> (below + 1)) + ((i + 1) >> (below + 1));
  }

  // Called by all threads of the threadgroup.
  static METAL_FUNC BookEncoder open(device const float* book, threadgroup float* table, uint index,
                                     uint threads) {
    threadgroup float* codes = table + kBook;
    if (kBits == 8) {
      for (uint i = index; i < kBook - 1; i += threads) {
        table[node_of(i)] = limit_after<kBook>(book, i);
      }
    } else {
      threadgroup float* sorted = codes + kBook;
      for (uint i = index; i < kBook; i += threads) {
        uint rank = 0;
        for (uint j = 0; j < kBook; ++j) {
          if (book[j] < book[i] || (book[j] == book[i] && j < i)) ++rank;
        }
        sorted[rank] = book[i];
        codes[rank] = as_type<float>(i);
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
      for (uint i = index; i < kBook - 1; i += threads) {
        table[node_of(i)] = limit_after<kBook>(sorted, i);
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    return BookEncoder{table, codes};
  }

  static METAL_FUNC float divisor(uint greatest, thread Scale& stored) {
    stored = as_type<float>(greatest);
    return is_finite(as_type<float>(greatest)) ? stored : 0.0f;
  }

  METAL_FUNC uint operator()(float x) const {
    uint node = 1;
    for (uint level = 0; level < kBits; ++level) node = 2 * node + uint(x > tree[node]);
    return kBits == 8 ? node - kBook : as_type<uint>(codes[node - kBook]);
  }
};

// E2M1 under a scale of micro_scales.h: to nearest, ties to even codes, at most 6.
template <typename MicroScale>
struct MicroscalingEncoder {
  using Scale = uchar;
  static constant constexpr uint kBits = 4;
  static constant constexpr uint kEvenNibble = 0;
  static constant constexpr uint kTable = 1;  // which it does not use

  static METAL_FUNC MicroscalingEncoder open(device const float*, threadgroup float*, uint, uint) {
    return MicroscalingEncoder{};
  }

  static METAL_FUNC float divisor(uint greatest, thread Scale& stored) {
    stored = MicroScale::encode(greatest);
    return greatest > 0 && is_finite(as_type<float>(greatest)) ? MicroScale::decode(stored) : 0.0f;
  }

  METAL_FUNC uint operator()(float x) const {
    const float m = fabs(x);
    const uint code = uint(m > 0.25f) + uint(m >= 0.75f) + uint(m > 1.25f) + uint(m >= 1.75f) +
                      uint(m > 2.5f) + uint(m >= 3.5f) + uint(m > 5.0f);
    return x < 0 ? code | 8 : code;
  }
};

template <typename T, typename Encoder>
[[kernel]] void blockwise_quantize(
    device const T* x [[buffer(0)]], device const float* book [[buffer(1)]],
    device uchar* codes [[buffer(2)]], device typename Encoder::Scale* scales [[buffer(3)]],
    constant BlockwiseQuantizeParams& p [[buffer(4)]], uint group [[threadgroup_position_in_grid]],
    uint groups [[threadgroups_per_grid]], uint index [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  constexpr uint kBits = Encoder::kBits;
  threadgroup float table[Encoder::kTable];
  const Encoder encode = Encoder::open(book, table, index, simdgroups * kSimdWidth);

  const uint lanes = min(kSimdWidth, p.block_size / 8);  // that share a block
  const uint steps = max(1u, p.block_size / 256);
  // The table is made once for many parts.
  const ulong all = ulong(groups) * simdgroups;
  for (ulong part = ulong(group) * simdgroups + simdgroup; part * steps * 256 < p.count;
       part += all) {
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
    typename Encoder::Scale stored;
    const Quotient quotient = Quotient::by(Encoder::divisor(greatest, stored));
    if (lane % lanes == 0 && first < p.count) {
      scales[part * (kSimdWidth / lanes) + lane / lanes] = stored;
    }

    for (uint step = 0; step < steps; ++step) {
      const ulong at = first + step * 256;
      if (at >= p.count) break;
      if (step > 0) load_eight(x, at, p.count, values);
      uint2 words = uint2(0);
      quotient.of_eight(values);
      BITMETAL_UNROLL
      for (uint i = 0; i < 8; ++i) {
        const uint code = encode(values[i]);
        if (kBits == 4) {
          words.x |= code << 4 * (i ^ Encoder::kEvenNibble);
        } else {
          words[i / 4] |= code << 8 * (i % 4);
        }
      }
      device uchar* to = codes + at * kBits / 8;
      const uint bytes = (min(p.count - at, 8ul) * kBits + 7) / 8;
      if (bytes < kBits) {
        for (uint i = 0; i < 8; ++i) {
          if (i < bytes) to[i] = words[i / 4] >> 8 * (i % 4);
        }
      } else if (kBits == 4) {
        *(device uint*)to = words.x;
      } else {
        *(device uint2*)to = words;
      }
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
  threadgroup float table[BookEncoder<8>::kTable];
  const BookEncoder<8> encode = BookEncoder<8>::open(book, table, index, simdgroups * kSimdWidth);
  const ulong block = ulong(group) * simdgroups + simdgroup;
  const ulong start = block * p.block_size;
  if (start >= p.count) return;
  const ulong end = min(start + p.block_size, ulong(p.count));

  uint greatest = 0;
  for (ulong i = start + lane; i < end; i += kSimdWidth) {
    greatest = max(greatest, magnitude(float(x[i])));
  }
  greatest = simd_max(greatest);
  float stored;
  const Quotient quotient = Quotient::by(BookEncoder<8>::divisor(greatest, stored));
  if (lane == 0) absmax[block] = stored;
  for (ulong i = start + lane; i < end; i += kSimdWidth) {
    codes[i] = encode(quotient.of(float(x[i])));
  }
}
