// Operands of a tiled matrix product. Both are seen as rows by depth, A's rows being those of the
// result and B's rows its columns, so that one loader serves either side.
//
// A loader has an Element type, along_depth, which says how its elements lie in memory, and hands
// out pieces: kEights times eight neighbours, from a multiple of as many on. fetch() loads one,
// with zeros beyond the operand's edges, and eight() makes elements of it: a tile's loads are under
// way while the tile before is multiplied. A new storage format is a new loader.
#pragma once

#include "numeric.h"
#include "ternary_panel.h"

// Eight elements as they lie in memory, 16 bytes at a time.
template <typename T>
struct Eight {
  static constant constexpr ushort kQuads = sizeof(T) / 2;
  uint4 quads[kQuads];

  METAL_FUNC T at(uint i) const {
    if constexpr (sizeof(T) == 4) {
      return as_type<T>(quads[i / 4][i % 4]);
    } else {
      return as_type<vec<T, 2>>(quads[0][i / 2])[i % 2];
    }
  }
  METAL_FUNC void set_pair(uint pair, T first, T second) {
    if constexpr (sizeof(T) == 4) {
      quads[pair / 2][pair % 2 * 2] = as_type<uint>(first);
      quads[pair / 2][pair % 2 * 2 + 1] = as_type<uint>(second);
    } else {
      quads[0][pair] = as_type<uint>(vec<T, 2>(first, second));
    }
  }
};

// Source elements in memory at any strides, converted to T in the tile. Where kApart, elements 4 n
// + 1 and 4 n + 2 of an eight have changed places, as in TernaryOperand: sums know no order.
template <typename Source, typename T, bool kApart = false>
struct DenseOperand {
  using Element = T;
  static constant constexpr ushort kEights = 1;
  static constant constexpr bool kStrided = true;  // pieces may be fetched without a look at edges,
  static constant constexpr uint kStepRows = 1;    // so many rows further
  static constant constexpr uint kTogether = 1;    // see TilePieces
  struct Piece {
    uint words[2 * sizeof(Source)];
  };
  device const Source* data;
  long row_stride;
  long depth_stride;
  uint rows;
  uint depth;
  bool along_depth;  // neighbours in memory differ in depth (else in row)
  bool vector;       // ... and eight of them, from a multiple of eight on, are aligned as one load

  static METAL_FUNC Piece load(device const Source* from) {
    Piece piece;
    if constexpr (sizeof(Source) == 1) {
      const uint2 two = *(device const uint2*)from;
      piece.words[0] = two.x;
      piece.words[1] = two.y;
    } else {
      BITMETAL_UNROLL
      for (ushort w = 0; w < 2 * sizeof(Source); w += 4) {
        const uint4 four = ((device const uint4*)from)[w / 4];
        for (ushort i = 0; i < 4; ++i) piece.words[w + i] = four[i];
      }
    }
    return piece;
  }
  METAL_FUNC bool whole(uint row0, uint row_count, uint depth0, uint depth_count) const {
    return vector && row0 + row_count <= rows && depth0 + depth_count <= depth;
  }
  METAL_FUNC Piece fetch_whole(uint row, uint at, uint2 further) const {
    device const Source* from = data + long(row) * row_stride + long(at) * depth_stride;
    return load(from + (long(further.x) * row_stride + long(further.y) * depth_stride));
  }
  METAL_FUNC Piece fetch(uint row, uint at) const {
    // What is beyond the rows is not stored, so that any row serves there; beyond the depth it has
    // to be zeros.
    const uint inside = along_depth ? min(row, rows - 1) : row;
    const uint left = along_depth ? depth - min(at, depth) : at < depth ? rows - min(row, rows) : 0;
    device const Source* from = data + long(inside) * row_stride + long(at) * depth_stride;
    if (vector && left >= 8) return load(from);
    Piece piece;
    const long stride = along_depth ? depth_stride : row_stride;
    constexpr ushort kEach = 4 / sizeof(Source);
    BITMETAL_UNROLL
    for (ushort w = 0; w < 2 * sizeof(Source); ++w) {
      vec<Source, 4> four = vec<Source, 4>(Source(0));
      for (ushort i = 0; i < kEach; ++i) {
        if (w * kEach + i < left) four[i] = from[(w * kEach + i) * stride];
      }
      if constexpr (sizeof(Source) == 4) {
        piece.words[w] = as_type<uint>(four[0]);
      } else if constexpr (sizeof(Source) == 2) {
        piece.words[w] = as_type<uint>(vec<Source, 2>(four[0], four[1]));
      } else {
        piece.words[w] = as_type<uint>(four);
      }
    }
    return piece;
  }

  static METAL_FUNC Source source(thread const Piece& piece, ushort i) {
    if constexpr (sizeof(Source) == 4) {
      return as_type<Source>(piece.words[i]);
    } else if constexpr (sizeof(Source) == 2) {
      return as_type<vec<Source, 2>>(piece.words[i / 2])[i % 2];
    } else {
      return as_type<vec<Source, 4>>(piece.words[i / 4])[i % 4];
    }
  }
  METAL_FUNC Eight<T> eight(thread const Piece& piece, ushort) const {
    Eight<T> out;
    if constexpr (kApart) {
      static_assert(is_same_v<Source, T> && sizeof(T) == 2, "halves are moved");
      for (ushort f = 0; f < 2; ++f) {
        const uint first = piece.words[2 * f], second = piece.words[2 * f + 1];
        out.quads[0][2 * f] = (first & 0xffffu) | second << 16;
        out.quads[0][2 * f + 1] = first >> 16 | (second & 0xffff0000u);
      }
    } else if constexpr (is_same_v<Source, T>) {
      for (ushort w = 0; w < 2 * sizeof(T); ++w) out.quads[w / 4][w % 4] = piece.words[w];
    } else {
      for (ushort i = 0; i < 4; ++i) {
        out.set_pair(i, convert<T>(source(piece, 2 * i)), convert<T>(source(piece, 2 * i + 1)));
      }
    }
    return out;
  }
};

// A ternary weight: T itself, exact in every Element type, or times its group's scale. kApart is as
// in DenseOperand: it is the order in which halves are decoded.
template <typename T, bool kScaled, bool kApart = false>
struct TernaryOperand {
  using Element = T;
  static constant constexpr bool along_depth = true;
  static constant constexpr ushort kEights = kPanelColumns / 8;
  static constant constexpr bool kStrided = !kScaled;
  static constant constexpr uint kStepRows = kPanelRows;
  static constant constexpr uint kTogether = kPanelRows;
  struct Piece {
    uint codes;
    float scale;
  };
  device const uint* codes;
  device const float* scales;
  uint rows;
  uint blocks;
  uint groups;
  uint group_size;
  uint thousands;

  METAL_FUNC bool whole(uint row0, uint row_count, uint depth0, uint depth_count) const {
    return row0 + row_count <= rows && depth0 + depth_count <= blocks * kPanelColumns;
  }
  METAL_FUNC Piece fetch_whole(uint row, uint at, uint2 further) const {
    device const uint* from = codes + codes_at(row, at / kPanelColumns, blocks);
    return Piece{from[codes_at(further.x, further.y / kPanelColumns, blocks)], 1.0f};
  }
  METAL_FUNC Piece fetch(uint row, uint at) const {
    const uint block = at / kPanelColumns;
    if (block >= blocks) return Piece{kPaddingCodes, 0.0f};
    const uint inside = min(row, rows - 1);  // what is beyond is not stored
    float scale = 1;
    if (kScaled) scale = scales[scale_at(inside, at / group_size, groups)];
    return Piece{codes[codes_at(inside, block, blocks)], scale};
  }

  METAL_FUNC Eight<T> eight(thread const Piece& piece, ushort which) const {
    Eight<T> out;
    for (ushort f = 0; f < 2; ++f) {
      if constexpr (is_same_v<T, half> && !kScaled) {
        const half2 even = ternary_pair(piece.codes, 2 * which + f, thousands);
        const half2 odd = ternary_pair(piece.codes >> 8, 2 * which + f, thousands);
        if (kApart) {
          out.set_pair(2 * f, even[0], even[1]);
          out.set_pair(2 * f + 1, odd[0], odd[1]);
        } else {
          out.set_pair(2 * f, even[0], odd[0]);
          out.set_pair(2 * f + 1, even[1], odd[1]);
        }
      } else {
        const uchar4 code = codes_of_field(piece.codes, 2 * which + f);
        for (ushort c = 0; c < 4; c += 2) {
          out.set_pair(2 * f + c / 2, weight(code[c], piece.scale),
                       weight(code[c + 1], piece.scale));
        }
      }
    }
    return out;
  }
  static METAL_FUNC T weight(uchar code, float scale) { return T(int(code) - 1) * T(scale); }
};

template <typename T, bool kGrouped>
METAL_FUNC TernaryOperand<T, kGrouped> ternary_weight(device const uint* codes,
                                                      device const float* scales,
                                                      constant TernaryMatmulParams& p) {
  return TernaryOperand<T, kGrouped>{codes,    scales,       p.rows,      block_count(p.columns),
                                     p.groups, p.group_size, pair_bits(p)};
}
