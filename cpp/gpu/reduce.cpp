#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// The operation's part of a kernel's name.
const char* kernel_of(Reduction op) {
  switch (op) {
    case Reduction::norm1: return "norm1";
    case Reduction::norm_inf: return "norm_inf";
    case Reduction::all: return "min";
    case Reduction::any: return "max";
    case Reduction::count_nonzero: return "sum";
    default: return name_of(op);
  }
}

// The type that elements are converted to before they are reduced: that of the given ones where
// the operation has kernels for it.
DType type_of_elements(Reduction op, DType in) {
  switch (op) {
    case Reduction::all:
    case Reduction::any:
    case Reduction::count_nonzero: return DType::boolean;
    case Reduction::var:
    case Reduction::std:
    case Reduction::norm1:
    case Reduction::norm2:
    case Reduction::norm_inf:
    case Reduction::logsumexp: return is_floating(in) ? in : DType::f32;
    default: return in;
  }
}

double divisor_of(Reduction op, int64_t n, double ddof) {
  const bool corrected = op == Reduction::var || op == Reduction::std;
  return std::max(0.0, static_cast<double>(n) - (corrected ? ddof : 0));
}

constexpr uint64_t kSimdgroups = kernels::kReduceThreads / kernels::kSimdWidth;

// A simdgroup joins up to this many elements of one output; beyond, a threadgroup does.
constexpr uint64_t kLongAxis = 1024;

// With one output, elements for each threadgroup of the first of two passes.
constexpr uint64_t kPartialShare = 16384;

// Threadgroups that fill a large GPU (an H100 twice, with 5 on each of 132 cores), and the
// least elements of each of the lines of one.
constexpr uint64_t kWantedGroups = 1320, kColumnShare = 128;

constexpr uint64_t kVectorColumns = 4 * kernels::kSimdWidth;

}  // namespace

void GpuBackend::reduce(Reduction op, const Array& view, double ddof, const Array& out) {
  const DType type = type_of_elements(op, view.dtype());
  const Array in = type == view.dtype() ? forwards(view) : astype(view, type);
  const kernels::ReduceParams params{static_cast<uint64_t>(in.shape(0)),
                                     static_cast<uint64_t>(in.shape(1)),
                                     static_cast<uint64_t>(in.shape(2)),
                                     in.stride(0),
                                     in.stride(1),
                                     in.stride(2),
                                     static_cast<float>(divisor_of(op, in.shape(1), ddof)),
                                     0};
  const uint64_t outputs = params.outer * params.inner;
  const bool columns = params.inner_stride == 1 && params.inner >= kernels::kSimdWidth;
  const bool vectors =
      columns ? params.inner >= kVectorColumns && aligned_for_vectors(in, params.axis_stride) &&
                    params.outer_stride % 4 == 0 && params.inner % 4 == 0
              : params.axis_stride == 1 && aligned_for_vectors(in, params.outer_stride) &&
                    (params.inner == 1 || params.inner_stride % 4 == 0);
  const std::string suffix = cat("_", kernel_of(op), "_", suffix_of(in.dtype()));
  const auto run_pass = [&](const char* kernel, const Array& to, uint64_t x, uint64_t y = 1,
                            uint64_t z = 1) {
    run("reduce", kernel + suffix, {{kernels::kFcVectors, vectors}},
        {Argument::in(in), Argument::out(to), Argument::constant(params)},
        Grid::of_groups(x, y, z, kernels::kReduceThreads));
  };
  const auto states_of = [&](uint64_t count) {
    return Array({static_cast<int64_t>(count * kernels::kPartialBytes)}, DType::u8, in.device(),
                 Memory::device);
  };
  const auto run_second = [&](const char* kernel, const Array& states, uint64_t count,
                              uint64_t groups) {
    run("reduce", kernel + suffix, {{kernels::kFcVectors, vectors}},
        {Argument::in(states), Argument::out(out), Argument::constant(params),
         Argument::constant(static_cast<uint32_t>(count))},
        Grid::of_groups(groups, 1, 1, kernels::kReduceThreads));
  };

  if (outputs == 1 && params.axis > 2 * kPartialShare) {
    const uint64_t groups =
        std::min<uint64_t>(ceil_div(params.axis, kPartialShare), kernels::kMaxPartials);
    const Array states = states_of(groups);
    run_pass("reduce_partial", states, groups);
    run_second("reduce_finish", states, groups, 1);
  } else if (columns) {
    const uint64_t width = vectors ? kVectorColumns : kernels::kSimdWidth;
    const uint64_t across = ceil_div(params.inner, width);
    const uint64_t parts =
        std::min((kWantedGroups + across * params.outer - 1) / (across * params.outer),
                 params.axis / kColumnShare);
    if (parts <= 1) return run_pass("reduce_columns", out, across, params.outer);
    const Array states = states_of(parts * outputs);
    run_pass("reduce_partial_columns", states, across, params.outer, parts);
    run_second("reduce_finish_columns", states, parts,
               ceil_div(outputs, uint64_t{kernels::kSimdWidth}));
  } else if (params.axis > kLongAxis) {
    run_pass("reduce_long_rows", out, outputs);
  } else {
    run_pass("reduce_rows", out, ceil_div(outputs, kSimdgroups));
  }
}

}  // namespace bitmetal::gpu
