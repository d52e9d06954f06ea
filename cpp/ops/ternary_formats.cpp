// Ternary layouts of other systems, read and written exactly: Hugging Face BitNet and GGUF.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/half.h"
#include "core/thread_pool.h"
#include "ops/check.h"
#include "ops/ternary.h"

namespace bitmetal {
namespace {

constexpr int64_t kFieldsPerByte = 4;  // Hugging Face
constexpr int64_t kGgufBlock = 256;

// A run of bytes in a block. Byte j holds `digits` weights: j, width + j, 2 * width + j, ...
// counted from `first`.
struct Run {
  int first, width, digits;
};
// 5 trits a byte, most significant first, as a fraction of 256: byte = ceil(value * 256 / 243), so
// that the digits come out of the top one after another as the byte is multiplied by 3. The last
// run has four trits a byte and a zero fifth.
constexpr Run kTq1Runs[] = {{0, 32, 5}, {160, 16, 5}, {240, 4, 4}};
// 2 bits a weight, lowest bits first.
constexpr Run kTq2Runs[] = {{0, 32, 4}, {128, 32, 4}};

struct GgufFormat {
  const char* name;
  int code_bytes;
  void (*encode)(const int8_t* codes, uint8_t* bytes);
  bool (*decode)(const uint8_t* bytes, int8_t* codes);  // false where a field is not a trit

  int64_t block_bytes() const { return code_bytes + 2; }  // the scale is a float16
};

void encode_tq1(const int8_t* codes, uint8_t* bytes) {
  for (const Run& run : kTq1Runs) {
    for (int j = 0; j < run.width; ++j) {
      int value = 0;
      for (int n = 0; n < 5; ++n) {
        value = value * 3 + (n < run.digits ? codes[run.first + n * run.width + j] + 1 : 0);
      }
      *bytes++ = static_cast<uint8_t>((value * 256 + 242) / 243);
    }
  }
}

bool decode_tq1(const uint8_t* bytes, int8_t* codes) {
  for (const Run& run : kTq1Runs) {
    for (int j = 0; j < run.width; ++j) {
      uint8_t rest = *bytes++;
      for (int n = 0; n < run.digits; ++n) {
        codes[run.first + n * run.width + j] = static_cast<int8_t>((rest * 3 >> 8) - 1);
        rest = static_cast<uint8_t>(rest * 3);
      }
    }
  }
  return true;
}

void encode_tq2(const int8_t* codes, uint8_t* bytes) {
  for (const Run& run : kTq2Runs) {
    for (int j = 0; j < run.width; ++j) {
      int value = 0;
      for (int n = 0; n < 4; ++n) value |= (codes[run.first + n * run.width + j] + 1) << 2 * n;
      *bytes++ = static_cast<uint8_t>(value);
    }
  }
}

bool decode_tq2(const uint8_t* bytes, int8_t* codes) {
  bool valid = true;
  for (const Run& run : kTq2Runs) {
    for (int j = 0; j < run.width; ++j) {
      const uint8_t byte = *bytes++;
      valid &= (byte & byte >> 1 & 0x55) == 0;  // no field is 3
      for (int n = 0; n < 4; ++n) {
        codes[run.first + n * run.width + j] = static_cast<int8_t>((byte >> 2 * n & 3) - 1);
      }
    }
  }
  return valid;
}

constexpr GgufFormat kGgufFormats[] = {{"TQ1_0", 52, encode_tq1, decode_tq1},
                                       {"TQ2_0", 64, encode_tq2, decode_tq2}};

const GgufFormat& find_format(const char* op, std::string_view name) {
  for (const GgufFormat& format : kGgufFormats) {
    if (name == format.name) return format;
  }
  fail<ValueError>(op, ": format is '", name, "', expected 'TQ1_0' or 'TQ2_0'");
}

void require_bytes(const char* op, const char* name, const Array& array) {
  if (array.dtype() != DType::u8) {
    fail<TypeError>(op, ": ", name, " is ", name_of(array.dtype()), ", expected uint8");
  }
}

void require_shape_argument(const char* op, int64_t rows, int64_t columns) {
  if (rows < 0 || columns < 0) {
    fail<ValueError>(op, ": shape is (", rows, ", ", columns, "), expected sizes of 0 or more");
  }
}

}  // namespace

TernaryMatrix ternary_from_hf(const Array& packed, const Array& scale, int64_t rows,
                              int64_t columns) {
  const char* op = "ternary.from_hf";
  common_device(op, {{"packed", &packed}, {"scale", &scale}});
  require_bytes(op, "packed", packed);
  require_shape_argument(op, rows, columns);
  const int64_t byte_rows = ceil_div(rows, kFieldsPerByte);
  require_shape(op, "packed", packed, {byte_rows, columns});
  if (scale.size() != 1) {
    fail<ValueError>(op, ": scale has shape ", scale.shape(), ", expected one element");
  }
  const Array in = on_host(contiguous(packed));
  const Array codes({rows, columns}, DType::i8, in.device());
  const auto* bytes = read_on_host<uint8_t>(in);
  auto* out = write_on_host<int8_t>(codes);
  parallel_for(rows, ceil_div(1 << 16, std::max<int64_t>(columns, 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t row = begin; row < end; ++row) {
                   const uint8_t* source = bytes + row % byte_rows * columns;
                   const int shift = static_cast<int>(2 * (row / byte_rows));
                   for (int64_t k = 0; k < columns; ++k) {
                     const int code = source[k] >> shift & 3;
                     if (code == 3) {
                       fail<ValueError>(op, ": packed holds the code 3 at row ", row, ", column ",
                                        k, "; expected 0, 1 or 2");
                     }
                     out[row * columns + k] = static_cast<int8_t>(code - 1);
                   }
                 }
               });
  return assemble_ternary(op, to_device(codes, packed.device()), reshape(scale, {}), 0);
}

Array ternary_to_hf(const TernaryMatrix& w) {
  const char* op = "to_hf";
  if (w.granularity != Granularity::tensor) {
    fail<ValueError>(op, ": the matrix has one scale a ",
                     w.granularity == Granularity::row ? "row" : "group",
                     ", the format has one a tensor");
  }
  const Array codes = on_host(ternary_codes(w));
  const auto* values = read_on_host<int8_t>(codes);
  const int64_t byte_rows = ceil_div(w.rows, kFieldsPerByte);
  const Array packed({byte_rows, w.columns}, DType::u8, codes.device());
  auto* out = write_on_host<uint8_t>(packed);
  parallel_for(byte_rows, ceil_div(1 << 16, std::max<int64_t>(w.columns, 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t r = begin; r < end; ++r) {
                   uint8_t* row = out + r * w.columns;
                   std::memset(row, 0, w.columns);
                   for (int64_t field = 0; field < kFieldsPerByte; ++field) {
                     const int64_t source = r + field * byte_rows;
                     if (source >= w.rows) break;
                     for (int64_t k = 0; k < w.columns; ++k) {
                       row[k] |=
                           static_cast<uint8_t>((values[source * w.columns + k] + 1) << 2 * field);
                     }
                   }
                 }
               });
  return to_device(packed, w.device());
}

TernaryMatrix ternary_from_gguf(const Array& raw, std::string_view name, int64_t rows,
                                int64_t columns) {
  const char* op = "ternary.from_gguf";
  const GgufFormat& format = find_format(op, name);
  require_bytes(op, "raw", raw);
  require_shape_argument(op, rows, columns);
  if (columns % kGgufBlock != 0) {
    fail<ValueError>(op, ": shape has ", columns, " columns, expected a multiple of ", kGgufBlock);
  }
  const int64_t blocks = columns / kGgufBlock;
  int64_t expected;
  if (__builtin_mul_overflow(rows, blocks * format.block_bytes(), &expected) ||
      raw.size() != expected) {
    fail<ValueError>(op, ": raw has ", raw.size(), " bytes, a ", rows, " x ", columns, " ", name,
                     " matrix has ", rows, " x ", blocks, " blocks of ", format.block_bytes(),
                     " bytes");
  }
  const Array in = on_host(contiguous(raw));
  const Array codes({rows, columns}, DType::i8, in.device());
  const Array scales({rows, blocks}, DType::f32, in.device());
  const auto* bytes = read_on_host<uint8_t>(in);
  auto* code = write_on_host<int8_t>(codes);
  auto* scale = write_on_host<float>(scales);
  parallel_for(rows * blocks, 256, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const uint8_t* block = bytes + b * format.block_bytes();
      if (!format.decode(block, code + b * kGgufBlock)) {
        fail<ValueError>(op, ": raw holds the code 3 in block ", b % blocks, " of row ", b / blocks,
                         "; expected 0, 1 or 2");
      }
      float16 d;
      std::memcpy(&d, block + format.code_bytes, sizeof(d));
      scale[b] = static_cast<float>(d);
    }
  });
  return assemble_ternary(op, to_device(codes, raw.device()), scales, kGgufBlock);
}

Array ternary_to_gguf(const TernaryMatrix& w, std::string_view name) {
  const char* op = "to_gguf";
  const GgufFormat& format = find_format(op, name);
  if (w.columns % kGgufBlock != 0) {
    fail<ValueError>(op, ": the matrix has ", w.columns, " columns, expected a multiple of ",
                     kGgufBlock);
  }
  if (w.granularity == Granularity::group && w.group_size != kGgufBlock) {
    fail<ValueError>(op, ": the matrix has a scale for each ", w.group_size,
                     " columns, the format has one for each ", kGgufBlock);
  }
  const int64_t blocks = w.columns / kGgufBlock;
  const Array codes = on_host(ternary_codes(w));
  const Array scales = on_host(ternary_scale(w));
  const auto* code = read_on_host<int8_t>(codes);
  const auto* scale = read_on_host<float>(scales);
  const Array raw({w.rows, blocks * format.block_bytes()}, DType::u8, codes.device());
  auto* bytes = write_on_host<uint8_t>(raw);
  parallel_for(w.rows * blocks, 256, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int8_t* source = code + b * kGgufBlock;
      uint8_t* block = bytes + b * format.block_bytes();
      const int64_t at = w.granularity == Granularity::tensor ? 0
                         : w.granularity == Granularity::row  ? b / blocks
                                                              : b;
      // The reference quantizer takes max|x| as the scale, which is 0 for a block of zeros.
      const bool zeros = std::all_of(source, source + kGgufBlock, [](int8_t t) { return t == 0; });
      const auto d = static_cast<float16>(zeros ? 0.0f : scale[at]);
      if (!std::isfinite(static_cast<float>(d))) {
        fail<ValueError>(op, ": scale ", scale[at], " is too large for float16");
      }
      format.encode(source, block);
      std::memcpy(block + format.code_bytes, &d, sizeof(d));
    }
  });
  return to_device(raw, w.device());
}

}  // namespace bitmetal
