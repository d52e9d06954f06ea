// Between a ternary matrix and int8 codes or floating-point weights.
#include <algorithm>
#include <cstring>

#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/scratch.h"
#include "cpu/stream.h"
#include "cpu/ternary.h"

namespace bitmetal::cpu {
namespace {

constexpr uint8_t kFourZeros = 0x55;  // four codes of T = 0

// body(panel) for all of them, in parallel; a weight is `bytes` of the dense side.
template <class Body>
void for_each_panel(const TernaryMatrix& w, size_t bytes, Body body) {
  const int64_t grain = grain_of(kPanelRows * w.columns * static_cast<int64_t>(bytes));
  parallel_for(w.panels(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) body(panel);
  });
}

template <class T>
void dequantize(const TernaryMatrix& w, const Array& out) {
  const auto& k = kernels().ternary.of(static_cast<T*>(nullptr));
  const size_t row_bytes = static_cast<size_t>(w.columns) * sizeof(T);
  const bool streams = out.bytes() >= kStreamBytes && row_bytes % 64 == 0 &&
                       reinterpret_cast<uintptr_t>(out.data()) % 64 == 0;
  for_each_panel(w, sizeof(T), [&](int64_t panel) {
    for_each_piece(w, panel, [&](int64_t row, int64_t column, int64_t count, int64_t group) {
      k.dequantize(row_codes(w, row, column / kBlockColumns), count, scale_of(w, row, group),
                   out.data_as<T>() + row * w.columns + column, streams);
    });
    if (streams) stream_fence();
  });
}

void dequantize_to_double(const TernaryMatrix& w, const Array& out) {
  const auto& k = kernels().ternary.f32;
  for_each_panel(w, sizeof(double), [&](int64_t panel) {
    for_each_piece(w, panel, [&](int64_t row, int64_t column, int64_t count, int64_t group) {
      float* piece = reinterpret_cast<float*>(
          scratch(Scratch::own, static_cast<size_t>(count) * sizeof(float)));
      k.dequantize(row_codes(w, row, column / kBlockColumns), count, scale_of(w, row, group), piece,
                   false);
      std::copy_n(piece, count, out.data_as<double>() + row * w.columns + column);
    });
  });
}

}  // namespace

void CpuBackend::ternary_pack(const Array& codes, const TernaryMatrix& out) {
  const TernaryKernels& k = kernels().ternary;
  for_each_panel(out, sizeof(int8_t), [&](int64_t panel) {
    if ((panel + 1) * kPanelRows > out.rows) {
      std::memset(row_codes(out, panel * kPanelRows, 0), kFourZeros,
                  static_cast<size_t>(out.blocks() * kBlockBytes));
    }
    for_each_piece(out, panel, [&](int64_t row, int64_t column, int64_t count, int64_t) {
      k.pack(codes.data_as<int8_t>() + row * out.columns + column, count,
             row_codes(out, row, column / kBlockColumns));
    });
  });
}

void CpuBackend::ternary_unpack(const TernaryMatrix& w, const Array& codes) {
  const TernaryKernels& k = kernels().ternary;
  for_each_panel(w, sizeof(int8_t), [&](int64_t panel) {
    for_each_piece(w, panel, [&](int64_t row, int64_t column, int64_t count, int64_t) {
      k.unpack(row_codes(w, row, column / kBlockColumns), count,
               codes.data_as<int8_t>() + row * w.columns + column);
    });
  });
}

void CpuBackend::ternary_repack(const TernaryMatrix& w, const TernaryMatrix& out) {
  const int64_t code_bytes = w.blocks() * kBlockBytes;
  const TernaryMatrix& trits = w.packing == Packing::trits ? w : out;
  const int64_t fives = trit_fives(w), trit_bytes = fives * (kTritBlocks - 1) * kBlockBytes;
  for_each_panel(w, 1, [&](int64_t panel) {
    auto* padded = reinterpret_cast<uint8_t*>(
        scratch(Scratch::own, static_cast<size_t>(fives * kTritBlocks * kBlockBytes)));
    uint8_t* codes = (w.packing == Packing::trits ? out : w).codes.data_as<uint8_t>();
    if (w.packing == Packing::trits) {
      expand_panel(w, panel, padded);
      std::memcpy(codes + panel * code_bytes, padded, static_cast<size_t>(code_bytes));
    } else {
      std::memset(padded, kFourZeros, static_cast<size_t>(fives * kTritBlocks * kBlockBytes));
      std::memcpy(padded, codes + panel * code_bytes, static_cast<size_t>(code_bytes));
      kernels().ternary.pack_trits(padded, fives,
                                   trits.codes.data_as<uint8_t>() + panel * trit_bytes);
    }
  });
}

void CpuBackend::ternary_dequantize(const TernaryMatrix& w, const Array& out) {
  if (out.dtype() == DType::f64) return dequantize_to_double(w, out);
  visit_half_or_float(out.dtype(),
                      [&](auto type) { dequantize<typename decltype(type)::type>(w, out); });
}

}  // namespace bitmetal::cpu
