// Blocks of a flattened array as a scale each and codes.
//
//   blockwise_quantize_FORMAT_T     buffer 0 x, 1 book (16 or 256 floats), 2 codes, 3 scales,
//       4 BlockwiseQuantizeParams; function constant kFcVectorX (x)
//       FORMAT is book4, book8 (scales are floats), mxfp4 or nvfp4 (bytes; the book is not read).
//       Blocks of 16, 32, ... 512 elements or of multiples of 512. A lane takes kQuantizeEach
//       neighbours, so that a simdgroup takes several small blocks at once or walks along a large
//       one: kReduceThreads threads, ceil(count / (8 * max(512, block_size))) threadgroups or fewer
//   blockwise_quantize_any_T        book8 with any blocks: a simdgroup each. kReduceThreads
//                                   threads, ceil(blocks / 8) threadgroups or fewer
//
// Codes are aligned to 16 bytes.
#pragma once

#include "load_eight.h"
#include "micro_scales.h"

constant constexpr uint kLaneBits = 5;
static_assert(1u << kLaneBits == kSimdWidth, "lanes are numbers of so many bits");

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
  return next < kBook ? lower_middle(book[i], book[next]) : MAXFLOAT;
}

// An encoder finds codes of kBits: divisor() gives what a block's elements are divided by, or 0
// where all of them get the code of 0, and the scale that is stored; eight() the codes of eight
// quotients, as they are stored.

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

// Codes of the nearest entry of a book, the lower of two that are equally near. An element's rank
// is the number of limits that it is above; the first bits of its quotient as a half, sign,
// exponent and kMantissa bits, name a bin, and bins are as much finer around 0 as books are: where
// no bin has two limits, a comparison with the bin's own is left to be made. Other books are
// searched.
template <uint kCodeBits, uint kMantissa>
struct Bins {
  static constant constexpr uint kBook = 1u << kCodeBits;
  static constant constexpr uint kShift = 10 - kMantissa;
  static constant constexpr uint kSide = 0x8000u >> kShift;  // bins of each sign
  static constant constexpr uint kOne = 0x3c00u >> kShift;   // the bin of 1, beyond which none is
  static constant constexpr int kNowhere = 2 * kSide;        // behind all bins

  // The place of a limit's bin from the lowest quotients up. Limits beyond 1 lie in the outermost
  // bins, and missing ones behind them.
  static METAL_FUNC int place_of(float limit) {
    if (limit == MAXFLOAT) return kNowhere;
    const uint bin = as_type<ushort>(half(limit)) >> kShift;
    return bin < kSide ? int(kOne + 1 + min(bin, kOne)) : int(kOne - min(bin - kSide, kOne));
  }
  static METAL_FUNC int place_of_bin(uint bin) {
    return bin < kSide ? int(kOne + 1 + bin) : int(kOne + kSide) - int(bin);
  }

  // Limits whose bins are before a place.
  static METAL_FUNC uint rank_before(threadgroup const int* places, int place) {
    uint rank = 0;
    BITMETAL_UNROLL
    for (uint step = kBook / 2; step > 0; step /= 2) {
      if (places[rank + step - 1] < place) rank += step;
    }
    return rank;
  }

  // Called by whole simdgroups: whether two limits are in one bin.
  static METAL_FUNC bool crowded(threadgroup const int* places, uint lane) {
    bool found = false;
    for (uint i = lane + 1; i < kBook; i += kSimdWidth) {
      found = found || (places[i] < kNowhere && places[i] == places[i - 1]);
    }
    return simd_any(found);
  }

  static METAL_FUNC uint rank(threadgroup const float* limits, float x) {
    uint rank = 0;
    for (uint step = kBook / 2; step > 0; step /= 2) {
      if (x > limits[rank + step - 1]) rank += step;
    }
    return rank;
  }
};

// Books of 256 are sorted: ranks are codes.
struct BookEncoder8 {
  using Scale = float;
  using Bin = Bins<8, 6>;
  static constant constexpr uint kBits = 8;
  static constant constexpr uint kTable = 2 * Bin::kBook + 2 * Bin::kSide / 4;

  threadgroup const float* limits;
  threadgroup const uchar* bins;  // the least rank in each
  bool crowded;

  // Called by all threads of the threadgroup.
  static METAL_FUNC BookEncoder8 open(device const float* book, threadgroup float* table,
                                      uint index, uint threads) {
    threadgroup int* places = (threadgroup int*)(table + Bin::kBook);
    threadgroup uint* words = (threadgroup uint*)(places + Bin::kBook);  // of four bins
    for (uint i = index; i < Bin::kBook; i += threads) {
      table[i] = limit_after<Bin::kBook>(book, i);
      places[i] = Bin::place_of(table[i]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    constexpr uint kWords = Bin::kOne / 4 + 1;
    for (uint i = index; i < 2 * kWords; i += threads) {
      const uint word = i < kWords ? i : Bin::kSide / 4 + i - kWords;
      const bool rising = i < kWords;
      const int first = Bin::place_of_bin(rising ? 4 * word : 4 * word + 3);
      uint rank = Bin::rank_before(places, first), ranks = 0;
      BITMETAL_UNROLL
      for (uint j = 0; j < 4; ++j) {  // from one to the next there is one limit at most
        if (j > 0) rank += uint(places[rank] < first + int(j));
        ranks |= rank << 8 * (rising ? j : 3 - j);
      }
      words[word] = ranks;
    }
    const bool crowded = Bin::crowded(places, index % kSimdWidth);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    return BookEncoder8{table, (threadgroup const uchar*)words, crowded};
  }

  static METAL_FUNC float divisor(uint greatest, thread Scale& stored) {
    stored = as_type<float>(greatest);
    return is_finite(as_type<float>(greatest)) ? stored : 0.0f;
  }

  METAL_FUNC uint operator()(float x) const {
    if (crowded) return Bin::rank(limits, x);
    const uint least = bins[as_type<ushort>(half(x)) >> Bin::kShift];
    return least + uint(x > limits[least]);
  }
  METAL_FUNC uint2 eight(thread const float (&x)[8]) const {
    uint2 words = uint2(0);
    if (crowded) {
      for (uint i = 0; i < 8; ++i) words[i / 4] |= Bin::rank(limits, x[i]) << 8 * (i % 4);
      return words;
    }
    BITMETAL_UNROLL
    for (uint i = 0; i < 8; i += 2) {
      const uint two = as_type<uint>(half2(float2(x[i], x[i + 1])));
      const uint first = bins[two >> Bin::kShift & (2 * Bin::kSide - 1)];
      const uint second = bins[two >> (16 + Bin::kShift)];
      words[i / 4] += first << 8 * (i % 4);
      words[i / 4] += second << 8 * (i % 4 + 1);
      if (x[i] > limits[first]) words[i / 4] += 1u << 8 * (i % 4);
      if (x[i + 1] > limits[second]) words[i / 4] += 1u << 8 * (i % 4 + 1);
    }
    return words;
  }
};

// Books of 16, in any order: bins hold their limit and the codes of both sides of it.
struct BookEncoder4 {
  using Scale = float;
  using Bin = Bins<4, 2>;
  static constant constexpr uint kBits = 4;
  static constant constexpr uint kTable = 4 * Bin::kBook + 4 * Bin::kSide;

  threadgroup const float* limits;
  threadgroup const uint* codes;  // by rank
  threadgroup const uint2* bins;
  bool crowded;

  // Called by all threads of the threadgroup.
  static METAL_FUNC BookEncoder4 open(device const float* book, threadgroup float* table,
                                      uint index, uint threads) {
    constexpr uint kBook = Bin::kBook;
    threadgroup float* sorted = table + kBook;
    threadgroup int* places = (threadgroup int*)(sorted + kBook);
    threadgroup uint* codes = (threadgroup uint*)(places + kBook);
    threadgroup uint2* bins = (threadgroup uint2*)(codes + kBook);
    for (uint i = index; i < kBook; i += threads) {
      bool first = true;  // an entry that was there before takes part no more
      BITMETAL_UNROLL
      for (uint j = 0; j < kBook; ++j) first = first & (j >= i || book[j] != book[i]);
      table[i] = first ? book[i] : MAXFLOAT;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = index; i < kBook; i += threads) {
      uint rank = 0;
      BITMETAL_UNROLL
      for (uint j = 0; j < kBook; ++j) {
        rank += uint(table[j] < table[i] || (table[j] == table[i] && j < i));
      }
      sorted[rank] = table[i];
      codes[rank] = i;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = index; i < kBook; i += threads) {
      table[i] = limit_after<kBook>(sorted, i);
      places[i] = Bin::place_of(table[i]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = index; i < 2 * Bin::kSide; i += threads) {
      if (i % Bin::kSide > Bin::kOne) continue;
      const uint rank = Bin::rank_before(places, Bin::place_of_bin(i));
      bins[i] =
          uint2(as_type<uint>(table[rank]), codes[rank] | codes[min(rank + 1, kBook - 1)] << 4);
    }
    const bool crowded = Bin::crowded(places, index % kSimdWidth);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    return BookEncoder4{table, codes, bins, crowded};
  }

  static METAL_FUNC float divisor(uint greatest, thread Scale& stored) {
    return BookEncoder8::divisor(greatest, stored);
  }

  // The even element's nibble is the high one.
  METAL_FUNC uint2 eight(thread const float (&x)[8]) const {
    uint word = 0;
    if (crowded) {
      for (uint i = 0; i < 8; ++i) word |= codes[Bin::rank(limits, x[i])] << 4 * (i ^ 1);
      return uint2(word, 0);
    }
    BITMETAL_UNROLL
    for (uint i = 0; i < 8; i += 2) {
      const uint two = as_type<uint>(half2(float2(x[i], x[i + 1])));
      const uint2 first = bins[two >> Bin::kShift & (2 * Bin::kSide - 1)];
      const uint2 second = bins[two >> (16 + Bin::kShift)];
      const uint high = x[i] > as_type<float>(first.x) ? first.y >> 4 : first.y;
      const uint low = x[i + 1] > as_type<float>(second.x) ? second.y >> 4 : second.y;
      word |= (high << 4 * (i + 1) & 15u << 4 * (i + 1)) | (low << 4 * i & 15u << 4 * i);
    }
    return uint2(word, 0);
  }
};

// E2M1 under a scale of micro_scales.h: to nearest, ties to even codes, at most 6.
template <typename MicroScale>
struct MicroscalingEncoder {
  using Scale = uchar;
  static constant constexpr uint kBits = 4;
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
  METAL_FUNC uint2 eight(thread const float (&x)[8]) const {
    uint word = 0;
    BITMETAL_UNROLL
    for (uint i = 0; i < 8; ++i) word |= (*this)(x[i]) << 4 * i;
    return uint2(word, 0);
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
  threadgroup float4 table[(Encoder::kTable + 3) / 4];
  const Encoder encode =
      Encoder::open(book, (threadgroup float*)table, index, simdgroups * kSimdWidth);

  constexpr uint kEach = kQuantizeEach, kSpan = kSimdWidth * kEach, kBytes = kEach * kBits / 8;
  const uint lanes = 1u << p.lane_shift;
  const uint steps = max(1u, p.block_size / kSpan);
  // The table is made once for many parts.
  const ulong all = ulong(groups) * simdgroups;
  for (ulong part = ulong(group) * simdgroups + simdgroup; part * steps * kSpan < p.count;
       part += all) {
    ulong at = part * steps * kSpan + lane * kEach;
    float first[8], second[8];
    uint greatest = 0;
    for (uint step = steps; step-- > 0;) {  // ending with the values that are wanted next
      load_eight(x, at + step * kSpan, p.count, first);
      load_eight(x, at + step * kSpan + 8, p.count, second);
      for (uint i = 0; i < 8; ++i) {
        greatest = max(greatest, max(magnitude(first[i]), magnitude(second[i])));
      }
    }
    BITMETAL_UNROLL
    for (ushort mask = 1; mask < kSimdWidth; mask *= 2) {
      if (mask < lanes) greatest = max(greatest, simd_shuffle_xor(greatest, mask));
    }
    if (at >= p.count) continue;
    typename Encoder::Scale stored;
    const Quotient quotient = Quotient::by(Encoder::divisor(greatest, stored));
    if ((lane & (lanes - 1)) == 0) {
      scales[(part << (kLaneBits - p.lane_shift)) + (lane >> p.lane_shift)] = stored;
    }

    for (uint step = 0;;) {
      quotient.of_eight(first);
      quotient.of_eight(second);
      const uint2 left = encode.eight(first), right = encode.eight(second);
      const uint4 words = kBits == 4 ? uint4(left.x, right.x, 0, 0) : uint4(left, right);
      device uchar* to = codes + at * kBits / 8;
      if (at + kEach > p.count) {
        const uint bytes = (uint(p.count - at) * kBits + 7) / 8;
        BITMETAL_UNROLL
        for (uint i = 0; i < kBytes; ++i) {
          if (i < bytes) to[i] = words[i / 4] >> 8 * (i % 4);
        }
      } else if (kBits == 4) {
        *(device uint2*)to = words.xy;
      } else {
        *(device uint4*)to = words;
      }
      at += kSpan;
      if (++step == steps || at >= p.count) break;
      load_eight(x, at, p.count, first);
      load_eight(x, at + 8, p.count, second);
    }
  }
}

template <typename T>
[[kernel]] void blockwise_quantize_any(
    device const T* x [[buffer(0)]], device const float* book [[buffer(1)]],
    device uchar* codes [[buffer(2)]], device float* absmax [[buffer(3)]],
    constant BlockwiseQuantizeParams& p [[buffer(4)]], uint group [[threadgroup_position_in_grid]],
    uint groups [[threadgroups_per_grid]], uint index [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float table[BookEncoder8::kTable];
  const BookEncoder8 encode = BookEncoder8::open(book, table, index, simdgroups * kSimdWidth);
  const ulong all = ulong(groups) * simdgroups;
  for (ulong block = ulong(group) * simdgroups + simdgroup; block * p.block_size < p.count;
       block += all) {
    const ulong start = block * p.block_size;
    const ulong end = min(start + p.block_size, ulong(p.count));
    uint greatest = 0;
    for (ulong i = start + lane; i < end; i += kSimdWidth) {
      greatest = max(greatest, magnitude(float(x[i])));
    }
    greatest = simd_max(greatest);
    float stored;
    const Quotient quotient = Quotient::by(BookEncoder8::divisor(greatest, stored));
    if (lane == 0) absmax[block] = stored;
    for (ulong i = start + lane; i < end; i += kSimdWidth) {
      codes[i] = encode(quotient.of(float(x[i])));
    }
  }
}
