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

// Depth of a tile and the distance of its rows: 64 bytes of a row at a time, and 16 bytes more so
// that the rows of an 8 by 8 matrix start in different banks.
template <typename T>
struct TileShape {
  static constant constexpr ushort kDepth = 64 / sizeof(T);
  static constant constexpr ushort kLead = kDepth + 16 / sizeof(T);
};

// Sums of integers are exact in float up to 2^24. Products of int8 are at most 2^14, those of int8
// and {-1, 0, 1} at most 2^7.
constant constexpr uint kNotExact = 0;
constant constexpr uint kInt8ExactDepth = 1u << 10;
constant constexpr uint kTernaryExactDepth = 1u << 17;

// A simdgroup's quarter of the tile: 32 by 32, as 4 by 4 matrices of 8 by 8.
constant constexpr ushort kQuarter = 32;
constant constexpr ushort kMatrices = kQuarter / 8;

// Threadgroup memory of the simdgroup engine, in bytes of T and in floats.
template <typename T>
constant constexpr ushort kTileElements = kMatmulTile * TileShape<T>::kLead;
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
  constexpr ushort kLead = TileShape<T>::kLead;
  const uint row0 = tile.y * kMatmulTile, column0 = tile.x * kMatmulTile;
  const ushort row_in_tile = simdgroup / 2 * kQuarter, column_in_tile = simdgroup % 2 * kQuarter;

  simdgroup_float8x8 sums[kMatrices][kMatrices];
  int2 totals[kMatrices][kMatrices];
  for (ushort i = 0; i < kMatrices; ++i) {
    for (ushort j = 0; j < kMatrices; ++j) {
      sums[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
      totals[i][j] = int2(0);
    }
  }

  for (uint depth = 0; depth < k; depth += kDepth) {
    a.template load<kMatmulTile, kDepth, kLead, kMatmulThreads>(tile_a, row0, depth, index);
    b.template load<kMatmulTile, kDepth, kLead, kMatmulThreads>(tile_b, column0, depth, index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (ushort d = 0; d < kDepth; d += 8) {
      simdgroup_matrix<T, 8, 8> left[kMatrices], right[kMatrices];
      for (ushort i = 0; i < kMatrices; ++i) {
        simdgroup_load(left[i], tile_a + (row_in_tile + 8 * i) * kLead + d, kLead);
        simdgroup_load(right[i], tile_b + (column_in_tile + 8 * i) * kLead + d, kLead, ulong2(0, 0),
                       true);
      }
      for (ushort i = 0; i < kMatrices; ++i) {
        for (ushort j = 0; j < kMatrices; ++j) {
          simdgroup_multiply_accumulate(sums[i][j], left[i], right[j], sums[i][j]);
        }
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);

    if (kExact && ((depth + kDepth) % kMove == 0 || depth + kDepth >= k)) {
      for (ushort i = 0; i < kMatrices; ++i) {
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
  for (ushort i = 0; i < kMatrices; ++i) {
    int high[8];
    for (ushort part = kExact ? 0 : 1; part < 2; ++part) {
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

// Threadgroup memory of the plain engine, in elements of T.
template <typename T>
constant constexpr ushort kPlainTileElements = kMatmulPlainTile * TileShape<T>::kLead;

// 16 by 16 threads, each of which computes the elements (y, x), (y + 16, x), (y, x + 16) and
// (y + 16, x + 16) of the tile.
template <uint kExactDepth, typename A, typename B, typename Store>
METAL_FUNC void matmul_plain(A a, B b, uint rows, uint columns, uint k, uint2 tile, Store store,
                             threadgroup typename A::Element* tile_a,
                             threadgroup typename B::Element* tile_b, ushort index) {
  using T = typename A::Element;
  constexpr bool kExact = kExactDepth != kNotExact;
  constexpr uint kMove = kExact ? kExactDepth : 1;
  constexpr ushort kDepth = TileShape<T>::kDepth;
  constexpr ushort kLead = TileShape<T>::kLead;
  constexpr ushort kSide = 16;
  const uint row0 = tile.y * kMatmulPlainTile, column0 = tile.x * kMatmulPlainTile;
  const ushort y = index / kSide, x = index % kSide;

  float sums[2][2] = {{0, 0}, {0, 0}};
  int totals[2][2] = {{0, 0}, {0, 0}};
  for (uint depth = 0; depth < k; depth += kDepth) {
    a.template load<kMatmulPlainTile, kDepth, kLead, kMatmulPlainThreads>(tile_a, row0, depth,
                                                                          index);
    b.template load<kMatmulPlainTile, kDepth, kLead, kMatmulPlainThreads>(tile_b, column0, depth,
                                                                          index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (ushort d = 0; d < kDepth; ++d) {
      for (ushort i = 0; i < 2; ++i) {
        const float left = float(tile_a[(y + kSide * i) * kLead + d]);
        for (ushort j = 0; j < 2; ++j) {
          sums[i][j] = fma(left, float(tile_b[(x + kSide * j) * kLead + d]), sums[i][j]);
        }
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);

    if (kExact && ((depth + kDepth) % kMove == 0 || depth + kDepth >= k)) {
      for (ushort i = 0; i < 4; ++i) {
        totals[i / 2][i % 2] += int(sums[i / 2][i % 2]);
        sums[i / 2][i % 2] = 0;
      }
    }
  }

  for (ushort i = 0; i < 4; ++i) {
    const uint row = row0 + y + i / 2 * kSide, column = column0 + x + i % 2 * kSide;
    if (row >= rows || column >= columns) continue;
    if (kExact) {
      store(row, column, totals[i / 2][i % 2]);
    } else {
      store(row, column, sums[i / 2][i % 2]);
    }
  }
}
