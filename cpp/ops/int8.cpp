#include "bitmetal/int8.h"

#include <algorithm>

#include "core/backend.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {
namespace {

void require_type_of(const char* op, const char* name, const Array& array, DType dtype) {
  if (array.dtype() != dtype) {
    fail<TypeError>(op, ": ", name, " is ", name_of(array.dtype()), ", expected ", name_of(dtype));
  }
}

Array as_rows(const Array& a) {
  const int64_t columns = a.shape(-1);
  return reshape(contiguous(a), {a.size() / columns, columns});
}

int64_t leading(const Array& a) {
  int64_t n = 1;
  for (int i = 0; i + 1 < a.rank(); ++i) n *= a.shape(i);
  return n;
}

}  // namespace

Int8Quantized int8_quantize_rows(const Array& x, float threshold) {
  const char* op = "blockwise.int8_quantize_rows";
  require_single_or_half(op, "x", x);
  if (x.rank() == 0) fail<ValueError>(op, ": x has no dimensions, expected at least 1");
  if (!(threshold >= 0)) {
    fail<ValueError>(op, ": threshold is ", threshold, ", expected 0 or more");
  }
  Device& device = x.device();
  const int64_t columns = x.shape(-1);
  const Array codes(x.shape(), DType::i8, device), absmax({leading(x)}, DType::f32, device);
  if (x.size() == 0) {
    if (absmax.size() > 0) perform<&Backend::fill>(device, absmax, 0.0);
    return {codes, absmax, Array({0}, DType::i64, device)};
  }
  const Array marks({threshold > 0 ? columns : 0}, DType::u8, device);
  perform<&Backend::int8_quantize_rows>(device, as_rows(x), threshold, as_rows(codes), absmax,
                                        threshold > 0 ? &marks : nullptr);
  const Array near = on_host(marks);
  const auto* marked = threshold > 0 ? read_on_host<uint8_t>(near) : nullptr;
  const int64_t count = marked ? columns - std::count(marked, marked + columns, 0) : 0;
  const Array outliers({count}, DType::i64, near.device());
  if (count > 0) {
    auto* to = write_on_host<int64_t>(outliers);
    for (int64_t c = 0; c < columns; ++c) {
      if (marked[c]) *to++ = c;
    }
  }
  return {codes, absmax, to_device(outliers, device)};
}

Array int8_matmul(const Array& a, const Array& b, const OptionalArray& out) {
  const char* op = "blockwise.int8_matmul";
  Device& device = common_device(op, {{"a", &a}, {"b", &b}});
  require_type_of(op, "a", a, DType::i8);
  require_type_of(op, "b", b, DType::i8);
  if (a.rank() == 0) fail<ValueError>(op, ": a has no dimensions, expected at least 1");
  if (b.rank() != 2) fail<ValueError>(op, ": b has shape ", b.shape(), ", expected 2 dimensions");
  if (a.shape(-1) != b.shape(1)) {
    fail<ValueError>(op, ": a ", a.shape(), " has ", a.shape(-1), " columns, b ", b.shape(),
                     " has ", b.shape(1));
  }
  Dims shape = a.shape();
  shape.back() = b.shape(0);
  Output output(op, out, shape, DType::i32, device, {&a, &b});
  const Array& target = output.target();
  if (target.size() == 0) return output.finish();
  if (a.shape(-1) == 0) {
    perform<&Backend::fill>(device, target, 0.0);
  } else {
    perform<&Backend::int8_matmul>(device, as_rows(a), contiguous(b), as_rows(target));
  }
  return output.finish();
}

Array int8_dequantize(const Array& sums, const Array& row_absmax, const Array& column_absmax,
                      const OptionalArray& bias, DType dtype) {
  const char* op = "blockwise.int8_dequantize";
  Device& device = common_device(op, {{"sums", &sums},
                                      {"row_absmax", &row_absmax},
                                      {"column_absmax", &column_absmax},
                                      {"bias", bias ? &*bias : nullptr}});
  require_type_of(op, "sums", sums, DType::i32);
  require_type_of(op, "row_absmax", row_absmax, DType::f32);
  require_type_of(op, "column_absmax", column_absmax, DType::f32);
  if (!is_floating(dtype) || dtype == DType::f64) {
    fail<TypeError>(op, ": dtype is ", name_of(dtype), ", expected float32, float16 or bfloat16");
  }
  if (sums.rank() == 0) fail<ValueError>(op, ": sums has no dimensions, expected at least 1");
  const int64_t columns = sums.shape(-1), rows = leading(sums);
  if (row_absmax.size() != rows) {
    fail<ValueError>(op, ": row_absmax has ", row_absmax.size(), " elements, expected ", rows);
  }
  if (column_absmax.size() != columns) {
    fail<ValueError>(op, ": column_absmax has ", column_absmax.size(), " elements, expected ",
                     columns);
  }
  OptionalArray bias_f32;
  if (bias) {
    require_single_or_half(op, "bias", *bias);
    require_shape(op, "bias", *bias, {columns});
    bias_f32 = contiguous(bias->dtype() == DType::f32 ? *bias : astype(*bias, DType::f32));
  }
  const Array out(sums.shape(), dtype, device);
  if (out.size() > 0) {
    perform<&Backend::int8_dequantize>(device, as_rows(sums), contiguous(row_absmax),
                                       contiguous(column_absmax), bias_f32 ? &*bias_f32 : nullptr,
                                       as_rows(out));
  }
  return out;
}

}  // namespace bitmetal
