// Which instruction set the cpu device's kernels use.
//
// Every set compiles the same algorithms (kernels/*.inl) against its own primitives (isa/*_<set>.h)
// into a table of functions. The best set that the machine supports is chosen at first use; the
// environment variable BITMETAL_CPU_ISA or set_active_isa() forces another one.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace bitmetal::cpu {

struct Kernels;

// In ascending order of preference on each architecture.
enum class Isa : uint8_t {
  generic,
  avx2,        // AVX2, FMA, F16C, BMI2
  avxvnni,     // avx2 with 8-bit dot products
  avx512,      // AVX-512 F, BW, DQ, VL and VNNI
  avx512bf16,  // avx512 with BF16 and VBMI
  amx,         // avx512bf16 with AMX tiles of int8 and bfloat16, on Linux
  neon,        // Armv8.2 with dotprod
  neon_i8mm,   // neon with products of int8 matrices
};

std::string_view name_of(Isa isa);
const std::vector<Isa>& supported_isas();  // of this build on this machine; "generic" comes first
// Throws ValueError unless it is supported; `asked_by` opens the message.
Isa isa_named(std::string_view name, const char* asked_by = "set_isa");

// Throws ValueError where BITMETAL_CPU_ISA names no supported set.
Isa active_isa();
// For tests. Operations that are running on other threads may finish with the former set.
void set_active_isa(Isa isa);

// The functions of the active set; throws as active_isa() does.
const Kernels& kernels();

}  // namespace bitmetal::cpu
