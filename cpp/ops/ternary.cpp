#include "ops/ternary.h"

#include <algorithm>
#include <cmath>

#include "core/backend.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {
namespace {

constexpr int64_t kMinGroup = 32, kMaxGroup = 256;  // what BitNet-style checkpoints use

void check_group_size(const char* op, int64_t group_size) {
  if (group_size < kMinGroup || group_size > kMaxGroup || group_size % kBlockColumns != 0) {
    fail<ValueError>(op, ": group_size is ", group_size, ", expected a multiple of ", kBlockColumns,
                     " from ", kMinGroup, " to ", kMaxGroup);
  }
}

void require_matrix(const char* op, const char* name, const Array& array) {
  if (array.rank() != 2) {
    fail<ValueError>(op, ": ", name, " has shape ", array.shape(), ", expected 2 dimensions");
  }
}

// x is [..., columns]; the same with the last size replaced.
Dims result_shape(const char* op, const Array& x, const TernaryMatrix& w) {
  if (x.rank() == 0 || x.shape(-1) != w.columns) {
    fail<ValueError>(op, ": x has shape ", x.shape(), ", the weight has ", w.columns, " inputs");
  }
  Dims shape = x.shape();
  shape.back() = w.rows;
  return shape;
}

Array as_rows(const Array& x, int64_t columns) {
  return reshape(contiguous(x), {columns ? x.size() / columns : 0, columns});
}

// An optional vector of the given length, in float32.
OptionalArray as_float_vector(const char* op, const char* name, const OptionalArray& v, int64_t n) {
  if (!v) return {};
  require_single_or_half(op, name, *v);
  require_shape(op, name, *v, {n});
  return contiguous(v->dtype() == DType::f32 ? *v : astype(*v, DType::f32));
}

// Calls f(row, group, index in `scales`) for every scale that belongs to a row of the matrix.
template <class F>
void for_each_scale(const TernaryMatrix& w, F f) {
  for (int64_t row = 0; row < w.rows; ++row) {
    for (int64_t group = 0; group < w.groups(); ++group) {
      f(row, group, (row / kPanelRows * w.groups() + group) * kPanelRows + row % kPanelRows);
    }
  }
}

}  // namespace

TernaryMatrix TernaryMatrix::make(int64_t rows, int64_t columns, Granularity granularity,
                                  int64_t group_size, Device& device) {
  const int64_t group =
      granularity == Granularity::group ? group_size : std::max<int64_t>(columns, 1);
  const int64_t panels = ceil_div(rows, kPanelRows), blocks = ceil_div(columns, kBlockColumns);
  const int64_t groups = columns ? ceil_div(columns, group) : 0;
  return {rows,
          columns,
          granularity,
          group,
          Packing::two_bits,
          Array({panels, blocks, kBlockBytes}, DType::u8, device),
          Array({panels, groups, kPanelRows}, DType::f32, device)};
}

TernaryMatrix ternary_quantize(const Array& weight, Granularity granularity, int64_t group_size) {
  const char* op = "ternary.quantize";
  require_single_or_half(op, "weight", weight);
  require_matrix(op, "weight", weight);
  if (granularity == Granularity::group) check_group_size(op, group_size);
  TernaryMatrix w = TernaryMatrix::make(weight.shape(0), weight.shape(1), granularity, group_size,
                                        weight.device());
  if (weight.size() > 0 && !perform<&Backend::ternary_quantize>(weight.device(), weight, w)) {
    fail<ValueError>(op, ": weight holds NaN or infinity");
  }
  return w;
}

TernaryMatrix assemble_ternary(const char* op, const Array& codes, const Array& scale,
                               int64_t group_size) {
  const int64_t rows = codes.shape(0), columns = codes.shape(1);
  const bool single = scale.rank() == 0 || (scale.rank() == 1 && scale.size() == 1 && rows != 1);
  const Granularity granularity = single              ? Granularity::tensor
                                  : scale.rank() == 1 ? Granularity::row
                                                      : Granularity::group;
  if (granularity == Granularity::group) {
    check_group_size(op, group_size);
    require_shape(op, "scale", scale, {rows, ceil_div(columns, group_size)});
  } else if (granularity == Granularity::row) {
    require_shape(op, "scale", scale, {rows});
  }
  const Array given =
      on_host(contiguous(scale.dtype() == DType::f32 ? scale : astype(scale, DType::f32)));
  const auto* s = read_on_host<float>(given);
  if (!std::all_of(s, s + given.size(), [](float v) { return std::isfinite(v); })) {
    fail<ValueError>(op, ": scale holds NaN or infinity");
  }
  TernaryMatrix w = TernaryMatrix::make(rows, columns, granularity, group_size, codes.device());
  const Array scales = full(w.scales.shape(), 0.0, DType::f32, host_side(w.device()));
  auto* stored = write_on_host<float>(scales);
  for_each_scale(w, [&](int64_t row, int64_t group, int64_t at) {
    stored[at] = s[granularity == Granularity::tensor ? 0 : row * w.groups() + group];
  });
  w.scales = to_device(scales, w.device());
  if (codes.size() > 0) perform<&Backend::ternary_pack>(w.device(), codes, w);
  return w;
}

TernaryMatrix ternary_from_codes(const Array& codes, const Array& scale, int64_t group_size) {
  const char* op = "ternary.from_codes";
  common_device(op, {{"codes", &codes}, {"scale", &scale}});
  require_matrix(op, "codes", codes);
  if (codes.dtype() != DType::i8) {
    fail<TypeError>(op, ": codes is ", name_of(codes.dtype()), ", expected int8");
  }
  require_floating(op, "scale", scale);
  const Array flat = contiguous(codes);
  const Array near = on_host(flat);
  const auto* values = read_on_host<int8_t>(near);
  for (int64_t i = 0; i < flat.size(); ++i) {
    if (values[i] < -1 || values[i] > 1) {
      fail<ValueError>(op, ": codes holds ", static_cast<int>(values[i]), " at row ",
                       i / codes.shape(1), ", column ", i % codes.shape(1),
                       "; expected -1, 0 or 1");
    }
  }
  return assemble_ternary(op, flat, scale, group_size);
}

TernaryMatrix ternary_from_panels(const Array& codes, const Array& scales, int64_t rows,
                                  int64_t columns, int64_t group_size) {
  const char* op = "TernaryMatrix.from_panels";
  if (group_size) check_group_size(op, group_size);
  TernaryMatrix w{rows,
                  columns,
                  group_size ? Granularity::group : Granularity::row,
                  group_size ? group_size : std::max<int64_t>(columns, 1),
                  Packing::two_bits,
                  contiguous(codes),
                  contiguous(scales)};
  require_shape(op, "codes", codes, {w.panels(), w.blocks(), kBlockBytes});
  require_shape(op, "scales", scales, {w.panels(), w.groups(), kPanelRows});
  if (codes.dtype() != DType::u8) {
    fail<TypeError>(op, ": codes is ", name_of(codes.dtype()), ", expected uint8");
  }
  if (scales.dtype() != DType::f32) {
    fail<TypeError>(op, ": scales is ", name_of(scales.dtype()), ", expected float32");
  }
  return w;
}

TernaryMatrix ternary_repack(const TernaryMatrix& w, Packing packing) {
  if (w.packing == packing) return w;
  TernaryMatrix out = w;
  out.packing = packing;
  const Dims shape = packing == Packing::two_bits
                         ? Dims{w.panels(), w.blocks(), kBlockBytes}
                         : Dims{w.panels(), ceil_div(w.blocks(), kTritBlocks), 4 * kBlockBytes};
  out.codes = Array(shape, DType::u8, w.device());
  perform<&Backend::ternary_repack>(w.device(), w, out);
  return out;
}

Array ternary_codes(const TernaryMatrix& w) {
  Array codes({w.rows, w.columns}, DType::i8, w.device());
  if (codes.size() > 0) {
    perform<&Backend::ternary_unpack>(w.device(), ternary_repack(w, Packing::two_bits), codes);
  }
  return codes;
}

Array ternary_scale(const TernaryMatrix& w) {
  Dims shape;
  if (w.granularity != Granularity::tensor) shape.push_back(w.rows);
  if (w.granularity == Granularity::group) shape.push_back(w.groups());
  const Array scale(shape, DType::f32, host_side(w.device()));
  const Array scales = on_host(w.scales);
  auto* values = write_on_host<float>(scale);
  const auto* stored = read_on_host<float>(scales);
  if (w.granularity == Granularity::tensor) {
    values[0] = w.scales.size() > 0 ? stored[0] : 0.0f;
    return to_device(scale, w.device());
  }
  for_each_scale(w, [&](int64_t row, int64_t group, int64_t at) {
    values[row * w.groups() + group] = stored[at];
  });
  return to_device(scale, w.device());
}

Array ternary_dequantize(const TernaryMatrix& w, DType dtype) {
  if (!is_floating(dtype)) {
    fail<TypeError>("dequantize: dtype is ", name_of(dtype), ", expected a floating-point type");
  }
  Array out({w.rows, w.columns}, dtype, w.device());
  if (out.size() > 0) {
    perform<&Backend::ternary_dequantize>(w.device(), ternary_repack(w, Packing::two_bits), out);
  }
  return out;
}

Array ternary_matmul(const Array& x, const TernaryMatrix& w, const OptionalArray& out) {
  const char* op = "ternary.matmul";
  Device& device = common_device(op, {{"x", &x}, {"w", &w.codes}});
  require_single_or_half(op, "x", x);
  Output output(op, out, result_shape(op, x, w), x.dtype(), device, {&x});
  const Array& target = output.target();
  if (target.size() == 0) return output.finish();
  if (w.columns == 0) {
    perform<&Backend::fill>(device, target, 0.0);
  } else {
    perform<&Backend::ternary_matmul>(device, as_rows(x, w.columns), w, as_rows(target, w.rows));
  }
  return output.finish();
}

Array bitlinear(const Array& x, const TernaryMatrix& w, const OptionalArray& bias,
                const OptionalArray& norm_weight, float eps, const OptionalArray& out) {
  const char* op = "bitlinear";
  Device& device = common_device(op, {{"x", &x},
                                      {"w", &w.codes},
                                      {"bias", bias ? &*bias : nullptr},
                                      {"norm_weight", norm_weight ? &*norm_weight : nullptr}});
  require_single_or_half(op, "x", x);
  const Dims shape = result_shape(op, x, w);
  const OptionalArray bias_f32 = as_float_vector(op, "bias", bias, w.rows);
  const OptionalArray norm_f32 = as_float_vector(op, "norm_weight", norm_weight, w.columns);
  Output output(op, out, shape, x.dtype(), device,
                {&x, bias_f32 ? &*bias_f32 : nullptr, norm_f32 ? &*norm_f32 : nullptr});
  const Array& target = output.target();
  if (target.size() == 0) return output.finish();
  if (w.columns == 0) {
    if (bias_f32) {
      perform<&Backend::copy>(device, broadcast_to(*bias_f32, target.shape()), target);
    } else {
      perform<&Backend::fill>(device, target, 0.0);
    }
  } else {
    perform<&Backend::bitlinear>(device, as_rows(x, w.columns), w, bias_f32 ? &*bias_f32 : nullptr,
                                 norm_f32 ? &*norm_f32 : nullptr, eps, as_rows(target, w.rows));
  }
  return output.finish();
}

}  // namespace bitmetal
