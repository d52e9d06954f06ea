// Products of 32 by 32 tiles in threadgroup memory by kTileThreads threads, 4 by 2 elements each.
#pragma once

#include "numeric.h"

constant constexpr ushort kTileSide = 32;
constant constexpr ushort kTileLead = kTileSide + 4;  // in floats; rows stay aligned for float4
constant constexpr ushort kTileFours = kTileSide * kTileLead / 4;

// Where a thread's elements begin.
METAL_FUNC ushort2 tile_place(ushort index) {
  return ushort2(index % (kTileSide / 2) * 2, index / (kTileSide / 2) * 4);
}

// sums[x][y] += the element (place.y + y, place.x + x) of L^T R.
METAL_FUNC void multiply_tiles(threadgroup const float* left, threadgroup const float* right,
                               ushort2 place, thread float4* sums) {
  for (ushort k = 0; k < kTileSide; ++k) {
    const float4 l = *(threadgroup const float4*)(left + k * kTileLead + place.y);
    const float2 r = *(threadgroup const float2*)(right + k * kTileLead + place.x);
    sums[0] = fma(l, float4(r[0]), sums[0]);
    sums[1] = fma(l, float4(r[1]), sums[1]);
  }
}

METAL_FUNC void store_tile(threadgroup float* tile, ushort2 place, thread const float4* sums) {
  for (ushort i = 0; i < 4; ++i) {
    tile[(place.y + i) * kTileLead + place.x] = sums[0][i];
    tile[(place.y + i) * kTileLead + place.x + 1] = sums[1][i];
  }
}
