// The table of functions that an instruction set provides: one member for each family of kernels.
//
// A family is a struct of function pointers in cpu/kernels/<family>.h and its algorithms in
// cpu/kernels/<family>.inl, which ends by defining `constexpr <Family>Kernels k<Family>Kernels`;
// isa/kernels.inl lists them.
#pragma once

#include "cpu/isa/isa.h"
#include "cpu/kernels/bf16.h"
#include "cpu/kernels/blockwise.h"
#include "cpu/kernels/convert.h"
#include "cpu/kernels/elementwise.h"
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/gemv.h"
#include "cpu/kernels/int8.h"
#include "cpu/kernels/layer_norm.h"
#include "cpu/kernels/moments.h"
#include "cpu/kernels/move.h"
#include "cpu/kernels/reduce.h"
#include "cpu/kernels/rms_norm.h"
#include "cpu/kernels/scan.h"
#include "cpu/kernels/softmax.h"
#include "cpu/kernels/ternary.h"

namespace bitmetal::cpu {

struct Kernels {
  Isa isa;
  TernaryKernels ternary;
  BlockwiseKernels blockwise;
  ConvertKernels convert;
  MoveKernels move;
  ElementwiseKernels elementwise;
  ReduceKernels reduce;
  MomentKernels moments;
  ScanKernels scan;
  SoftmaxKernels softmax;
  RmsNormKernels rms_norm;
  LayerNormKernels layer_norm;
  GemmKernels gemm;
  GemvKernels gemv;
  Int8Kernels int8;
  Bf16Kernels bf16;
};

// Null where this build lacks the set.
extern const Kernels* const generic_kernels;
extern const Kernels* const avx2_kernels;
extern const Kernels* const avxvnni_kernels;
extern const Kernels* const avx512_kernels;
extern const Kernels* const avx512bf16_kernels;
const Kernels* amx_kernels();  // made at first use, from avx512bf16_kernels, when that is there
extern const Kernels* const neon_kernels;
extern const Kernels* const neon_i8mm_kernels;

}  // namespace bitmetal::cpu
