#include <algorithm>
#include <cmath>

#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// A weight with its dense side, whose strides are those of `dense`.
kernels::TernaryParams params_of(const TernaryMatrix& w, const Array& dense) {
  return {static_cast<uint32_t>(w.rows),
          static_cast<uint32_t>(w.columns),
          static_cast<uint32_t>(w.groups()),
          static_cast<uint32_t>(w.group_size),
          dense.stride(0),
          dense.stride(1)};
}

constexpr uint64_t kSimdgroups = kernels::kReduceThreads / kernels::kSimdWidth;

// A simdgroup two blocks.
Grid grid_of_codes(const TernaryMatrix& w) {
  return Grid::of_groups(w.panels(), (w.blocks() + 2 * kSimdgroups - 1) / (2 * kSimdgroups), 1,
                         kernels::kReduceThreads);
}

// Whether the rows of the dense side are read and written four neighbours at a time.
FunctionConstants constants_of(const Array& dense) {
  return {
      {kernels::kFcVectors, dense.stride(1) == 1 && aligned_for_vectors(dense, dense.stride(0))}};
}

}  // namespace

bool GpuBackend::ternary_quantize(const Array& view, const TernaryMatrix& out) {
  const Array weight = forwards(view);
  const kernels::TernaryParams params = params_of(out, weight);
  const std::string suffix = suffix_of(weight.dtype());
  if (out.granularity == Granularity::tensor) {
    const auto count = static_cast<uint32_t>(std::min<int64_t>(out.rows, kernels::kMaxPartials));
    const Array sums({count, 2}, DType::f32, weight.device(), Memory::device);
    run("ternary", "ternary_tensor_sum_" + suffix, constants_of(weight),
        {Argument::in(weight), Argument::out(sums), Argument::constant(params)},
        Grid::of_groups(count, 1, 1, kernels::kReduceThreads));
    run("ternary", "ternary_tensor_scale", {},
        {Argument::in(sums), Argument::out(out.scales), Argument::constant(params),
         Argument::constant(count)},
        Grid::of_groups(1, 1, 1, kernels::kReduceThreads));
  } else {
    const uint64_t scales = out.panels() * kPanelRows * out.groups();
    run("ternary", "ternary_group_scale_" + suffix, constants_of(weight),
        {Argument::in(weight), Argument::out(out.scales), Argument::constant(params)},
        Grid::of_groups((scales + kSimdgroups - 1) / kSimdgroups, 1, 1, kernels::kReduceThreads));
  }
  run("ternary", "ternary_encode_" + suffix, constants_of(weight),
      {Argument::in(weight), Argument::in(out.scales), Argument::out(out.codes),
       Argument::constant(params)},
      grid_of_codes(out));
  const Array near = on_host(out.scales);
  near.device().backend().host_reads(near);
  const auto* scales = near.data_as<float>();
  return std::all_of(scales, scales + near.size(), [](float s) { return std::isfinite(s); });
}

void GpuBackend::ternary_pack(const Array& view, const TernaryMatrix& out) {
  const Array codes = forwards(view);
  const kernels::TernaryParams params = params_of(out, codes);
  run("ternary", "ternary_pack", constants_of(codes),
      {Argument::in(codes), Argument::out(out.codes), Argument::constant(params)},
      grid_of_codes(out));
}

void GpuBackend::ternary_repack(const TernaryMatrix&, const TernaryMatrix&) {
  fail<CapabilityError>("repack: 1.6 bits a weight is a packing of the cpu device alone");
}

void GpuBackend::ternary_unpack(const TernaryMatrix& w, const Array& codes) {
  const kernels::TernaryParams params = params_of(w, codes);
  run("ternary", "ternary_unpack", constants_of(codes),
      {Argument::in(w.codes), Argument::out(codes), Argument::constant(params)}, grid_of_codes(w));
}

void GpuBackend::ternary_dequantize(const TernaryMatrix& w, const Array& out) {
  const kernels::TernaryParams params = params_of(w, out);
  run("ternary", cat("ternary_dequantize_", suffix_of(out.dtype())), constants_of(out),
      {Argument::in(w.codes), Argument::in(w.scales), Argument::out(out),
       Argument::constant(params)},
      grid_of_codes(w));
}

}  // namespace bitmetal::gpu
