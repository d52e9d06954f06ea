// Ternary (BitNet b1.58) matrices, W ~ scale * T with T in {-1, 0, +1}.
//
// Storage, on every device ("panels"): 2-bit codes T + 1, rows and columns padded to multiples of
// 16 with code 1. A panel is 16 rows; it is a run of 64-byte blocks along the columns, each 16 rows
// by 16 columns: byte 4r + c of a block holds columns c, 4 + c, 8 + c and 12 + c of row r, two bits
// each, lowest bits first. A 32-bit load is therefore 16 codes of one row, a 64-byte load 16 rows
// by 16 columns, and masking fields in place feeds 8-bit dot-product instructions without a
// shuffle. Scales: float32 [panels][groups][16 rows]; one scale per tensor or per row is the case
// of one group.
//
// The cpu device has a second packing, "trits", for weights that stream from memory: each five
// blocks, 80 columns, are 256 bytes of five codes a byte in base 3, 1.6 bits a weight. Its products
// expand a band of panels to 2-bit codes in the cache.
#pragma once

#include <optional>
#include <string_view>

#include "bitmetal/array.h"

namespace bitmetal {

inline constexpr int64_t kPanelRows = 16;
inline constexpr int64_t kBlockColumns = 16;
inline constexpr int64_t kBlockBytes = 64;
inline constexpr int64_t kTritBlocks = 5;  // blocks that are packed together as trits

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

enum class Granularity : uint8_t { tensor, row, group };
enum class Packing : uint8_t { two_bits, trits };

struct TernaryMatrix {
  int64_t rows, columns;    // the weight's shape: out features, in features
  Granularity granularity;  // what one scale covers
  int64_t group_size;       // columns that share a scale: a multiple of 16, or `columns`
  Packing packing;
  Array codes;   // u8 [panels, blocks, 64], or [panels, ceil(blocks / 5), 256] of trits
  Array scales;  // f32 [panels, groups, 16]

  int64_t panels() const { return ceil_div(rows, kPanelRows); }
  int64_t blocks() const { return ceil_div(columns, kBlockColumns); }
  int64_t groups() const { return columns ? ceil_div(columns, group_size) : 0; }
  size_t bytes() const { return codes.bytes() + scales.bytes(); }
  Device& device() const { return codes.device(); }

  // Uninitialised.
  static TernaryMatrix make(int64_t rows, int64_t columns, Granularity, int64_t group_size,
                            Device&);
};

// Absmean quantization: s = max(mean|W|, 1e-5) over the tensor, each row or each group of columns,
// T = clamp(round_half_even(W / s), -1, 1). `weight` is [rows, columns] of f32, f16 or bf16; the
// mean is summed in float64 in a fixed order. Throws ValueError where the weight holds NaN or
// infinity.
TernaryMatrix ternary_quantize(const Array& weight, Granularity granularity, int64_t group_size);

// Over the memory of another matrix's two-bit codes and scales; one scale a row where `group_size`
// is 0. Checks their types and shapes, not the codes.
TernaryMatrix ternary_from_panels(const Array& codes, const Array& scales, int64_t rows,
                                  int64_t columns, int64_t group_size);

// From int8 codes in {-1, 0, 1} and float32 scales of shape (), (rows,) or (rows, groups).
TernaryMatrix ternary_from_codes(const Array& codes, const Array& scale, int64_t group_size);
// The same matrix packed otherwise; `w` itself where it is packed so. Throws CapabilityError where
// the device has no trits.
TernaryMatrix ternary_repack(const TernaryMatrix& w, Packing packing);
Array ternary_codes(const TernaryMatrix& w);                    // i8 [rows, columns]
Array ternary_scale(const TernaryMatrix& w);                    // f32 (), (rows,), (rows, groups)
Array ternary_dequantize(const TernaryMatrix& w, DType dtype);  // [rows, columns]

// y = x @ W^T with float activations (W1.58A16). x is [..., columns]; the result has x's type.
Array ternary_matmul(const Array& x, const TernaryMatrix& w, const std::optional<Array>& out = {});

// y = (q @ T^T) * s / sx + bias with int8 activations per token (W1.58A8): sx = 127 / max(max|x|,
// 1e-5), q = clamp(round_half_even(x * sx), -128, 127); the integer product is exact. With
// `norm_weight`, x is first RMS-normalised: x / sqrt(mean(x^2) + eps) * norm_weight. A row with NaN
// or infinity gives NaN.
Array bitlinear(const Array& x, const TernaryMatrix& w, const std::optional<Array>& bias,
                const std::optional<Array>& norm_weight, float eps,
                const std::optional<Array>& out = {});

// Hugging Face BitNet: u8 [ceil(rows / 4), columns]; row i is in bits 2 * (i / R) of byte row i %
// R.
TernaryMatrix ternary_from_hf(const Array& packed, const Array& scale, int64_t rows,
                              int64_t columns);
Array ternary_to_hf(const TernaryMatrix& w);

// GGUF blocks of 256 weights ("TQ1_0": 54 bytes, "TQ2_0": 66 bytes), each with its f16 scale.
TernaryMatrix ternary_from_gguf(const Array& raw, std::string_view format, int64_t rows,
                                int64_t columns);
Array ternary_to_gguf(const TernaryMatrix& w, std::string_view format);  // u8 [rows, row bytes]

}  // namespace bitmetal
