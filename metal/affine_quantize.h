// Blocks of 8, 16, ... 256 elements as a scale, an offset and integers of a few bits; the end of
// the block's range that is farther from 0 is met exactly, and 0 nearly or exactly (MLX's choice).
//
//   affine_quantize_BITS_T   buffer 0 x, 1 codes, 2 scales, 3 offsets (both of type T),
//       4 BlockwiseQuantizeParams, count a multiple of the block size; function constant
//       kFcVectorX (x). A lane eight neighbours: kReduceThreads threads, ceil(count / 2048)
//       threadgroups. Codes are aligned to 8 bytes
//
// A block with NaN or infinity has a scale of NaN.
#pragma once

#include "load_eight.h"

constant constexpr float kLeastStep = 1e-7f;  // of the definition: keeps constant blocks finite

template <typename T, uint kBits>
[[kernel]] void affine_quantize(device const T* x [[buffer(0)]], device uchar* codes [[buffer(1)]],
                                device T* scales [[buffer(2)]], device T* offsets [[buffer(3)]],
                                constant BlockwiseQuantizeParams& p [[buffer(4)]],
                                uint group [[threadgroup_position_in_grid]],
                                uint simdgroup [[simdgroup_index_in_threadgroup]],
                                uint simdgroups [[simdgroups_per_threadgroup]],
                                uint lane [[thread_index_in_simdgroup]]) {
  constexpr float kSteps = (1u << kBits) - 1;
  const ulong at = (ulong(group) * simdgroups + simdgroup) * 256 + lane * 8;
  float values[8];
  load_eight(x, at, p.count, values);
  float low = values[0], high = values[0];
  uint greatest = 0;
  for (uint i = 0; i < 8; ++i) {
    low = min(low, values[i]);
    high = max(high, values[i]);
    greatest = max(greatest, magnitude(values[i]));
  }
  for (ushort mask = 1; mask < p.block_size / 8; mask *= 2) {
    low = min(low, simd_shuffle_xor(low, mask));
    high = max(high, simd_shuffle_xor(high, mask));
    greatest = max(greatest, simd_shuffle_xor(greatest, mask));
  }
  if (at >= p.count) return;

  float scale = max((high - low) / kSteps, kLeastStep), offset = 0, edge = low;
  if (!(fabs(low) > fabs(high))) {
    edge = high;
    scale = -scale;
  }
  const float multiple = rint(edge / scale);
  if (multiple != 0) {
    scale = edge / multiple;
    offset = edge;
  }
  const bool finite = is_finite(as_type<float>(greatest));
  const T stored_scale = T(finite ? scale : quiet_nan());
  const T stored_offset = T(finite ? offset : 0.0f);
  if (at % p.block_size == 0) {
    scales[at / p.block_size] = stored_scale;
    offsets[at / p.block_size] = stored_offset;
  }

  uint2 words = uint2(0);
  for (uint i = 0; i < 8; ++i) {
    const float step = rint((values[i] - float(stored_offset)) / float(stored_scale));
    const uint code = finite ? uint(clamp(step, 0.0f, kSteps)) : 0;
    const uint bit = kBits * i;
    words[bit / 32] |= code << bit % 32;
    if (bit % 32 + kBits > 32) words[1] |= code >> (32 - bit % 32);
  }
  device uchar* to = codes + at / 8 * kBits;
  if (kBits == 8) {
    *(device uint2*)to = words;
  } else if (kBits == 4) {
    *(device uint*)to = words.x;
  } else if (kBits == 2) {
    *(device ushort*)to = ushort(words.x);
  } else {
    for (uint i = 0; i < kBits; ++i) to[i] = uchar(words[i / 4] >> 8 * (i % 4));
  }
}
