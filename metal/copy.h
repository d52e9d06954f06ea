// Copies with conversion between any two types. Floating values are rounded once, to the nearest;
// floating to integer truncates; bool is "not zero".
//
//   buffer 0  in        1  out        2  CopyParams
//
//   copy_flat_IN_OUT     both sides contiguous; only `count` is read. A thread 4 * kFlatPieces
//                        elements, function constant kFcVectors
//   copy_strided_IN_OUT  `rank` dimensions with any strides, the last one fastest. The host merges
//                        neighbouring dimensions where it can: each costs a 64-bit division. A
//                        thread an element
//   A grid of (x, y) threads that have `count` elements at least, in threadgroups of whole
//   simdgroups.
//
//   copy_tiles_SIZE      elements of SIZE bits as they are, where the output runs along the last
//                        dimension (stride 1) and the input along dimension `along`: tiles of the
//                        two go through threadgroup memory, so that both sides are read and written
//                        in runs. kCopyTileThreads threads, a grid of (tiles of the two dimensions,
//                        elements of all others) threadgroups; function constant kFcVectors: all
//                        runs begin at multiples of two elements
#pragma once

#include "neighbours.h"

template <typename In, typename Out>
[[kernel]] void copy_flat(device const In* in [[buffer(0)]], device Out* out [[buffer(1)]],
                          constant CopyParams& p [[buffer(2)]],
                          uint2 position [[thread_position_in_grid]],
                          uint2 grid [[threads_per_grid]]) {
  const ulong first = first_neighbour(position, grid);
  vec<Lane<In>, 4> fours[kFlatPieces];
  for (uint i = 0; i < kFlatPieces; ++i) {
    fours[i] = load_neighbours(in, first + i * kPiece, p.count);
  }
  for (uint i = 0; i < kFlatPieces; ++i) {
    vec<Lane<Out>, 4> converted;
    for (uint j = 0; j < 4; ++j) converted[j] = convert<Out>(In(fours[i][j]));
    store_neighbours(out, first + i * kPiece, p.count, converted);
  }
}

template <typename In, typename Out>
[[kernel]] void copy_strided(device const In* in [[buffer(0)]], device Out* out [[buffer(1)]],
                             constant CopyParams& p [[buffer(2)]],
                             uint2 position [[thread_position_in_grid]],
                             uint2 grid [[threads_per_grid]]) {
  ulong i = ulong(position.y) * grid.x + position.x;
  if (i >= p.count) return;
  long from = p.in_start, to = 0;
  for (uint axis = p.rank; axis-- > 0;) {
    const ulong quotient = i / p.shape[axis];
    const long index = long(i - quotient * p.shape[axis]);
    from += index * p.in_strides[axis];
    to += index * p.out_strides[axis];
    i = quotient;
  }
  out[to] = convert<Out>(in[from]);
}

// kCount elements that a lane moves: neighbours, at once, or as many that lie kSimdWidth apart.
template <typename T, uint kCount>
struct LaneElements {
  T of[kCount];

  static METAL_FUNC uint place(bool together, uint lane, uint i) {
    return together ? lane * kCount + i : i * kSimdWidth + lane;
  }
  METAL_FUNC void load(device const T* line, bool together, uint lane, ulong count) {
    if (kCount == 2 && together) {
      const vec<T, 2> two = *(device const vec<T, 2>*)(line + lane * 2);
      for (uint i = 0; i < kCount; ++i) of[i] = two[i];
    } else {
      for (uint i = 0; i < kCount; ++i) {
        const uint at = place(together, lane, i);
        if (at < count) of[i] = line[at];
      }
    }
  }
  METAL_FUNC void store(device T* line, bool together, uint lane, ulong count) const {
    if (kCount == 2 && together) {
      vec<T, 2> two;
      for (uint i = 0; i < kCount; ++i) two[i] = of[i];
      *(device vec<T, 2>*)(line + lane * 2) = two;
    } else {
      for (uint i = 0; i < kCount; ++i) {
        const uint at = place(together, lane, i);
        if (at < count) line[at] = of[i];
      }
    }
  }
};

// The tile at (row, column) of a matrix whose columns `in` has side by side, and `out` its rows.
template <typename T, uint kSide>
struct Tile {
  static constant constexpr uint kSimdgroups = kCopyTileThreads / kSimdWidth;
  static constant constexpr uint kEach = kSide / kSimdgroups;
  // More than a side: the lanes of a column are in different banks.
  static constant constexpr uint kLead = kSide + (sizeof(T) < 4 ? 4 / sizeof(T) : 1);
  using Elements = LaneElements<T, kSide / kSimdWidth>;

  device const T* in;  // of the tile's first element
  device T* out;
  long in_step;  // from row to row
  long out_step;
  ulong rows;  // from the tile on
  ulong columns;

  METAL_FUNC void turn(threadgroup T* tile, bool together, uint simdgroup, uint lane) const {
    Elements lines[kEach];
    for (uint j = 0; j < kEach; ++j) {
      const uint r = simdgroup + j * kSimdgroups;
      if (r < rows) lines[j].load(in + long(r) * in_step, together, lane, columns);
    }
    for (uint j = 0; j < kEach; ++j) {
      threadgroup T* line = tile + (simdgroup + j * kSimdgroups) * kLead;
      for (uint e = 0; e < kSide / kSimdWidth; ++e) {
        line[Elements::place(together, lane, e)] = lines[j].of[e];
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint j = 0; j < kEach; ++j) {
      const uint c = simdgroup + j * kSimdgroups;
      if (c >= columns) break;
      Elements turned;
      for (uint e = 0; e < kSide / kSimdWidth; ++e) {
        turned.of[e] = tile[Elements::place(together, lane, e) * kLead + c];
      }
      turned.store(out + long(c) * out_step, together, lane, rows);
    }
  }
};

template <typename T>
[[kernel]] void copy_tiles(device const T* in [[buffer(0)]], device T* out [[buffer(1)]],
                           constant CopyParams& p [[buffer(2)]],
                           uint2 group [[threadgroup_position_in_grid]],
                           uint simdgroup [[simdgroup_index_in_threadgroup]],
                           uint lane [[thread_index_in_simdgroup]]) {
  constexpr uint kSide = sizeof(T) == 8 ? kCopyTile / 2 : kCopyTile;
  using Turned = Tile<T, kSide>;
  threadgroup T tile[kSide * Turned::kLead];
  const uint last = p.rank - 1;
  const ulong rows = p.shape[last], columns = p.shape[p.along];
  const uint across = uint((columns + kSide - 1) / kSide);
  const ulong row = ulong(group.x / across) * kSide, column = ulong(group.x % across) * kSide;
  long from = p.in_start + long(row) * p.in_strides[last] + long(column);
  long to = long(column) * p.out_strides[p.along] + long(row);
  ulong i = group.y;
  for (uint axis = last; axis-- > 0;) {
    if (axis == p.along) continue;
    const ulong quotient = i / p.shape[axis];
    const long index = long(i - quotient * p.shape[axis]);
    from += index * p.in_strides[axis];
    to += index * p.out_strides[axis];
    i = quotient;
  }
  const Turned turned{in + from,  out + to,        p.in_strides[last], p.out_strides[p.along],
                      rows - row, columns - column};
  if (vectors && rows - row >= kSide && columns - column >= kSide) {
    turned.turn(tile, true, simdgroup, lane);
  } else {
    turned.turn(tile, false, simdgroup, lane);
  }
}
