// Operands of a tiled matrix product. Both are seen as rows by depth, A's rows being those of the
// result and B's rows its columns, so that one loader serves either side.
//
// A loader has an Element type, along_depth, which says how its elements lie in memory, and load():
// it fills a tile of kRows by kDepth elements, laid out as the engine wants it, with the operand's
// part at (row0, depth0), zeros beyond its edges. All kThreads threads of the threadgroup call it.
// A new storage format is a new loader.
#pragma once

#include "numeric.h"
#include "ternary_panel.h"

// How a tile lies in threadgroup memory: one of the steps is 1.
struct TileSteps {
  ushort row;
  ushort depth;
};

// Source elements in memory at any strides, converted to T in the tile.
template <typename Source, typename T>
struct DenseOperand {
  using Element = T;
  device const Source* data;
  long row_stride;
  long depth_stride;
  uint rows;
  uint depth;
  bool along_depth;  // neighbours in memory differ in depth (else in row)
  bool vector;       // ... and four of them, from a multiple of 4 on, are aligned as a vector

  template <ushort kRows, ushort kDepth, ushort kThreads>
  METAL_FUNC void load(threadgroup T* tile, TileSteps steps, uint row0, uint depth0,
                       ushort index) const {
    const ushort across = (along_depth ? kDepth : kRows) / 4;  // groups of four side by side
    const long stride = along_depth ? depth_stride : row_stride;
    const ushort step = along_depth ? steps.depth : steps.row;
    for (ushort q = index; q < kRows * kDepth / 4; q += kThreads) {
      const ushort r = along_depth ? q / across : q % across * 4;
      const ushort d = along_depth ? q % across * 4 : q / across;
      const uint row = row0 + r, at = depth0 + d;
      const uint left = row >= rows || at >= depth ? 0 : along_depth ? depth - at : rows - row;
      device const Source* from = data + long(row) * row_stride + long(at) * depth_stride;
      threadgroup T* to = tile + r * steps.row + d * steps.depth;
      vec<T, 4> four = vec<T, 4>(T(0));
      if (vector && left >= 4) {
        const vec<Source, 4> stored = *(device const vec<Source, 4>*)from;
        for (ushort j = 0; j < 4; ++j) four[j] = convert<T>(stored[j]);
      } else {
        for (ushort j = 0; j < 4 && j < left; ++j) four[j] = convert<T>(from[j * stride]);
      }
      if (step == 1) {
        *(threadgroup vec<T, 4>*)to = four;
      } else {
        for (ushort j = 0; j < 4; ++j) to[j * step] = four[j];
      }
    }
  }
};

// A ternary weight: T itself, exact in every Element type, or times its group's scale.
template <typename T, bool kScaled>
struct TernaryOperand {
  using Element = T;
  static constant constexpr bool along_depth = true;
  device const uint* codes;
  device const float* scales;
  uint rows;
  uint blocks;
  uint groups;
  uint group_size;

  template <ushort kRows, ushort kDepth, ushort kThreads>
  METAL_FUNC void load(threadgroup T* tile, TileSteps steps, uint row0, uint depth0,
                       ushort index) const {
    static_assert(kDepth % kPanelColumns == 0, "a tile holds whole blocks");
    for (ushort q = index; q < kRows * kDepth / kPanelColumns; q += kThreads) {
      const ushort r = q % kRows;
      const uint row = row0 + r, block = depth0 / kPanelColumns + q / kRows;
      const bool inside = row < rows && block < blocks;
      const uint sixteen = inside ? codes[codes_at(row, block, blocks)] : kPaddingCodes;
      T scale = T(1);
      if (kScaled && inside) {
        scale = T(scales[scale_at(row, block * kPanelColumns / group_size, groups)]);
      }
      threadgroup T* to = tile + r * steps.row + q / kRows * kPanelColumns * steps.depth;
      for (ushort field = 0; field < 4; ++field) {
        const uchar4 code = codes_of_field(sixteen, field);
        for (ushort c = 0; c < 4; ++c) {
          to[(4 * field + c) * steps.depth] = T(int(code[c]) - 1) * scale;
        }
      }
    }
  }
};

template <typename T, bool kGrouped>
METAL_FUNC TernaryOperand<T, kGrouped> ternary_weight(device const uint* codes,
                                                      device const float* scales,
                                                      constant TernaryMatmulParams& p) {
  return TernaryOperand<T, kGrouped>{codes,    scales,      p.rows, block_count(p.columns),
                                     p.groups, p.group_size};
}
