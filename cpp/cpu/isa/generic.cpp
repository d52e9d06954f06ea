// Portable C++: the reference for the other sets, and what runs where none of them does.
#include "cpu/isa/headers.h"
#include "cpu/isa/kernels.h"

namespace bitmetal::cpu {
namespace generic {
namespace {
#include "cpu/isa/vector_generic.h"

#include "cpu/kernels/vector16.inl"

#include "cpu/isa/blockwise_generic.h"
#include "cpu/isa/blockwise_scalar.h"
#include "cpu/isa/ternary_generic.h"

#include "cpu/isa/int8_generic.h"

#include "cpu/isa/kernels.inl"

constexpr Kernels kKernels = make_kernels(Isa::generic);
}  // namespace
}  // namespace generic

const Kernels* const generic_kernels = &generic::kKernels;

}  // namespace bitmetal::cpu
