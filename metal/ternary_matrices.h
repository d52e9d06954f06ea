// y[batch, rows] = x[batch, columns] W^T as ternary_matvec.h has it, one scale a row, of simdgroup
// matrices whose elements lanes decode where they are: codes are read once and meet no threadgroup
// memory. For devices whose matrix instructions cost next to nothing beside others: where the batch
// is small, most of a matrix's columns have nothing to say.
//
//   buffer 0  x        1  codes (as uint)        2  scales        3  y        4 TernaryMatmulParams
//   function constant kFcVectorA (x). Codes are aligned to 16 bytes
//
//   ternary_matrices_T_bN for batches of N, ternary_matrices_tall_T_bN with four times the rows:
//   kMatvecThreads threads or a smaller multiple of kSimdWidth (a simdgroup takes 64 columns at a
//   time), (ceil(rows / kMatricesRows or 4 kMatricesRows), ceil(batch / N)) threadgroups
//
// A lane has the codes of four neighbouring rows and sixteen columns, 16 bytes: rows and columns of
// a product may come in any order, as long as x comes in the same. Sums are of 2 T x, so that they
// overflow from 2^127 on.
#pragma once

#include <metal_simdgroup_matrix>

#include "matmul_tile.h"

constant bool vector_a [[function_constant(2)]];

// The matrix in whose row lane / 4 a lane has a pair of elements, columns 2 (lane % 4) and the next
// one, or its transpose. Metal does not tell which elements are a lane's, so that the way leads
// through the simdgroup's `room`; a device may have more specialized functions of these names.
template <typename T>
METAL_FUNC void set_left_pairs(thread simdgroup_matrix<T, 8, 8>& matrix, uint pair,
                               threadgroup uint* room, uint lane) {
  simdgroup_barrier(mem_flags::mem_threadgroup);
  room[lane] = pair;
  simdgroup_barrier(mem_flags::mem_threadgroup);
  simdgroup_load(matrix, (threadgroup const T*)room, 8);
}
template <typename T>
METAL_FUNC void set_right_pairs(thread simdgroup_matrix<T, 8, 8>& matrix, uint pair,
                                threadgroup uint* room, uint lane) {
  simdgroup_barrier(mem_flags::mem_threadgroup);
  room[lane] = pair;
  simdgroup_barrier(mem_flags::mem_threadgroup);
  simdgroup_load(matrix, (threadgroup const T*)room, 8, ulong2(0, 0), true);
}

// Sixteen codes as T in two's complement: of the codes 0, 1 and 2 of -1, 0 and 1. At the top of a
// half or a bfloat these two bits are the sign and the exponent of -2, 0 and 2.
METAL_FUNC uint signed_codes(uint codes) { return ~(codes | ((codes << 1) & 0xaaaaaaaau)); }
// 2 T of columns 4 field + odd and 4 field + odd + 2.
METAL_FUNC uint signed_pair(uint signed_codes, uint field, uint odd) {
  return signed_codes << (14 - 2 * field - 8 * odd) & 0xc000c000u;
}

// Sixteen neighbours of x as pairs of what is multiplied. A float is three bfloats: their products
// with T are exact. kPieces neighbouring columns of a matrix have them.
template <typename X>
struct SixteenOf {
  using Element = conditional_t<is_same_v<X, half>, half, bfloat>;
  static constant constexpr uint kPieces = is_same_v<X, float> ? 3 : 1;
  uint words[4 * sizeof(X)];

  METAL_FUNC void load(device const X* from) {
    BITMETAL_UNROLL
    for (uint w = 0; w < 4 * sizeof(X); w += 4) {
      const uint4 four = ((device const uint4*)from)[w / 4];
      for (uint i = 0; i < 4; ++i) words[w + i] = four[i];
    }
  }
  // Of those that are there; zeros beyond.
  METAL_FUNC void load(device const X* from, uint count) {
    constexpr uint kEach = 4 / sizeof(X);
    BITMETAL_UNROLL
    for (uint w = 0; w < 4 * sizeof(X); ++w) {
      vec<X, 2> two = vec<X, 2>(X(0));
      for (uint i = 0; i < kEach; ++i) {
        if (w * kEach + i < count) two[i] = from[w * kEach + i];
      }
      if constexpr (sizeof(X) == 4) {
        words[w] = as_type<uint>(two[0]);
      } else {
        words[w] = as_type<uint>(two);
      }
    }
  }
  // Leaves of floats the first eight bits of the significand, those after them, or the last ones.
  METAL_FUNC void keep(uint piece) {
    if constexpr (sizeof(X) == 4) {
      const uint first = piece > 0 ? 0xffff0000u : 0, second = piece > 1 ? 0xffff0000u : 0;
      BITMETAL_UNROLL
      for (uint w = 0; w < 16; ++w) {
        float rest = as_type<float>(words[w]) - as_type<float>(words[w] & first);
        rest -= as_type<float>(as_type<uint>(rest) & second);
        words[w] = as_type<uint>(rest);
      }
    }
  }
  METAL_FUNC uint pair(uint field, uint odd) const {
    if constexpr (sizeof(X) == 4) {
      return words[4 * field + odd] >> 16 | (words[4 * field + odd + 2] & 0xffff0000u);
    } else {
      const uint first = words[2 * field], second = words[2 * field + 1];
      return odd ? first >> 16 | (second & 0xffff0000u) : (first & 0xffffu) | second << 16;
    }
  }
};

// sums += the product of four_rows' weights and x: four products of 16 columns each.
template <typename Sums, typename Sixteen, uint kQuads, uint kTiles>
METAL_FUNC void multiply_sixteens(thread Sums& sums, thread const uint4 (&four_rows)[kQuads],
                                  thread const Sixteen (&sixteens)[kTiles], threadgroup uint* room,
                                  uint lane) {
  using Element = typename Sixteen::Element;
  constexpr uint kMatrices = 4 * kQuads;
  uint rows[kMatrices];
  for (uint m = 0; m < kMatrices; ++m) rows[m] = signed_codes(four_rows[m / 4][m % 4]);
  BITMETAL_UNROLL
  for (uint f = 0; f < 4; ++f) {
    simdgroup_matrix<Element, 8, 8> left[kMatrices][2], right[2][kTiles];
    BITMETAL_UNROLL
    for (uint odd = 0; odd < 2; ++odd) {
      BITMETAL_UNROLL
      for (uint j = 0; j < kTiles; ++j) {
        set_right_pairs(right[odd][j], sixteens[j].pair(f, odd), room, lane);
      }
      BITMETAL_UNROLL
      for (uint m = 0; m < kMatrices; ++m) {
        set_left_pairs(left[m][odd], signed_pair(rows[m], f, odd), room, lane);
      }
    }
    multiply_accumulate_matrices(sums, left, right);
  }
}

// Where a lane's codes are.
template <uint kQuads>
struct OwnCodes {
  device const uint* from[kQuads];

  // Of spans that are `step` columns apart.
  template <uint kSpans>
  METAL_FUNC void fetch(thread uint4 (&spans)[kSpans][kQuads], uint column, uint step) const {
    BITMETAL_UNROLL
    for (uint s = 0; s < kSpans; ++s) {
      BITMETAL_UNROLL
      for (uint q = 0; q < kQuads; ++q) {
        spans[s][q] = *(device const uint4*)(from[q] + column + s * step);
      }
    }
  }
};

template <typename X, uint kQuads, uint kTiles, uint kSpans>
[[kernel, max_total_threads_per_threadgroup(512)]] void ternary_matrices(
    device const X* x [[buffer(0)]], device const uint* codes [[buffer(1)]],
    device const float* scales [[buffer(2)]], device X* y [[buffer(3)]],
    constant TernaryMatmulParams& p [[buffer(4)]], uint2 group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  using Sixteen = SixteenOf<X>;
  constexpr uint kPieces = Sixteen::kPieces, kMatrices = 4 * kQuads;
  constexpr uint kSpan = 4 * kPanelColumns;
  constexpr uint kSums = 64 * kMatrices * kTiles;  // of a simdgroup
  threadgroup float shared[kMatvecThreads / kSimdWidth * kSums];
  threadgroup uint* room = (threadgroup uint*)shared + simdgroup * kSimdWidth;

  constexpr uint kBatch = 8 * kTiles / kPieces;
  const uint first = group.y * kBatch, batch = min(p.batch - first, kBatch);
  const uint line = lane / 4, blocks = block_count(p.columns), panels = panel_count(p.rows);
  OwnCodes<kQuads> own;
  for (uint q = 0; q < kQuads; ++q) {
    const uint panel = min((group.x * kQuads + q) * 2 + line / 4, panels - 1);
    own.from[q] = codes + codes_at(panel * kPanelRows + line % 4 * 4, 0, blocks);
  }
  device const X* lines[kTiles];
  uint piece[kTiles];
  for (uint j = 0; j < kTiles; ++j) {
    // Beyond the batch its last row is taken again, and not stored.
    lines[j] = x + long(min(first + (8 * j + line) / kPieces, p.batch - 1)) * p.x_row_stride;
    piece[j] = (8 * j + line) % kPieces;
  }

  simdgroup_float8x8 sums[kMatrices][kTiles];
  BITMETAL_UNROLL
  for (uint m = 0; m < kMatrices; ++m) {
    BITMETAL_UNROLL
    for (uint j = 0; j < kTiles; ++j) {
      sums[m][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
    }
  }

  const uint step = simdgroups * kSpan, part = lane % 4 * kPanelColumns;
  uint start = simdgroup * kSpan;
  if (vector_a) {
    // Where all lanes have columns, loads of the next spans are under way.
    const uint beyond = p.columns - min(uint(p.columns), kSpan + (kSpans - 1) * step - 1);
    uint4 next[kSpans][kQuads];
    if (start < beyond) own.fetch(next, start + part, step);
    while (start < beyond) {
      const uint at = start + part;
      uint4 pieces[kSpans][kQuads];
      BITMETAL_UNROLL
      for (uint s = 0; s < kSpans; ++s) {
        BITMETAL_UNROLL
        for (uint q = 0; q < kQuads; ++q) pieces[s][q] = next[s][q];
      }
      start += kSpans * step;
      if (start < beyond) own.fetch(next, start + part, step);
      BITMETAL_UNROLL
      for (uint s = 0; s < kSpans; ++s) {
        Sixteen sixteens[kTiles];
        BITMETAL_UNROLL
        for (uint j = 0; j < kTiles; ++j) {
          sixteens[j].load(lines[j] + (at + s * step));
          sixteens[j].keep(piece[j]);
        }
        multiply_sixteens(sums, pieces[s], sixteens, room, lane);
      }
    }
  }
  for (; start < p.columns; start += step) {
    const uint column = start + part, left = p.columns - min(column, uint(p.columns));
    uint4 four_rows[kQuads];
    for (uint q = 0; q < kQuads; ++q) {
      four_rows[q] = left ? *(device const uint4*)(own.from[q] + column) : uint4(kPaddingCodes);
    }
    Sixteen sixteens[kTiles];
    for (uint j = 0; j < kTiles; ++j) {
      sixteens[j].load(lines[j] + min(column, uint(p.columns)), left);
      sixteens[j].keep(piece[j]);
    }
    multiply_sixteens(sums, four_rows, sixteens, room, lane);
  }

  threadgroup_barrier(mem_flags::mem_threadgroup);
  BITMETAL_UNROLL
  for (uint m = 0; m < kMatrices; ++m) {
    BITMETAL_UNROLL
    for (uint j = 0; j < kTiles; ++j) {
      simdgroup_store(sums[m][j], shared + simdgroup * kSums + (m * kTiles + j) * 64, 8);
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  constexpr uint kRows = kMatricesRows * kQuads;
  for (uint i = index; i < kRows * batch; i += simdgroups * kSimdWidth) {
    const uint b = i / kRows, r = i % kRows, row = group.x * kRows + r;
    if (row >= p.rows) continue;
    // Row r is of panel r / 16: panels come in twos, of which four matrices have four rows each.
    const uint matrix = r / 32 * 4 + r % 4, of_matrix = r % 32 / 4;
    float sums_of[kPieces];
    for (uint n = 0; n < kPieces; ++n) sums_of[n] = 0;
    for (uint s = 0; s < simdgroups; ++s) {
      for (uint n = 0; n < kPieces; ++n) {
        const uint column = b * kPieces + n;
        sums_of[n] +=
            shared[s * kSums + (matrix * kTiles + column / 8) * 64 + of_matrix * 8 + column % 8];
      }
    }
    float sum = sums_of[0];
    for (uint n = 1; n < kPieces; ++n) sum += sums_of[n];
    // Of infinity the other pieces are NaN.
    if (kPieces > 1 && is_nan(sum)) sum = sums_of[0];
    y[ulong(first + b) * p.rows + row] = X(sum * 0.5f * scales[row]);
  }
}
