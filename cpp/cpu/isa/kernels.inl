// What every set compiles after its own primitives.

#include "cpu/kernels/blockwise.inl"
#include "cpu/kernels/convert.inl"
#include "cpu/kernels/elementwise.inl"
#include "cpu/kernels/gemm.inl"
#include "cpu/kernels/gemv.inl"
#include "cpu/kernels/int8.inl"
#include "cpu/kernels/layer_norm.inl"
#include "cpu/kernels/moments.inl"
#include "cpu/kernels/move.inl"
#include "cpu/kernels/reduce.inl"
#include "cpu/kernels/rms_norm.inl"
#include "cpu/kernels/scan.inl"
#include "cpu/kernels/softmax_columns.inl"
#include "cpu/kernels/ternary.inl"

constexpr Kernels make_kernels(Isa isa) {
  return {.isa = isa,
          .ternary = kTernaryKernels,
          .blockwise = kBlockwiseKernels,
          .convert = kConvertKernels,
          .move = kMoveKernels,
          .elementwise = kElementwiseKernels,
          .reduce = kReduceKernels,
          .moments = kMomentKernels,
          .scan = kScanKernels,
          .softmax = kSoftmaxKernels,
          .rms_norm = kRmsNormKernels,
          .layer_norm = kLayerNormKernels,
          .gemm = kGemmKernels,
          .gemv = kGemvKernels,
          .int8 = kInt8Kernels,
          .bf16 = {}};
}
