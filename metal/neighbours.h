// How kernels walk flat arrays: a lane loads four neighbours at a time, a simdgroup 128, and takes
// kFlatPieces such pieces, so that several loads are under way before the first is used.
#pragma once

#include "numeric.h"

constant bool vectors [[function_constant(18)]];

constant constexpr uint kPiece = 4 * kSimdWidth;
constant constexpr uint kFlatEach = 4 * kFlatPieces;  // elements of a thread

// Where a thread's first four are; the next ones are kPiece further on. For threadgroups of one
// dimension and whole simdgroups.
METAL_FUNC ulong first_neighbour(uint2 position, uint2 grid) {
  const ulong thread_index = ulong(position.y) * grid.x + position.x;
  return thread_index / kSimdWidth * (kPiece * kFlatPieces) + thread_index % kSimdWidth * 4;
}

// Elements i .. i + 3, anything beyond `count`.
template <typename T>
METAL_FUNC vec<Lane<T>, 4> load_neighbours(device const T* from, ulong i, ulong count) {
  device const Lane<T>* at = (device const Lane<T>*)from + i;
  if (vectors && i + 4 <= count) return *(device const vec<Lane<T>, 4>*)at;
  vec<Lane<T>, 4> four = vec<Lane<T>, 4>(Lane<T>(0));
  for (uint j = 0; j < 4; ++j) {
    if (i + j < count) four[j] = at[j];
  }
  return four;
}

template <typename T>
METAL_FUNC void store_neighbours(device T* to, ulong i, ulong count, vec<Lane<T>, 4> four) {
  device Lane<T>* at = (device Lane<T>*)to + i;
  if (vectors && i + 4 <= count) {
    *(device vec<Lane<T>, 4>*)at = four;
  } else {
    for (uint j = 0; j < 4; ++j) {
      if (i + j < count) at[j] = four[j];
    }
  }
}
