#include "cpu/blockwise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "cpu/isa/kernels.h"

namespace bitmetal::cpu {

BlockLoader loader_of(const BlockwiseArray& q) {
  switch (q.format) {
    case BlockFormat::nf4:
    case BlockFormat::fp4: return BlockLoader::nibbles_high_first;
    case BlockFormat::mxfp4:
    case BlockFormat::nvfp4: return BlockLoader::nibbles_low_first;
    case BlockFormat::int8: return BlockLoader::bytes;
    case BlockFormat::affine: break;
  }
  switch (q.bits) {
    case 2: return BlockLoader::affine2;
    case 3: return BlockLoader::affine3;
    case 4: return BlockLoader::affine4;
    case 6: return BlockLoader::affine6;
    default: return BlockLoader::affine8;
  }
}

namespace {

// 4 bits of exponent with bias 7, 3 of fraction; 0x7f is NaN, and there is no infinity.
float from_e4m3(uint8_t bits) {
  if ((bits & 0x7f) == 0x7f) return std::numeric_limits<float>::quiet_NaN();
  // Exponent and fraction stand where a float's do; the biases differ by 120.
  const float magnitude = std::bit_cast<float>(static_cast<uint32_t>(bits & 0x7f) << 20) * 0x1p120f;
  return bits & 0x80 ? -magnitude : magnitude;
}

std::array<float, 256> e8m0_table() {
  std::array<float, 256> table;
  for (int i = 0; i < 255; ++i) table[static_cast<size_t>(i)] = std::ldexp(1.0f, i - 127);
  table[255] = std::numeric_limits<float>::quiet_NaN();
  return table;
}
std::array<float, 256> e4m3_table() {
  std::array<float, 256> table;
  for (int i = 0; i < 256; ++i) table[static_cast<size_t>(i)] = from_e4m3(static_cast<uint8_t>(i));
  return table;
}

}  // namespace

BlockScales::BlockScales(const BlockwiseArray& q)
    : q_(q),
      bits_(q.bits),
      own_scales_(q.nested || q.scales.dtype() != DType::f32),
      own_biases_(q.biases && q.biases->dtype() != DType::f32) {}

void BlockScales::read_scales(int64_t block, int64_t count, float* to) const {
  if (q_.nested) {
    const BlockwiseArray& inner = *q_.nested;
    const auto* codes = inner.codes.data_as<uint8_t>();
    const auto* absmax = inner.scales.data_as<float>();
    const auto* book = inner.book->data_as<float>();
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at = block + i;
      to[i] = book[codes[at]] * absmax[at / inner.block_size] + q_.offset;
    }
  } else if (q_.scales.dtype() == DType::u8) {
    static const std::array<float, 256> e8m0 = e8m0_table(), e4m3 = e4m3_table();
    const auto& table = q_.format == BlockFormat::mxfp4 ? e8m0 : e4m3;
    const auto* from = q_.scales.data_as<uint8_t>() + block;
    for (int64_t i = 0; i < count; ++i) to[i] = table[from[i]];
  } else {
    const int64_t size = size_of(q_.scales.dtype());
    kernels().convert.of(q_.scales.dtype(), DType::f32)(q_.scales.data() + block * size, to, count);
  }
}

BlockRun BlockScales::run(int64_t first, int64_t count, float* buffer) const {
  const int64_t block = first / q_.block_size;
  const int64_t blocks = (first + count - 1) / q_.block_size + 1 - block;
  BlockRun run{q_.codes.data_as<uint8_t>() + first * bits_ / 8,
               count,
               q_.block_size,
               first % q_.block_size,
               nullptr,
               nullptr,
               q_.book ? q_.book->data_as<float>() : nullptr};
  if (own_scales_) {
    read_scales(block, blocks, buffer);
    run.scales = buffer;
    buffer += blocks;
  } else {
    run.scales = q_.scales.data_as<float>() + block;
  }
  if (own_biases_) {
    const DType dtype = q_.biases->dtype();
    const auto* from = q_.biases->data() + block * static_cast<int64_t>(size_of(dtype));
    kernels().convert.of(dtype, DType::f32)(from, buffer, blocks);
    run.biases = buffer;
  } else if (q_.biases) {
    run.biases = q_.biases->data_as<float>() + block;
  }
  return run;
}

}  // namespace bitmetal::cpu
