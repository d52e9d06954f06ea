// Blockwise quantized tensors: codes of a few bits, and one scale for each block of elements.
//
// Blocks run over the flattened tensor; the last one may be short. What a code stands for:
//   nf4, fp4        book[code] * absmax      4 bits, the even element in the high half of its byte
//   int8            book[code] * absmax      8 bits; any sorted book of 256 values
//   mxfp4, nvfp4    e2m1(code) * scale       4 bits, the even element in the low half
//   affine          scale * code + bias      2, 3, 4, 6 or 8 bits, a stream from the lowest bit of
//                                            the first byte on (MLX's layout, seen as bytes)
// mxfp4, nvfp4 and affine want a last axis of whole blocks. The codes and scales of one tensor are
// the same bits on every device.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "bitmetal/array.h"
#include "bitmetal/ops.h"

namespace bitmetal {

enum class BlockFormat : uint8_t { nf4, fp4, int8, mxfp4, nvfp4, affine };

std::string_view name_of(BlockFormat format);
// Throws ValueError naming the formats there are; `op` begins the message.
BlockFormat block_format_named(const char* op, std::string_view name);
// The usual one: 64, mxfp4 32, nvfp4 16.
int64_t own_block_size(BlockFormat format);

struct BlockwiseArray {
  Dims shape;          // of the dense tensor
  DType dtype;         // of the dense tensor: f32, f16 or bf16
  BlockFormat format;  //
  int bits;            // a code's
  int64_t block_size;  // elements that share a scale
  Array codes;         // u8, row-major, code_bytes() of them in any shape
  // One for each block, row-major in any shape. nf4, fp4, int8: f32; mxfp4: u8, an exponent with
  // bias 127 (E8M0); nvfp4: u8 (E4M3); affine: f32, f16 or bf16. With `nested`, its codes.
  Array scales;
  OptionalArray biases;  // affine: like the scales
  OptionalArray book;    // f32 [256] for int8, [16] for the 4-bit formats; affine has none
  // Double quantization: absmax = dequantize(nested) + offset; nested is int8 of shape (blocks(),).
  std::shared_ptr<const BlockwiseArray> nested;
  float offset = 0;

  int64_t size() const;
  int64_t blocks() const { return (size() + block_size - 1) / block_size; }
  int64_t code_bytes() const { return (size() * bits + 7) / 8; }
  size_t bytes() const;
  Device& device() const { return codes.device(); }
};

struct BlockOptions {
  std::optional<int64_t> block_size;  // else the format's own
  int bits = 4;                       // of affine
  bool double_quant = false;          // of nf4, fp4 and int8
  OptionalArray book;                 // of int8: else the dynamic map
};

// nf4, fp4, int8: absmax = max|x| of the block; the code is that of the entry nearest to x / absmax
// (one float32 division), and of the lower one where two are equally near. A block of zeros, or
// one with NaN or infinity (absmax NaN where it holds NaN), gets the code of 0 throughout: the
// latter dequantizes to NaN.
// mxfp4: scale = 2^(floor(log2 max|x|) - 2); nvfp4: max|x| / 6 rounded to E4M3; elements are
// rounded to nearest, ties to even codes, and saturate. affine: as MLX chooses scale and bias.
BlockwiseArray blockwise_quantize(const Array& x, BlockFormat format, const BlockOptions& options);

// What came from elsewhere, without a copy; checks types and sizes. `scales` or `nested` is given.
BlockwiseArray blockwise_from_parts(const BlockwiseArray& parts);

// The product (or scale * code + bias) in float32, rounded once to `dtype`.
Array blockwise_dequantize(const BlockwiseArray& q, DType dtype);
Array blockwise_absmax(const BlockwiseArray& q);  // f32 [blocks]; nf4, fp4 and int8

// y = x @ dequantize(q)^T + bias, summed in float32: x is [..., K], q is [N, K]. The result has x's
// type. No dense copy of the weight is made.
Array blockwise_matmul(const Array& x, const BlockwiseArray& q, const OptionalArray& bias = {},
                       const OptionalArray& out = {});

// The values of the format's 16 or 256 codes, f32.
Array block_book(BlockFormat format, Device& device);

}  // namespace bitmetal
