// What goes before and behind the rotations of jacobi.h.
#pragma once

#include "numeric.h"

constant constexpr ushort kJacobiSimdgroups = kJacobiThreads / kSimdWidth;

constant bool normalized [[function_constant(7)]];

METAL_FUNC float sum_over_lanes(float x) {
  for (ushort mask = kSimdWidth / 2; mask > 0; mask /= 2) x += shuffle_xor(x, mask);
  return x;
}

// W = scale * A + shift * I, where the largest element of scale * A is near 1 and the shift makes
// a symmetric W positive definite: its singular values and vectors are its eigenvalues and
// eigenvectors then.
//
//   buffer 0  A, [size, size]        1  W        2  JacobiState a matrix        3  int info: 0, or
//   -1 where A holds NaN or infinity, and W is zeros        4  JacobiParams A threadgroup a matrix:
//   kJacobiThreads threads.
[[kernel, max_total_threads_per_threadgroup(kJacobiThreads)]] void jacobi_prepare(
    device const float* a [[buffer(0)]], device float* w [[buffer(1)]],
    device JacobiState* states [[buffer(2)]], device int* info [[buffer(3)]],
    constant JacobiParams& p [[buffer(4)]], uint batch [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float shared[kJacobiSimdgroups];
  a += ulong(batch) * p.size * p.size;
  w += ulong(batch) * p.size * p.size;
  // Infinity and NaN have the largest bits of all.
  uint bits = 0;
  for (uint r = simdgroup; r < p.size; r += kJacobiSimdgroups) {
    for (uint c = lane; c < p.size; c += kSimdWidth) {
      const bool read = p.symmetric == kWhole || (p.symmetric == kLower ? c <= r : c >= r);
      if (read) bits = max(bits, as_type<uint>(a[ulong(r) * p.size + c]) & 0x7fffffffu);
    }
  }
  for (ushort mask = kSimdWidth / 2; mask > 0; mask /= 2) {
    bits = max(bits, simd_shuffle_xor(bits, mask));
  }
  if (lane == 0) shared[simdgroup] = as_type<float>(bits);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (ushort s = 0; s < kJacobiSimdgroups; ++s) bits = max(bits, as_type<uint>(shared[s]));
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const bool finite = bits < 0x7f800000u;
  const float scale = power_to_one(as_type<float>(bits));

  float squares = 0.0f;
  for (uint r = simdgroup; r < p.size; r += kJacobiSimdgroups) {
    for (uint c = lane; c < p.size; c += kSimdWidth) {
      const bool read = p.symmetric == kWhole || (p.symmetric == kLower ? c <= r : c >= r);
      const ulong at = read ? ulong(r) * p.size + c : ulong(c) * p.size + r;
      const float value = finite ? a[at] * scale : 0.0f;
      w[ulong(r) * p.size + c] = value;
      squares = fma(value, value, squares);
    }
  }
  squares = sum_over_lanes(squares);
  if (lane == 0) shared[simdgroup] = squares;
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  squares = 0.0f;
  for (ushort s = 0; s < kJacobiSimdgroups; ++s) squares += shared[s];
  // Eigenvalues of W lie between a quarter of the norm of A and nine quarters of it.
  const float shift = p.symmetric == kWhole ? 0.0f : 1.25f * precise::sqrt(squares);
  for (uint i = index; i < p.size && p.symmetric != kWhole; i += kJacobiThreads) {
    w[ulong(i) * (p.size + 1)] += shift;
  }
  if (index == 0) {
    states[batch] = JacobiState{scale, shift, squares * 0x1p-46f, 0};
    info[batch] = finite ? 0 : -1;
  }
}

// The lengths of W's rows in order: singular values descending, or eigenvalues ascending.
//
//   buffer 0  W        1  JacobiState a matrix        2  flags        3  values, [batch, size]
//   4  JacobiRow, [batch, size]: where the rows come from        5  int info, which gets 1 where
//   the last sweep still turned something        6  JacobiParams A threadgroup a matrix:
//   kJacobiThreads threads.
[[kernel, max_total_threads_per_threadgroup(kJacobiThreads)]] void jacobi_values(
    device const float* w [[buffer(0)]], device const JacobiState* states [[buffer(1)]],
    device const uint* flags [[buffer(2)]], device float* values [[buffer(3)]],
    device JacobiRow* order [[buffer(4)]], device int* info [[buffer(5)]],
    constant JacobiParams& p [[buffer(6)]], uint batch [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  w += ulong(batch) * p.size * p.size;
  values += ulong(batch) * p.size;
  order += ulong(batch) * p.size;
  const JacobiState state = states[batch];
  for (uint r = simdgroup; r < p.size; r += kJacobiSimdgroups) {
    float squares = 0.0f;
    for (uint c = lane; c < p.size; c += kSimdWidth) {
      const float value = w[ulong(r) * p.size + c];
      squares = fma(value, value, squares);
    }
    squares = sum_over_lanes(squares);
    if (lane == 0) order[r].length = precise::sqrt(squares);
  }
  threadgroup_barrier(mem_flags::mem_device);
  for (uint r = index; r < p.size; r += kJacobiThreads) {
    const float length = order[r].length;
    uint longer = 0;
    for (uint i = 0; i < p.size; ++i) {
      const float other = order[i].length;
      if (other > length || (other == length && i < r)) ++longer;
    }
    const uint place = p.symmetric == kWhole ? longer : p.size - 1 - longer;
    values[place] = (length - state.shift) / state.scale;
    order[place].row = r;
    order[place].factor = length * length > state.least ? 1.0f / length : 0.0f;
  }
  if (index == 0 && flags[(batch + 1) * kJacobiSweeps - 1] != 0) info[batch] = 1;
}

// Rows in that order: W's with length 1 or, where they count as zeros, zeros; J's as they are.
//
//   buffer 0  rows, [size, size]        1  JacobiRow, [batch, size]        2  out
//   3  JacobiParams        function constant kFcNormalize
//   A SIMD group a row: kJacobiThreads threads, a grid of (ceil(size / kJacobiSimdgroups), batch)
[[kernel, max_total_threads_per_threadgroup(kJacobiThreads)]] void jacobi_sort(
    device const float* rows [[buffer(0)]], device const JacobiRow* order [[buffer(1)]],
    device float* out [[buffer(2)]], constant JacobiParams& p [[buffer(3)]],
    uint2 group [[threadgroup_position_in_grid]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  const uint place = group.x * kJacobiSimdgroups + simdgroup;
  if (place >= p.size) return;
  const JacobiRow from = order[ulong(group.y) * p.size + place];
  rows += (ulong(group.y) * p.size + from.row) * p.size;
  out += (ulong(group.y) * p.size + place) * p.size;
  const float factor = normalized ? from.factor : 1.0f;
  for (uint c = lane; c < p.size; c += kSimdWidth) out[c] = rows[c] * factor;
}

// The signs of R's diagonal on the diagonal of `out`, zeros elsewhere.
//
//   buffer 0  R, [size, size]        1  out        2  JacobiParams
//   A SIMD group a row, as above.
[[kernel, max_total_threads_per_threadgroup(kJacobiThreads)]] void jacobi_signs(
    device const float* r [[buffer(0)]], device float* out [[buffer(1)]],
    constant JacobiParams& p [[buffer(2)]], uint2 group [[threadgroup_position_in_grid]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  const uint row = group.x * kJacobiSimdgroups + simdgroup;
  if (row >= p.size) return;
  const ulong start = (ulong(group.y) * p.size + row) * p.size;
  const float sign = r[start + row] < 0.0f ? -1.0f : 1.0f;
  for (uint c = lane; c < p.size; c += kSimdWidth) out[start + c] = c == row ? sign : 0.0f;
}
