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
#include "store.h"

// Depth of the plain engine's tiles: 64 bytes of a row.
template <typename T>
constant constexpr ushort kPlainDepth = 64 / sizeof(T);

// Sums of integers are exact in float up to 2^24. Products of int8 are at most 2^14, those of int8
// and {-1, 0, 1} at most 2^7.
constant constexpr uint kNotExact = 0;
constant constexpr uint kInt8ExactDepth = 1u << 10;
constant constexpr uint kTernaryExactDepth = 1u << 17;

// Where a thread's pieces of a tile of kRows by kDepth lie. Lines are rows, or depths where the
// operand runs along its rows; neighbouring threads have Operand::kTogether lines' pieces at the
// same place along them, and then the next places: neighbours in memory are neighbours' to load.
template <typename Operand, ushort kRows, ushort kDepth, ushort kThreads>
struct TilePieces {
  static constant constexpr ushort kSize = 8 * Operand::kEights;
  static constant constexpr ushort kCount = kRows * kDepth / kSize;
  static constant constexpr ushort kEach = (kCount + kThreads - 1) / kThreads;
  typename Operand::Piece pieces[kEach];

  // Of piece q: x the row, y the depth.
  static METAL_FUNC uint2 place(uint q, bool along_depth) {
    constexpr uint kTogether = Operand::kTogether;
    const uint across = (along_depth ? kDepth : kRows) / kSize;
    const uint line = q % kTogether + q / (kTogether * across) * kTogether;
    const uint along = q / kTogether % across * kSize;
    return along_depth ? uint2(line, along) : uint2(along, line);
  }

  METAL_FUNC void fetch(thread const Operand& operand, uint row0, uint depth0, uint index) {
    if constexpr (Operand::kStrided && kCount % kThreads == 0) {
      const uint2 first = place(index, operand.along_depth);
      const uint2 step = place(kThreads, operand.along_depth);
      const bool even = (operand.along_depth ? step.y == 0 : step.x == 0) &&
                        step.x % Operand::kStepRows == 0;  // the same for all pieces
      if (even && operand.whole(row0, kRows, depth0, kDepth)) {
        BITMETAL_UNROLL
        for (ushort i = 0; i < kEach; ++i) {
          pieces[i] = operand.fetch_whole(row0 + first.x, depth0 + first.y, i * step);
        }
        return;
      }
    }
    BITMETAL_UNROLL
    for (ushort i = 0; i < kEach; ++i) {
      const uint q = index + i * kThreads;
      if (kCount % kThreads != 0 && q >= kCount) break;
      const uint2 at = place(q, operand.along_depth);
      pieces[i] = operand.fetch(row0 + at.x, depth0 + at.y);
    }
  }

  // Calls put(row, depth, eight).
  template <typename Put>
  METAL_FUNC void put(thread const Operand& operand, uint index, Put to) const {
    BITMETAL_UNROLL
    for (ushort i = 0; i < kEach; ++i) {
      const uint q = index + i * kThreads;
      if (kCount % kThreads != 0 && q >= kCount) break;
      const uint2 at = place(q, operand.along_depth);
      BITMETAL_UNROLL
      for (ushort e = 0; e < Operand::kEights; ++e) {
        const Eight<typename Operand::Element> eight = operand.eight(pieces[i], e);
        if (operand.along_depth) {
          to(at.x, at.y + 8 * e, eight);
        } else {
          to(at.x + 8 * e, at.y, eight);
        }
      }
    }
  }
};

// A tile as 8 by 8 matrices: its lines' eights, first those of all lines that are the first of
// theirs, so that a matrix is 64 neighbours. Eights that eight threads store at a time, of one or
// more lines, have to be in different banks, hence the room between.
template <typename T, ushort kRows, ushort kDepth>
struct MatrixTile {
  static constant constexpr ushort kDepthEights = kDepth / 8, kRowEights = kRows / 8;
  static constant constexpr ushort kRowLead = kRows + (kDepthEights < 8 ? 8 / kDepthEights : 1);
  static constant constexpr ushort kDepthLead = kDepth + (kRowEights < 8 ? 8 / kRowEights : 1);
  static constant constexpr ushort kSize = kDepthEights * kRowLead > kRowEights* kDepthLead
                                               ? kDepthEights * kRowLead
                                               : kRowEights * kDepthLead;
  threadgroup Eight<T>* eights;
  bool along_depth;

  METAL_FUNC threadgroup Eight<T>* at(uint row, uint depth) const {
    return eights + (along_depth ? depth / 8 * kRowLead + row : row / 8 * kDepthLead + depth);
  }
  METAL_FUNC void operator()(uint row, uint depth, Eight<T> eight) const {
    *at(row, depth) = eight;
  }
  // From a matrix to the next one down the rows, or along the depth.
  METAL_FUNC uint row_step() const { return along_depth ? 8 : kDepthLead; }
  METAL_FUNC uint depth_step() const { return along_depth ? kRowLead : 8; }
};

// Matrices for multiply_accumulate_matrices from rows of eight elements, eight rows a matrix.
// left[i][k] begins at rows[i * step_i + k * step_k], right[k][j] at rows[j * step_j + k * step_k].
//
// A device whose matrix instructions are larger than 8 by 8 may have more specialized functions of
// these three names.
template <typename T, typename Left, typename Row>
METAL_FUNC void load_left_matrices(thread Left& left, threadgroup const Row* rows, uint step_i,
                                   uint step_k, bool transposed) {
  BITMETAL_UNROLL
  for (uint i = 0; i < sizeof(left) / sizeof(left[0]); ++i) {
    BITMETAL_UNROLL
    for (uint k = 0; k < sizeof(left[0]) / sizeof(left[0][0]); ++k) {
      simdgroup_load(left[i][k], (threadgroup const T*)(rows + i * step_i + k * step_k), 8,
                     ulong2(0, 0), transposed);
    }
  }
}
template <typename T, typename Right, typename Row>
METAL_FUNC void load_right_matrices(thread Right& right, threadgroup const Row* rows, uint step_j,
                                    uint step_k, bool transposed) {
  BITMETAL_UNROLL
  for (uint k = 0; k < sizeof(right) / sizeof(right[0]); ++k) {
    BITMETAL_UNROLL
    for (uint j = 0; j < sizeof(right[0]) / sizeof(right[0][0]); ++j) {
      simdgroup_load(right[k][j], (threadgroup const T*)(rows + j * step_j + k * step_k), 8,
                     ulong2(0, 0), transposed);
    }
  }
}

// sums[i][j] += sum over k of left[i][k] right[k][j].
template <typename Sums, typename Left, typename Right>
METAL_FUNC void multiply_accumulate_matrices(thread Sums& sums, thread const Left& left,
                                             thread const Right& right) {
  constexpr ushort kRows = sizeof(left) / sizeof(left[0]);
  constexpr ushort kDepth = sizeof(right) / sizeof(right[0]);
  constexpr ushort kColumns = sizeof(right[0]) / sizeof(right[0][0]);
  BITMETAL_UNROLL
  for (ushort k = 0; k < kDepth; ++k) {
    BITMETAL_UNROLL
    for (ushort i = 0; i < kRows; ++i) {
      BITMETAL_UNROLL
      for (ushort j = 0; j < kColumns; ++j) {
        simdgroup_multiply_accumulate(sums[i][j], left[i][k], right[k][j], sums[i][j]);
      }
    }
  }
}

// How simdgroups share a tile: kDown by kAcross of them, with kHigh by kWide matrices each. kBytes
// of a row of each operand are multiplied at a time. Where kDecodes, a tile is decoded in one run
// of instructions with the product of the one before, in which the multiplications' delays are
// room.
template <ushort kHighMatrices, ushort kWideMatrices, ushort kDownGroups, ushort kAcrossGroups,
          ushort kDepthBytes = 64, ushort kTileBuffers = 2, bool kTakesCodes = false>
struct MatmulShape {
  static constant constexpr ushort kHigh = kHighMatrices, kWide = kWideMatrices;
  static constant constexpr ushort kAcross = kAcrossGroups;
  static constant constexpr ushort kSimdgroups = kDownGroups * kAcrossGroups;
  static constant constexpr ushort kRows = 8 * kHigh * kDownGroups;
  static constant constexpr ushort kColumns = 8 * kWide * kAcross;
  static constant constexpr ushort kThreads = kSimdgroups * kSimdWidth;
  static constant constexpr ushort kBytes = kDepthBytes;
  static constant constexpr ushort kBuffers = kTileBuffers;
  static constant constexpr bool kDecodes = kTakesCodes;
};

template <typename T, typename Shape>
using TileA = MatrixTile<T, Shape::kRows, Shape::kBytes / sizeof(T)>;
template <typename T, typename Shape>
using TileB = MatrixTile<T, Shape::kColumns, Shape::kBytes / sizeof(T)>;

// Threadgroup memory of a product, in 16 bytes: the operands' tiles, kBuffers times.
template <typename T, typename Shape>
constant constexpr ushort kMatmulMemory =
    Shape::kBuffers * (TileA<T, Shape>::kSize + TileB<T, Shape>::kSize) * Eight<T>::kQuads;

// What a thread loads of both operands' tiles.
template <typename Shape, typename A, typename B>
struct PairPieces {
  using T = typename A::Element;
  static constant constexpr ushort kDepth = Shape::kBytes / sizeof(T);
  uint row0, column0, index;
  TilePieces<A, Shape::kRows, kDepth, Shape::kThreads> of_a;
  TilePieces<B, Shape::kColumns, kDepth, Shape::kThreads> of_b;

  METAL_FUNC void fetch(thread const A& a, thread const B& b, uint depth) {
    of_a.fetch(a, row0, depth, index);
    of_b.fetch(b, column0, depth, index);
  }
  // For all to multiply, and fetches what is at `next`.
  METAL_FUNC void put(thread const A& a, thread const B& b, threadgroup Eight<T>* to, uint next,
                      uint k) {
    of_a.put(a, index, TileA<T, Shape>{to, a.along_depth});
    of_b.put(b, index, TileB<T, Shape>{to + TileA<T, Shape>::kSize, b.along_depth});
    if (Shape::kDecodes && next < k) fetch(a, b, next);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (!Shape::kDecodes && next < k) fetch(a, b, next);
  }
};

// 64 by 64: 32 sums a thread, which all GPUs have room for.
using StandardShape = MatmulShape<4, 4, 2, 2>;
// 128 by 128: 128 sums a thread, for GPUs whose threads have 255 registers.
using LargeShape = MatmulShape<8, 8, 2, 2, 64, 1>;
// 128 or 64 rows of a weight by 8 or 32 of few activations.
using Few8Shape = MatmulShape<4, 1, 4, 1, 128, 1, true>;
using Few32Shape = MatmulShape<2, 4, 4, 1, 256, 1, true>;

template <uint kExactDepth, typename Shape, typename A, typename B, typename Store>
METAL_FUNC void matmul_tile(A a, B b, uint rows, uint columns, uint k, uint2 tile, Store store,
                            threadgroup uint4* memory, uint index, uint simdgroup, uint lane) {
  using T = typename A::Element;
  constexpr bool kExact = kExactDepth != kNotExact;
  constexpr uint kMove = kExact ? kExactDepth : 1;
  constexpr ushort kDepth = Shape::kBytes / sizeof(T);
  constexpr ushort kHigh = Shape::kHigh, kWide = Shape::kWide;
  // Eight rows of a simdgroup's sums; two neighbouring ones' begin in different banks.
  constexpr ushort kStrip = 8 * kWide, kStripLead = kStrip + (kStrip % 32 == 0 ? 8 : 0);
  static_assert(Shape::kSimdgroups * 8 * kStripLead * 4 <= kMatmulMemory<T, Shape> * 16,
                "the way out fits in it");
  threadgroup Eight<T>* eights = (threadgroup Eight<T>*)memory;
  const uint row0 = tile.y * Shape::kRows, column0 = tile.x * Shape::kColumns;
  const uint row_in_tile = simdgroup / Shape::kAcross * 8 * kHigh;
  const uint column_in_tile = simdgroup % Shape::kAcross * 8 * kWide;

  simdgroup_float8x8 sums[kHigh][kWide];
  int2 totals[kHigh][kWide];
  BITMETAL_UNROLL
  for (ushort i = 0; i < kHigh; ++i) {
    BITMETAL_UNROLL
    for (ushort j = 0; j < kWide; ++j) {
      sums[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
      totals[i][j] = int2(0);
    }
  }

  PairPieces<Shape, A, B> pieces{row0, column0, index};
  pieces.fetch(a, b, 0);
  if (Shape::kDecodes) pieces.put(a, b, eights, kDepth, k);
  bool second = false;  // of the two tiles of each operand
  for (uint depth = 0; depth < k; depth += kDepth) {
    threadgroup Eight<T>* from =
        eights + (second ? TileA<T, Shape>::kSize + TileB<T, Shape>::kSize : 0);
    const TileA<T, Shape> tile_a{from, a.along_depth};
    const TileB<T, Shape> tile_b{from + TileA<T, Shape>::kSize, b.along_depth};
    // Of two buffers the other one is written next: whoever comes here has multiplied it.
    if (!Shape::kDecodes) pieces.put(a, b, from, depth + kDepth, k);
    BITMETAL_UNROLL
    for (uint d = 0; d < kDepth; d += 16) {
      simdgroup_matrix<T, 8, 8> left[kHigh][2], right[2][kWide];
      load_left_matrices<T>(left, tile_a.at(row_in_tile, d), tile_a.row_step(), tile_a.depth_step(),
                            !a.along_depth);
      load_right_matrices<T>(right, tile_b.at(column_in_tile, d), tile_b.row_step(),
                             tile_b.depth_step(), b.along_depth);
      multiply_accumulate_matrices(sums, left, right);
    }
    if (Shape::kBuffers == 2) {
      second = !second;
    } else {
      threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    if (Shape::kDecodes && depth + kDepth < k) {
      pieces.put(a, b, eights, depth + 2 * kDepth, k);
    }

    if (kExact && ((depth + kDepth) % kMove == 0 || depth + kDepth >= k)) {
      BITMETAL_UNROLL
      for (ushort i = 0; i < kHigh; ++i) {
        BITMETAL_UNROLL
        for (ushort j = 0; j < kWide; ++j) {
          totals[i][j] += int2(sums[i][j].thread_elements());
          sums[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
        }
      }
    }
  }

  // Which elements a lane holds is the hardware's affair: the way out leads through memory, eight
  // rows at a time; for integers in two halves, which floats hold exactly.
  threadgroup_barrier(mem_flags::mem_threadgroup);
  threadgroup float* strip = (threadgroup float*)memory + simdgroup * 8 * kStripLead;
  BITMETAL_UNROLL
  for (ushort i = 0; i < kHigh; ++i) {
    int high[2 * kWide];
    for (ushort part = kExact ? 0 : 1; part < 2; ++part) {
      BITMETAL_UNROLL
      for (ushort j = 0; j < kWide; ++j) {
        if (kExact) {
          const int2 half_of = part == 0 ? totals[i][j] >> 16 : totals[i][j] & 0xffff;
          sums[i][j].thread_elements() = float2(half_of);
        }
        simdgroup_store(sums[i][j], strip + 8 * j, kStripLead);
      }
      simdgroup_barrier(mem_flags::mem_threadgroup);
      if constexpr (!kExact && kStoresFours<Store>) {
        BITMETAL_UNROLL
        for (ushort e = 0; e < kWide / 2; ++e) {
          const ushort q = e * kSimdWidth + lane, r = q / (kStrip / 4), c = q % (kStrip / 4) * 4;
          const float4 values = *(threadgroup const float4*)(strip + r * kStripLead + c);
          const uint row = row0 + row_in_tile + 8 * i + r, column = column0 + column_in_tile + c;
          if (row < rows && column < columns) store(row, column, values);
        }
      } else {
        BITMETAL_UNROLL
        for (ushort e = 0; e < 2 * kWide; ++e) {
          // Neighbours in the result are neighbouring lanes'.
          const ushort q = e * kSimdWidth + lane;
          const ushort r = Store::kAlongRows ? q / kStrip : q % 8;
          const ushort c = Store::kAlongRows ? q % kStrip : q / 8;
          const float value = strip[r * kStripLead + c];
          const uint row = row0 + row_in_tile + 8 * i + r, column = column0 + column_in_tile + c;
          if (part == 0) {
            high[e] = int(value);
          } else if (row < rows && column < columns) {
            if (kExact) {
              store(row, column, (high[e] << 16) + int(value));
            } else {
              store(row, column, value);
            }
          }
        }
      }
      simdgroup_barrier(mem_flags::mem_threadgroup);
    }
  }
}

// A product whose operands have changed sides.
template <typename Store>
struct SwappedStore {
  static constant constexpr bool kAlongRows = !Store::kAlongRows;
  Store store;
  template <typename Sum>
  METAL_FUNC void operator()(uint row, uint column, Sum value) const {
    store(column, row, value);
  }
};

// A tile as the plain engine reads it: along the operand's rows.
template <typename T, ushort kRows, ushort kDepth>
struct PlainTile {
  static constant constexpr ushort kAcross = kRows + 16 / sizeof(T);
  static constant constexpr ushort kMemory = kDepth * kAcross;
  threadgroup T* elements;
  bool along_depth;

  METAL_FUNC void operator()(uint row, uint depth, Eight<T> eight) const {
    threadgroup T* to = elements + depth * kAcross + row;
    if (along_depth) {
      for (ushort i = 0; i < 8; ++i) to[i * kAcross] = eight.at(i);
    } else {
      *(threadgroup Eight<T>*)to = eight;
    }
  }
  METAL_FUNC float4 four(uint row, uint depth) const {
    return float4(*(threadgroup const vec<T, 4>*)(elements + depth * kAcross + row));
  }
};

// kMatmulPlainThreads threads, 16 by 16, that each compute kFours by kFours times 4 by 4 neighbours
// of a tile of kMatmulTile * kFours.
template <typename T, ushort kFours>
constant constexpr ushort kPlainMemory =
    2 * PlainTile<T, kMatmulTile * kFours, kPlainDepth<T>>::kMemory;

template <uint kExactDepth, ushort kFours, typename A, typename B, typename Store>
METAL_FUNC void matmul_plain_tile(A a, B b, uint rows, uint columns, uint k, uint2 tile,
                                  Store store, threadgroup typename A::Element* memory,
                                  uint index) {
  using T = typename A::Element;
  constexpr bool kExact = kExactDepth != kNotExact;
  constexpr uint kMove = kExact ? kExactDepth : 1;
  constexpr ushort kDepth = kPlainDepth<T>, kSide = kMatmulTile * kFours;
  using Tile = PlainTile<T, kSide, kDepth>;
  const Tile tile_a{memory, a.along_depth}, tile_b{memory + Tile::kMemory, b.along_depth};
  const uint row0 = tile.y * kSide, column0 = tile.x * kSide;
  const uint y = index / 16 * 4, x = index % 16 * 4;

  float4 sums[4 * kFours][kFours];
  int4 totals[4 * kFours][kFours];
  BITMETAL_UNROLL
  for (ushort i = 0; i < 4 * kFours; ++i) {
    BITMETAL_UNROLL
    for (ushort j = 0; j < kFours; ++j) {
      sums[i][j] = float4(0);
      totals[i][j] = int4(0);
    }
  }
  TilePieces<A, kSide, kDepth, kMatmulPlainThreads> pieces_a;
  TilePieces<B, kSide, kDepth, kMatmulPlainThreads> pieces_b;
  pieces_a.fetch(a, row0, 0, index);
  pieces_b.fetch(b, column0, 0, index);
  for (uint depth = 0; depth < k; depth += kDepth) {
    pieces_a.put(a, index, tile_a);
    pieces_b.put(b, index, tile_b);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (depth + kDepth < k) {
      pieces_a.fetch(a, row0, depth + kDepth, index);
      pieces_b.fetch(b, column0, depth + kDepth, index);
    }
    BITMETAL_UNROLL
    for (uint d = 0; d < kDepth; ++d) {
      float4 left[kFours], right[kFours];
      BITMETAL_UNROLL
      for (ushort part = 0; part < kFours; ++part) {
        left[part] = tile_a.four(part * kMatmulTile + y, d);
        right[part] = tile_b.four(part * kMatmulTile + x, d);
      }
      BITMETAL_UNROLL
      for (ushort i = 0; i < 4 * kFours; ++i) {
        BITMETAL_UNROLL
        for (ushort j = 0; j < kFours; ++j) {
          sums[i][j] = fma(float4(left[i / 4][i % 4]), right[j], sums[i][j]);
        }
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);

    if (kExact && ((depth + kDepth) % kMove == 0 || depth + kDepth >= k)) {
      BITMETAL_UNROLL
      for (ushort i = 0; i < 4 * kFours; ++i) {
        BITMETAL_UNROLL
        for (ushort j = 0; j < kFours; ++j) {
          totals[i][j] += int4(sums[i][j]);
          sums[i][j] = float4(0);
        }
      }
    }
  }

  BITMETAL_UNROLL
  for (ushort i = 0; i < 4 * kFours; ++i) {
    BITMETAL_UNROLL
    for (ushort j = 0; j < kFours; ++j) {
      BITMETAL_UNROLL
      for (ushort e = 0; e < 4; ++e) {
        const uint row = row0 + i / 4 * kMatmulTile + y + i % 4;
        const uint column = column0 + j * kMatmulTile + x + e;
        if (row >= rows || column >= columns) continue;
        if (kExact) {
          store(row, column, totals[i][j][e]);
        } else {
          store(row, column, sums[i][j][e]);
        }
      }
    }
  }
}
