// One-sided Jacobi by blocks: rotates the rows of W until each is orthogonal to the others, and
// the rows of J with them. Two blocks of kJacobiBlock rows at a time: the rotations come from
// their 32 by 32 Gram matrix, the rows are multiplied by all of them at once.
//
//   buffer 0  W, [size, size]        1  J, [size, size], bound where kFcHasWeight
//   2  JacobiState a matrix        3  uint flags, [batch, kJacobiSweeps], zeros at first: whether a
//   sweep turned anything        4  JacobiParams
//   kTileThreads threads, a grid of (blocks / 2, batch) threadgroups, blocks even: they meet as in
//   a round-robin tournament. Once a sweep has turned nothing, those behind it do nothing. Two
//   blocks alone go through all sweeps at once.
#pragma once

#include "jacobi_angle.h"

constant bool has_j [[function_constant(5)]];

// Rows as a tile's rows of elements, or as its columns.
template <bool kAcross>
METAL_FUNC void load_rows(threadgroup float* tile, device const float* rows, uint2 blocks,
                          uint size, uint start, ushort index) {
  for (ushort q = index; q < kTileSide * kTileSide; q += kTileThreads) {
    const ushort y = q / kTileSide, x = q % kTileSide;
    const uint row = jacobi_row(blocks, y), at = start + x;
    tile[kAcross ? x * kTileLead + y : y * kTileLead + x] =
        row < size && at < size ? rows[ulong(row) * size + at] : 0.0f;
  }
}

METAL_FUNC void turn_rows(device float* rows, uint2 blocks, uint size,
                          threadgroup const float* turn, threadgroup float* tile, ushort index) {
  const ushort2 place = tile_place(index);
  for (uint start = 0; start < size; start += kTileSide) {
    load_rows<false>(tile, rows, blocks, size, start, index);
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    float4 sums[2] = {float4(0), float4(0)};
    multiply_tiles(turn, tile, place, sums);
    for (ushort i = 0; i < 8; ++i) {
      const uint row = jacobi_row(blocks, place.y + i / 2), at = start + place.x + i % 2;
      if (row < size && at < size) rows[ulong(row) * size + at] = sums[i % 2][i / 2];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  }
}

// Whether any thread of the threadgroup says so.
METAL_FUNC bool vote(bool mine, threadgroup uint* votes, uint simdgroup, uint lane) {
  mine = simd_any(mine);
  if (lane == 0) votes[simdgroup] = mine ? 1 : 0;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  bool any = false;
  for (ushort s = 0; s < kTileThreads / kSimdWidth; ++s) any |= votes[s] != 0;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return any;
}

// One round over a Gram matrix: sixteen pairs of its rows and columns, and of the columns of
// `turn`, which collects the rotations.
METAL_FUNC bool turn_gram(threadgroup float* gram, threadgroup float* turn,
                          threadgroup float2* angles, uint round, float least, float tolerance,
                          ushort index) {
  bool any = false;
  if (index < kTileSide / 2) {
    const uint2 pair = meeting(index, round, kTileSide);
    const float first = gram[pair.x * kTileLead + pair.x];
    const float second = gram[pair.y * kTileLead + pair.y];
    const float both = gram[pair.x * kTileLead + pair.y];
    any = to_be_turned(first, second, both, least, tolerance);
    angles[index] = any ? jacobi_angle(first, second, both) : float2(1, 0);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const ushort right = index % (kTileSide / 2);
  const uint2 columns = meeting(right, round, kTileSide);
  const float2 angle = angles[right];
  for (ushort above = index / (kTileSide / 2); above < kTileSide / 2;
       above += kTileThreads / (kTileSide / 2)) {
    turn_four(gram, meeting(above, round, kTileSide), columns, angles[above], angle);
  }
  for (ushort y = index / (kTileSide / 2); y < kTileSide; y += kTileThreads / (kTileSide / 2)) {
    threadgroup float* row = turn + y * kTileLead;
    const float2 pair = turn_pair(float2(row[columns.x], row[columns.y]), angle);
    row[columns.x] = pair.x;
    row[columns.y] = pair.y;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return any;
}

// T <- (3 I - T T^T) T / 2: many rotations have led T a little away from orthogonality, always to
// the same side; this squares the distance. `gram` and `tile` are lost.
METAL_FUNC void polish(threadgroup float* turn, threadgroup float* gram, threadgroup float* tile,
                       ushort index) {
  const ushort2 place = tile_place(index);
  for (ushort q = index; q < kTileSide * kTileSide; q += kTileThreads) {
    tile[q % kTileSide * kTileLead + q / kTileSide] =
        turn[q / kTileSide * kTileLead + q % kTileSide];
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float4 sums[2] = {float4(0), float4(0)};
  multiply_tiles(tile, tile, place, sums);
  for (ushort i = 0; i < 8; ++i) {
    const bool diagonal = place.x + i % 2 == place.y + i / 2;
    sums[i % 2][i / 2] = fma(-0.5f, sums[i % 2][i / 2], diagonal ? 1.5f : 0.0f);
  }
  store_tile(gram, place, sums);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  sums[0] = sums[1] = float4(0);
  multiply_tiles(gram, turn, place, sums);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  store_tile(turn, place, sums);
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

[[kernel, max_total_threads_per_threadgroup(kTileThreads)]] void jacobi_round(
    device float* w [[buffer(0)]], device float* j [[buffer(1), function_constant(has_j)]],
    device const JacobiState* states [[buffer(2)]], device atomic_uint* flags [[buffer(3)]],
    constant JacobiParams& p [[buffer(4)]], uint2 group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float4 memory[3][kTileFours];
  threadgroup float2 angles[kTileSide / 2];
  threadgroup uint votes[kTileThreads / kSimdWidth];
  threadgroup float* gram = (threadgroup float*)memory[0];
  threadgroup float* turn = (threadgroup float*)memory[1];
  threadgroup float* tile = (threadgroup float*)memory[2];
  flags += group.y * kJacobiSweeps;
  if (p.sweep > 0 && atomic_load_explicit(flags + p.sweep - 1, memory_order_relaxed) == 0) return;
  w += ulong(group.y) * p.size * p.size;
  const float least = states[group.y].least;
  const ushort2 place = tile_place(index);
  const uint2 blocks = meeting(group.x, p.round, p.blocks);
  const uint last = p.blocks == 2 ? kJacobiSweeps : p.sweep + 1;

  for (uint sweep = p.sweep; sweep < last; ++sweep) {
    float4 sums[2] = {float4(0), float4(0)};
    for (uint start = 0; start < p.size; start += kTileSide) {
      load_rows<true>(tile, w, blocks, p.size, start, index);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      multiply_tiles(tile, tile, place, sums);
      threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    store_tile(gram, place, sums);
    for (ushort q = index; q < kTileSide * kTileSide; q += kTileThreads) {
      const ushort y = q / kTileSide, x = q % kTileSide;
      turn[y * kTileLead + x] = y == x ? 1.0f : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);

    bool any = false;
    for (ushort i = 0; i < 8; ++i) {
      const ushort y = place.y + i / 2, x = place.x + i % 2;
      any |= y < x && to_be_turned(gram[y * kTileLead + y], gram[x * kTileLead + x],
                                   sums[i % 2][i / 2], least, p.tolerance);
    }
    any = vote(any, votes, simdgroup, lane);
    if (!any) return;
    if (index == 0) atomic_store_explicit(flags + sweep, 1u, memory_order_relaxed);

    for (ushort inner = 0; inner < kJacobiInnerSweeps && any; ++inner) {
      any = false;
      for (ushort round = 0; round < kTileSide - 1; ++round) {
        any |= turn_gram(gram, turn, angles, round, least, p.tolerance, index);
      }
      any = vote(any, votes, simdgroup, lane);
    }
    polish(turn, gram, tile, index);
    turn_rows(w, blocks, p.size, turn, tile, index);
    if (has_j) turn_rows(j + ulong(group.y) * p.size * p.size, blocks, p.size, turn, tile, index);
  }
}
