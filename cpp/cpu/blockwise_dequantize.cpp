#include <algorithm>

#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/blockwise.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/scratch.h"
#include "cpu/stream.h"

namespace bitmetal::cpu {
namespace {

// Elements at a time: whole blocks of every format but int8's odd ones, and scales that fit L1.
constexpr int64_t kPiece = 32768;

// body(first, count, floats that may be written for scales and `extra` elements)
template <class Body>
void for_each_piece(const BlockwiseArray& q, const BlockScales& scales, size_t out_size,
                    int64_t extra, Body body) {
  const int64_t n = q.size(), pieces = (n + kPiece - 1) / kPiece;
  const int64_t floats = scales.buffer(kPiece / q.block_size + 2) + extra;
  parallel_for(pieces, grain_of(kPiece * static_cast<int64_t>(out_size)),
               [&](int64_t begin, int64_t end) {
                 auto* memory = reinterpret_cast<float*>(
                     scratch(Scratch::own, static_cast<size_t>(floats) * sizeof(float)));
                 for (int64_t i = begin; i < end; ++i) {
                   body(i * kPiece, std::min(kPiece, n - i * kPiece), memory);
                 }
               });
}

template <class T>
void dequantize(const BlockwiseArray& q, const Array& out) {
  const auto decode =
      kernels().blockwise.of(static_cast<T*>(nullptr)).decode[static_cast<int>(loader_of(q))];
  const BlockScales scales(q);
  const bool streams = out.bytes() >= kStreamBytes && q.block_size % 16 == 0 &&
                       reinterpret_cast<uintptr_t>(out.data()) % 64 == 0;
  for_each_piece(q, scales, sizeof(T), 0, [&](int64_t first, int64_t count, float* memory) {
    decode(scales.run(first, count, memory), out.data_as<T>() + first, streams);
    if (streams) stream_fence();
  });
}

void dequantize_to_double(const BlockwiseArray& q, const Array& out) {
  const auto decode = kernels().blockwise.f32.decode[static_cast<int>(loader_of(q))];
  const BlockScales scales(q);
  for_each_piece(q, scales, sizeof(double), kPiece,
                 [&](int64_t first, int64_t count, float* memory) {
                   decode(scales.run(first, count, memory + kPiece), memory, false);
                   std::copy_n(memory, count, out.data_as<double>() + first);
                 });
}

}  // namespace

void CpuBackend::blockwise_dequantize(const BlockwiseArray& q, const Array& out) {
  if (out.dtype() == DType::f64) return dequantize_to_double(q, out);
  visit_half_or_float(out.dtype(),
                      [&](auto type) { dequantize<typename decltype(type)::type>(q, out); });
}

}  // namespace bitmetal::cpu
