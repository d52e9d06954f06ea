#include "bitmetal/blockwise.h"

#include <algorithm>
#include <cmath>

#include "core/backend.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {
namespace {

constexpr int64_t kNestedBlock = 256;
constexpr int64_t kLargestBlock = int64_t{1} << 40;  // sizes in bytes do not overflow
constexpr const char* kQuantize = "blockwise.quantize";
constexpr const char* kFromParts = "BlockwiseArray.from_parts";

bool has_absmax(BlockFormat f) { return f <= BlockFormat::int8; }
bool along_rows(BlockFormat f) { return !has_absmax(f); }

int bits_of(const char* op, BlockFormat format, int bits) {
  if (format == BlockFormat::int8) return 8;
  if (format != BlockFormat::affine) return 4;
  if (bits != 2 && bits != 3 && bits != 4 && bits != 6 && bits != 8) {
    fail<ValueError>(op, ": bits is ", bits, ", expected 2, 3, 4, 6 or 8");
  }
  return bits;
}

bool power_of_two(int64_t n) { return n > 0 && (n & (n - 1)) == 0; }

void check_block_size(const char* op, BlockFormat format, int64_t size) {
  const auto refuse = [&](const char* expected) {
    fail<ValueError>(op, ": block_size is ", size, ", expected ", expected, " for ",
                     name_of(format));
  };
  switch (format) {
    case BlockFormat::nf4:
    case BlockFormat::fp4:
      if (!power_of_two(size) || size < 16 || size > 4096) {
        refuse("a power of two from 16 to 4096");
      }
      break;
    case BlockFormat::int8:
      if (size < 1 || size > kLargestBlock) refuse("a number from 1 to 2^40");
      break;
    case BlockFormat::mxfp4:
      if (size != 32) refuse("32");
      break;
    case BlockFormat::nvfp4:
      if (size != 16) refuse("16");
      break;
    case BlockFormat::affine:
      if (size != 32 && size != 64 && size != 128) refuse("32, 64 or 128");
      break;
  }
}

void check_shape(const char* op, BlockFormat format, const Dims& shape, int64_t block_size) {
  if (!along_rows(format)) return;
  if (shape.empty() || shape.back() % block_size != 0) {
    fail<ValueError>(op, ": the shape is ", shape, ", expected a last axis of whole blocks of ",
                     block_size, " for ", name_of(format));
  }
}

// The last size times numerator / denominator.
Dims with_last(const Dims& shape, int64_t numerator, int64_t denominator) {
  Dims scaled;
  for (int i = 0; i < shape.size(); ++i) {
    scaled.push_back(i + 1 < shape.size() ? shape[i] : shape[i] * numerator / denominator);
  }
  return scaled;
}

// Everything but nested absmax, uninitialised.
BlockwiseArray make(const Array& x, BlockFormat format, int bits, int64_t block_size,
                    const OptionalArray& book) {
  Device& device = x.device();
  const Dims& shape = x.shape();
  const int64_t n = x.size();
  const bool rows = along_rows(format);
  const Dims codes = rows                          ? with_last(shape, bits, 8)
                     : format == BlockFormat::int8 ? shape
                                                   : Dims{(n + 1) / 2};
  const Dims scales =
      rows ? with_last(shape, 1, block_size) : Dims{(n + block_size - 1) / block_size};
  const DType type = has_absmax(format)              ? DType::f32
                     : format == BlockFormat::affine ? x.dtype()
                                                     : DType::u8;
  BlockwiseArray q{shape,
                   x.dtype(),
                   format,
                   bits,
                   block_size,
                   Array(codes, DType::u8, device),
                   Array(scales, type, device),
                   {},
                   book,
                   {}};
  if (format == BlockFormat::affine) {
    q.biases = Array(scales, type, device);
  } else if (!book) {
    q.book = block_book(format, device);
  }
  return q;
}

// A book of int8: 256 numbers, ascending.
Array checked_book(const char* op, const Array& given, Device& device) {
  require_floating(op, "code", given);
  require_shape(op, "code", given, {256});
  const Array book =
      on_host(contiguous(given.dtype() == DType::f32 ? given : astype(given, DType::f32)));
  const auto* v = read_on_host<float>(book);
  for (int i = 0; i < 256; ++i) {
    if (!std::isfinite(v[i]) || (i > 0 && v[i] < v[i - 1])) {
      fail<ValueError>(op, ": code holds ", v[i], " at ", i,
                       ", expected 256 finite numbers in ascending order");
    }
  }
  return to_device(book, device);
}

// The absmax of `q` as a tensor of int8 around their mean.
void nest(BlockwiseArray& q) {
  const int64_t n = q.scales.size();
  const Array scales = on_host(q.scales);
  const auto* absmax = read_on_host<float>(scales);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += absmax[i];
  if (!std::isfinite(sum)) {
    fail<ValueError>(kQuantize,
                     ": x holds NaN or infinity, which double_quant would spread to "
                     "other blocks");
  }
  q.offset = n ? static_cast<float>(sum / static_cast<double>(n)) : 0;
  const Array centred({n}, DType::f32, scales.device());
  auto* to = write_on_host<float>(centred);
  for (int64_t i = 0; i < n; ++i) to[i] = absmax[i] - q.offset;
  BlockOptions options;
  options.block_size = kNestedBlock;
  q.nested = std::make_shared<BlockwiseArray>(
      blockwise_quantize(to_device(centred, q.device()), BlockFormat::int8, options));
  q.scales = q.nested->codes;
}

OptionalArray as_float_vector(const char* op, const char* name, const OptionalArray& v, int64_t n) {
  if (!v) return {};
  require_single_or_half(op, name, *v);
  require_shape(op, name, *v, {n});
  return contiguous(v->dtype() == DType::f32 ? *v : astype(*v, DType::f32));
}

void check_part(const char* name, const Array& array, std::initializer_list<DType> types,
                int64_t size) {
  if (std::find(types.begin(), types.end(), array.dtype()) == types.end()) {
    std::string expected;
    for (DType t : types) expected.append(expected.empty() ? "" : " or ").append(name_of(t));
    fail<TypeError>(kFromParts, ": ", name, " is ", name_of(array.dtype()), ", expected ",
                    expected);
  }
  if (array.size() != size) {
    fail<ValueError>(kFromParts, ": ", name, " has ", array.size(), " elements, expected ", size);
  }
}

}  // namespace

int64_t own_block_size(BlockFormat f) {
  return f == BlockFormat::mxfp4 ? 32 : f == BlockFormat::nvfp4 ? 16 : 64;
}

int64_t BlockwiseArray::size() const {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return n;
}

size_t BlockwiseArray::bytes() const {
  return codes.bytes() + (nested ? nested->bytes() : scales.bytes()) +
         (biases ? biases->bytes() : 0);
}

BlockwiseArray blockwise_quantize(const Array& x, BlockFormat format, const BlockOptions& options) {
  require_single_or_half(kQuantize, "x", x);
  const int bits = bits_of(kQuantize, format, options.bits);
  const int64_t block_size = options.block_size.value_or(own_block_size(format));
  check_block_size(kQuantize, format, block_size);
  check_shape(kQuantize, format, x.shape(), block_size);
  if (options.double_quant && !has_absmax(format)) {
    fail<ValueError>(kQuantize, ": double_quant is for nf4, fp4 and int8, not ", name_of(format));
  }
  OptionalArray book;
  if (options.book) {
    if (format != BlockFormat::int8) {
      fail<ValueError>(kQuantize, ": code is given, but ", name_of(format), " has its own");
    }
    book = checked_book(kQuantize, *options.book, x.device());
  }
  BlockwiseArray q = make(x, format, bits, block_size, book);
  if (x.size() > 0) perform<&Backend::blockwise_quantize>(x.device(), contiguous(x), q);
  if (options.double_quant) nest(q);
  return q;
}

BlockwiseArray blockwise_from_parts(const BlockwiseArray& parts) {
  const char* op = kFromParts;
  BlockwiseArray q = parts;
  if (!is_floating(q.dtype) || q.dtype == DType::f64) {
    fail<TypeError>(op, ": dtype is ", name_of(q.dtype), ", expected float32, float16 or bfloat16");
  }
  for (int64_t d : q.shape) {
    if (d < 0) fail<ValueError>(op, ": shape is ", q.shape, ", expected no negative size");
  }
  checked_size(q.shape, DType::f64);
  q.bits = bits_of(op, q.format, q.bits);
  check_block_size(op, q.format, q.block_size);
  check_shape(op, q.format, q.shape, q.block_size);
  check_part("codes", q.codes, {DType::u8}, q.code_bytes());
  common_device(op, {{"codes", &q.codes},
                     {"absmax", &q.scales},
                     {"biases", q.biases ? &*q.biases : nullptr},
                     {"code", q.book ? &*q.book : nullptr}});
  if (q.nested) {
    if (!has_absmax(q.format)) {
      fail<ValueError>(op, ": absmax is quantized, which is for nf4, fp4 and int8, not ",
                       name_of(q.format));
    }
    if (q.nested->format != BlockFormat::int8 || q.nested->nested ||
        q.nested->size() != q.blocks()) {
      fail<ValueError>(op, ": absmax is ", name_of(q.nested->format), " of ", q.nested->size(),
                       " elements, expected int8 of ", q.blocks(), ", not nested again");
    }
  } else if (has_absmax(q.format)) {
    check_part("absmax", q.scales, {DType::f32}, q.blocks());
  } else if (q.format == BlockFormat::affine) {
    check_part("absmax", q.scales, {DType::f32, DType::f16, DType::bf16}, q.blocks());
  } else {
    check_part("absmax", q.scales, {DType::u8}, q.blocks());
  }
  if (q.biases.has_value() != (q.format == BlockFormat::affine)) {
    fail<ValueError>(op, ": biases are ", q.biases ? "given" : "missing", " for ",
                     name_of(q.format));
  }
  if (q.biases) {
    check_part("biases", *q.biases, {q.scales.dtype()}, q.blocks());
    q.biases = contiguous(*q.biases);
  }
  if (q.book && q.format != BlockFormat::int8) {
    fail<ValueError>(op, ": code is given, but ", name_of(q.format), " has its own");
  }
  if (q.book) {
    q.book = checked_book(op, *q.book, q.device());
  } else if (q.format != BlockFormat::affine) {
    q.book = block_book(q.format, q.device());
  }
  q.codes = contiguous(q.codes);
  q.scales = contiguous(q.scales);
  return q;
}

Array blockwise_dequantize(const BlockwiseArray& q, DType dtype) {
  if (!is_floating(dtype)) {
    fail<TypeError>("dequantize: dtype is ", name_of(dtype), ", expected a floating-point type");
  }
  const Array out(q.shape, dtype, q.device());
  if (out.size() > 0) perform<&Backend::blockwise_dequantize>(q.device(), q, out);
  return out;
}

Array blockwise_absmax(const BlockwiseArray& q) {
  if (!q.nested) return reshape(q.scales, {q.blocks()});
  const Array absmax = on_host(blockwise_dequantize(*q.nested, DType::f32));
  const auto* from = read_on_host<float>(absmax);
  const Array out({q.blocks()}, DType::f32, absmax.device());
  auto* to = write_on_host<float>(out);
  for (int64_t i = 0; i < out.size(); ++i) to[i] = from[i] + q.offset;
  return to_device(out, q.device());
}

Array blockwise_matmul(const Array& x, const BlockwiseArray& q, const OptionalArray& bias,
                       const OptionalArray& out) {
  const char* op = "blockwise.matmul";
  Device& device =
      common_device(op, {{"x", &x}, {"q", &q.codes}, {"bias", bias ? &*bias : nullptr}});
  require_single_or_half(op, "x", x);
  if (q.shape.size() != 2) {
    fail<ValueError>(op, ": q has shape ", q.shape, ", expected 2 dimensions");
  }
  const int64_t rows = q.shape[0], columns = q.shape[1];
  if (x.rank() == 0 || x.shape(-1) != columns) {
    fail<ValueError>(op, ": x has shape ", x.shape(), ", the weight has ", columns, " inputs");
  }
  const OptionalArray bias_f32 = as_float_vector(op, "bias", bias, rows);
  Dims shape = x.shape();
  shape.back() = rows;
  Output output(op, out, shape, x.dtype(), device, {&x, bias_f32 ? &*bias_f32 : nullptr});
  const Array& target = output.target();
  if (target.size() == 0) return output.finish();
  if (columns == 0) {
    if (bias_f32) {
      perform<&Backend::copy>(device, broadcast_to(*bias_f32, target.shape()), target);
    } else {
      perform<&Backend::fill>(device, target, 0.0);
    }
  } else {
    const int64_t batch = target.size() / rows;
    perform<&Backend::blockwise_matmul>(device, reshape(contiguous(x), {batch, columns}), q,
                                        bias_f32 ? &*bias_f32 : nullptr,
                                        reshape(target, {batch, rows}));
  }
  return output.finish();
}

}  // namespace bitmetal
