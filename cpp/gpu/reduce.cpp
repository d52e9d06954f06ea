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
  const std::string suffix = cat("_", kernel_of(op), "_", suffix_of(in.dtype()));
  const auto run_pass = [&](const char* kernel, uint64_t x, uint64_t y) {
    run("reduce", kernel + suffix, {},
        {Argument::in(in), Argument::out(out), Argument::constant(params)},
        Grid::of_groups(x, y, 1, kernels::kReduceThreads));
  };

  if (outputs == 1 && params.axis > 2 * kPartialShare) {
    const uint64_t groups =
        std::min<uint64_t>(ceil_div(in.shape(1), kPartialShare), kernels::kMaxPartials);
    const Array partial({static_cast<int64_t>(groups * kernels::kPartialBytes)}, DType::u8,
                        in.device(), Memory::device);
    const auto states = static_cast<uint32_t>(groups);
    run("reduce", "reduce_partial" + suffix, {},
        {Argument::in(in), Argument::out(partial), Argument::constant(params)},
        Grid::of_groups(groups, 1, 1, kernels::kReduceThreads));
    run("reduce", "reduce_finish" + suffix, {},
        {Argument::in(partial), Argument::out(out), Argument::constant(params),
         Argument::constant(states)},
        Grid::of_groups(1, 1, 1, kernels::kReduceThreads));
  } else if (params.inner_stride == 1 && params.inner >= kernels::kColumnLanes) {
    run_pass("reduce_columns", (params.inner + kernels::kColumnLanes - 1) / kernels::kColumnLanes,
             params.outer);
  } else if (params.axis > kLongAxis) {
    run_pass("reduce_long_rows", outputs, 1);
  } else {
    run_pass("reduce_rows", (outputs + kSimdgroups - 1) / kSimdgroups, 1);
  }
}

}  // namespace bitmetal::gpu
