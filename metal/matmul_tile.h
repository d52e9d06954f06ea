// The tiled matrix products: C[m, n] = sum over k of A(m, k) B(n, k), one tile of C a threadgroup.
// The operands are loaders (operand.h); `store(row, column, value)` takes each element of the
// result and is called for elements inside [rows, columns] only. Sums are floats, or, where the
// operands hold integers and kExactDepth is not 0, exact int32: kExactDepth of the products sum
// exactly in float, in any order, and then move to an int32.
//
// Two engines: simdgroup matrices, and plain threadgroup memory for devices without them.
#pragma once

#include <metal_simdgroup_matrix>

#include "operand.h"

// Depth of a tile, 64 bytes of a row at a time, and the distance of its rows, or, where a tile runs
// along them, from one depth to the next: 16 bytes more than they have, so that the rows of an 8 by
// 8 matrix start in different banks.
template <typename T>
struct TileShape {
  static constant constexpr ushort kDepth = 64 / sizeof(T);
  static constant constexpr ushort kLead = kDepth + 16 / sizeof(T);
  static constant constexpr ushort kAcross = kMatmulTile + 16 / sizeof(T);

  static METAL_FUNC TileSteps steps(bool along_depth) {
    return along_depth ? TileSteps{kLead, 1} : TileSteps{1, kAcross};
  }
};

// The 8 by 8 elements of a tile from (row, depth) on, or their transpose.
template <typename T>
METAL_FUNC void load_matrix(thread simdgroup_matrix<T, 8, 8>& m, threadgroup const T* tile,
                            bool along_depth, uint row, uint depth, bool transposed) {
  const TileSteps steps = TileShape<T>::steps(along_depth);
  threadgroup const T* from = tile + row * uint(steps.row) + depth * uint(steps.depth);
  const ushort lead = along_depth ? TileShape<T>::kLead : TileShape<T>::kAcross;
  if (along_depth == transposed) {
    simdgroup_load(m, from, lead, ulong2(0, 0), true);
  } else {
    simdgroup_load(m, from, lead);
  }
}

// Sums of integers are exact in float up to 2^24. Products of int8 are at most 2^14, those of int8
// and {-1, 0, 1} at most 2^7.
constant constexpr uint kNotExact = 0;
constant constexpr uint kInt8ExactDepth = 1u << 10;
constant constexpr uint kTernaryExactDepth = 1u << 17;

// A simdgroup's quarter of the tile: 32 by 32, as 4 by 4 matrices of 8 by 8.
constant constexpr ushort kQuarter = 32;
constant constexpr ushort kMatrices = kQuarter / 8;

// Threadgroup memory of the engines, in elements of T and in floats.
template <typename T>
constant constexpr ushort kTileElements = kMatmulTile * TileShape<T>::kLead;  // the larger layout
constant constexpr ushort kStripFloats = 4 * 8 * kQuarter;  // 4 simdgroups, 8 rows of each quarter

template <uint kExactDepth, typename A, typename B, typename Store>
METAL_FUNC void matmul_simdgroup(A a, B b, uint rows, uint columns, uint k, uint2 tile, Store store,
                                 threadgroup typename A::Element* tile_a,
                                 threadgroup typename B::Element* tile_b, threadgroup float* strips,
                                 ushort index, ushort simdgroup, ushort lane) {
  using T = typename A::Element;
  constexpr bool kExact = kExactDepth != kNotExact;
  constexpr uint kMove = kExact ? kExactDepth : 1;
  constexpr ushort kDepth = TileShape<T>::kDepth;
  const uint row0 = tile.y * kMatmulTile, column0 = tile.x * kMatmulTile;
  const uint row_in_tile = simdgroup / 2 * kQuarter, column_in_tile = simdgroup % 2 * kQuarter;

  simdgroup_float8x8 sums[kMatrices][kMatrices];
  int2 totals[kMatrices][kMatrices];
  BITMETAL_UNROLL
  for (ushort i = 0; i < kMatrices; ++i) {
    BITMETAL_UNROLL
    for (ushort j = 0; j < kMatrices; ++j) {
      sums[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
      totals[i][j] = int2(0);
    }
  }

  for (uint depth = 0; depth < k; depth += kDepth) {
    a.template load<kMatmulTile, kDepth, kMatmulThreads>(tile_a, TileShape<T>::steps(a.along_depth),
                                                         row0, depth, index);
    b.template load<kMatmulTile, kDepth, kMatmulThreads>(tile_b, TileShape<T>::steps(b.along_depth),
                                                         column0, depth, index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    BITMETAL_UNROLL
    for (ushort d = 0; d < kDepth; d += 8) {
      simdgroup_matrix<T, 8, 8> left[kMatrices], right[kMatrices];
      BITMETAL_UNROLL
      for (ushort i = 0; i < kMatrices; ++i) {
        load_matrix(left[i], tile_a, a.along_depth, row_in_tile + 8 * i, d, false);
        load_matrix(right[i], tile_b, b.along_depth, column_in_tile + 8 * i, d, true);
      }
      BITMETAL_UNROLL
      for (ushort i = 0; i < kMatrices; ++i) {
        BITMETAL_UNROLL
        for (ushort j = 0; j < kMatrices; ++j) {
          simdgroup_multiply_accumulate(sums[i][j], left[i], right[j], sums[i][j]);
        }
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);

    if (kExact && ((depth + kDepth) % kMove == 0 || depth + kDepth >= k)) {
      BITMETAL_UNROLL
      for (ushort i = 0; i < kMatrices; ++i) {
        BITMETAL_UNROLL
        for (ushort j = 0; j < kMatrices; ++j) {
          totals[i][j] += int2(sums[i][j].thread_elements());
          sums[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
        }
      }
    }
  }

  // Which elements a lane holds is the hardware's affair: the way out leads through memory, eight
  // rows at a time; for integers in two halves, which floats hold exactly.
  threadgroup float* strip = strips + simdgroup * 8 * kQuarter;
  const uint column = column0 + column_in_tile + lane;
  BITMETAL_UNROLL
  for (ushort i = 0; i < kMatrices; ++i) {
    int high[8];
    for (ushort part = kExact ? 0 : 1; part < 2; ++part) {
      BITMETAL_UNROLL
      for (ushort j = 0; j < kMatrices; ++j) {
        if (kExact) {
          const int2 half_of = part == 0 ? totals[i][j] >> 16 : totals[i][j] & 0xffff;
          sums[i][j].thread_elements() = float2(half_of);
        }
        simdgroup_store(sums[i][j], strip + 8 * j, kQuarter);
      }
      simdgroup_barrier(mem_flags::mem_threadgroup);
      for (ushort r = 0; r < 8; ++r) {
        const float value = strip[r * kQuarter + lane];
        const uint row = row0 + row_in_tile + 8 * i + r;
        if (part == 0) {
          high[r] = int(value);
        } else if (row < rows && column < columns) {
          if (kExact) {
            store(row, column, (high[r] << 16) + int(value));
          } else {
            store(row, column, value);
          }
        }
      }
      simdgroup_barrier(mem_flags::mem_threadgroup);
    }
  }
}

// Threads that each compute kSide by kSide neighbours of the tile, which lies along its rows in
// threadgroup memory for that.
template <uint kExactDepth, typename A, typename B, typename Store>
METAL_FUNC void matmul_plain(A a, B b, uint rows, uint columns, uint k, uint2 tile, Store store,
                             threadgroup typename A::Element* tile_a,
                             threadgroup typename B::Element* tile_b, ushort index) {
  using T = typename A::Element;
  constexpr bool kExact = kExactDepth != kNotExact;
  constexpr uint kMove = kExact ? kExactDepth : 1;
  constexpr ushort kDepth = TileShape<T>::kDepth, kAcross = TileShape<T>::kAcross;
  constexpr ushort kSide = 4;
  const TileSteps steps = TileShape<T>::steps(false);
  const uint row0 = tile.y * kMatmulTile, column0 = tile.x * kMatmulTile;
  const ushort y = index / (kMatmulTile / kSide) * kSide, x = index % (kMatmulTile / kSide) * kSide;

  float4 sums[kSide];
  int4 totals[kSide];
  BITMETAL_UNROLL
  for (ushort i = 0; i < kSide; ++i) {
    sums[i] = float4(0);
    totals[i] = int4(0);
  }
  for (uint depth = 0; depth < k; depth += kDepth) {
    a.template load<kMatmulTile, kDepth, kMatmulPlainThreads>(tile_a, steps, row0, depth, index);
    b.template load<kMatmulTile, kDepth, kMatmulPlainThreads>(tile_b, steps, column0, depth, index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    BITMETAL_UNROLL
    for (ushort d = 0; d < kDepth; ++d) {
      const float4 left = float4(*(threadgroup const vec<T, 4>*)(tile_a + d * kAcross + y));
      const float4 right = float4(*(threadgroup const vec<T, 4>*)(tile_b + d * kAcross + x));
      BITMETAL_UNROLL
      for (ushort i = 0; i < kSide; ++i) sums[i] = fma(float4(left[i]), right, sums[i]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);

    if (kExact && ((depth + kDepth) % kMove == 0 || depth + kDepth >= k)) {
      BITMETAL_UNROLL
      for (ushort i = 0; i < kSide; ++i) {
        totals[i] += int4(sums[i]);
        sums[i] = float4(0);
      }
    }
  }

  BITMETAL_UNROLL
  for (ushort i = 0; i < kSide * kSide; ++i) {
    const uint row = row0 + y + i / kSide, column = column0 + x + i % kSide;
    if (row >= rows || column >= columns) continue;
    if (kExact) {
      store(row, column, totals[i / kSide][i % kSide]);
    } else {
      store(row, column, sums[i / kSide][i % kSide]);
    }
  }
}
