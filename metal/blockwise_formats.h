// Quantized weights of [rows, columns], seen as runs of eight neighbours in a row:
// weight = scale * value + offset.
//
// A format is opened by all threads of a threadgroup with kTable floats of shared memory, names
// what is to be known of a Row before its columns are walked, and decodes a run of it, whose values
// beyond the last column mean nothing but are finite. A new format is a new struct of this kind,
// and serves mat-vec, tiled product and dequantization alike (blockwise_matvec.h,
// blockwise_matmul.h, blockwise.h).
//
// With whole_runs there are eight columns from every multiple of eight on, aligned to their size,
// at least up to 4 bytes, and in one block.
#pragma once

#include "micro_scales.h"

constant bool whole_runs [[function_constant(8)]];
constant bool nested_scales [[function_constant(9)]];
constant bool half_scales [[function_constant(10)]];
constant bool bfloat_scales [[function_constant(11)]];
constant bool power_blocks [[function_constant(20)]];
constant bool whole_blocks [[function_constant(21)]];

// What the host binds (the kernels' headers say where).
struct Stored {
  device const uchar* codes;
  device const uchar* scales;
  device const uchar* more;  // the book, or the offsets
  device const float* nested_absmax;
  device const float* nested_book;
};

// Eight neighbours.
struct Run {
  float4 first, second;
  float scale;
  float offset;
};

METAL_FUNC float value_of(thread const Run& run, float value) {
  return value * run.scale + run.offset;
}

// A table from device memory to shared memory, for a barrier to follow.
template <uint kCount>
METAL_FUNC void fill_table(threadgroup float* table, device const float* from, uint index,
                           uint threads) {
  for (uint i = index; i < kCount; i += threads) table[i] = from[i];
}

METAL_FUNC void set_value(thread Run& run, uint i, float value) {
  if (i < 4) {
    run.first[i] = value;
  } else {
    run.second[i - 4] = value;
  }
}

// x / size, of which shift is the logarithm where sizes are powers of two.
METAL_FUNC uint quotient(uint x, uint size, uint shift) {
  return power_blocks ? x >> shift : x / size;
}
METAL_FUNC ulong quotient(ulong x, uint size, uint shift) {
  return power_blocks ? x >> shift : x / size;
}

// Absolute maxima of blocks that run over the flattened weight: floats, or, nested, 8-bit codes of
// what they exceed an offset by, in blocks of their own.
struct BlockScales {
  device const uchar* stored;
  device const float* nested_absmax;
  threadgroup const float* nested_book;
  uint nested_block;
  uint nested_shift;
  float offset;

  METAL_FUNC float at(ulong block) const {
    if (!nested_scales) return ((device const float*)stored)[block];
    const ulong nested = quotient(block, nested_block, nested_shift);
    return nested_book[stored[block]] * nested_absmax[nested] + offset;
  }
};

// Codes of a book of 16 (two a byte, the even element high) or 256 floats, times the scale of their
// block.
template <uint kBits>
struct BookFormat {
  static constant constexpr uint kBook = 1u << kBits;
  static constant constexpr uint kTable = kBook + 256;  // and that of nested scales
  static constant constexpr bool kFitsHalf = true;
  static constant constexpr bool kHasOffset = false;

  struct Row {
    device const uchar* codes;
    ulong start;                 // flattened
    ulong block;                 // that it starts in
    device const float* scales;  // of that block on, where they are not nested
    uint in_block;
  };

  device const uchar* codes;
  threadgroup const float* book;
  BlockScales scales;
  uint columns;
  uint block_size;
  uint block_shift;

  static METAL_FUNC BookFormat open(Stored from, constant BlockwiseParams& p,
                                    threadgroup float* table, uint index, uint threads) {
    fill_table<kBook>(table, (device const float*)from.more, index, threads);
    if (nested_scales) fill_table<256>(table + kBook, from.nested_book, index, threads);
    const BlockScales scales{from.scales,    from.nested_absmax, table + kBook,
                             p.nested_block, p.nested_shift,     p.nested_offset};
    threadgroup_barrier(mem_flags::mem_threadgroup);
    return BookFormat{from.codes, table, scales, p.columns, p.block_size, p.block_shift};
  }

  METAL_FUNC Row row(uint index) const {
    const ulong start = ulong(index) * columns;
    const ulong block = quotient(start, block_size, block_shift);
    return Row{codes + start * kBits / 8, start, block,
               (device const float*)scales.stored + (nested_scales ? 0 : block),
               uint(start - block * block_size)};
  }

  // By its place in bytes.
  METAL_FUNC float value(uint place) const {
    return *(threadgroup const float*)((threadgroup const uchar*)book + place);
  }

  METAL_FUNC uint code(ulong element) const {
    if (kBits == 8) return codes[element];
    return codes[element / 2] >> (element % 2 ? 0 : 4) & 15u;
  }

  // A run as it is stored, where there are whole runs.
  struct Piece {
    uint2 words;
    float scale;
    Run run;  // else
  };

  // Element by element.
  METAL_FUNC Run any_run(thread const Row& row, uint column) const {
    Run run{float4(0), float4(0), 1, 0};
    const uint count = min(columns - min(column, columns), 8u);
    uint left = 0;  // of the block
    float scale = 0;
    for (uint i = 0; i < count; ++i) {
      if (left == 0) {
        const uint at = row.in_block + column + i;
        const uint place = quotient(at, block_size, block_shift);
        scale = scales.at(row.block + place);
        left = block_size - (at - place * block_size);
      }
      set_value(run, i, book[code(row.start + column + i)] * scale);
      --left;
    }
    return run;
  }

  METAL_FUNC Piece fetch(thread const Row& row, uint column) const {
    Piece piece;
    if (whole_runs) {
      const uint from_block = whole_blocks ? 0 : row.in_block;
      const uint block = quotient(from_block + column, block_size, block_shift);
      piece.scale = nested_scales ? scales.at(row.block + block) : row.scales[block];
      device const uchar* from = row.codes + column / (8 / kBits);
      if (kBits == 8) {
        piece.words = *(device const uint2*)from;
      } else {
        piece.words = uint2(*(device const uint*)from, 0);
      }
    } else {
      piece.run = any_run(row, column);
    }
    return piece;
  }
  METAL_FUNC Run decode(thread const Piece& piece) const {
    if (!whole_runs) return piece.run;
    if (kBits == 8) {
      const uchar4 a = as_type<uchar4>(piece.words.x), b = as_type<uchar4>(piece.words.y);
      return Run{float4(book[a.x], book[a.y], book[a.z], book[a.w]),
                 float4(book[b.x], book[b.y], book[b.z], book[b.w]), piece.scale, 0};
    }
    const uint word = piece.words.x;
    const uchar4 even = as_type<uchar4>(word >> 2 & 0x3c3c3c3cu);
    const uchar4 odd = as_type<uchar4>(word << 2 & 0x3c3c3c3cu);
    return Run{float4(value(even.x), value(odd.x), value(even.y), value(odd.y)),
               float4(value(even.z), value(odd.z), value(even.w), value(odd.w)), piece.scale, 0};
  }

  METAL_FUNC Run run(thread const Row& row, uint column) const {
    return decode(fetch(row, column));
  }
};

// Codes of a book of 16 (E2M1), two a byte, the even element low; rows of whole blocks, whose 8-bit
// scale is decoded by Scale.
template <typename Scale>
struct MicroscalingFormat {
  static constant constexpr uint kTable = 16;
  static constant constexpr bool kFitsHalf = Scale::kFitsHalf;
  static constant constexpr bool kHasOffset = false;

  struct Row {
    device const uchar* codes;
    device const uchar* scales;
  };

  device const uchar* codes;
  device const uchar* scales;
  threadgroup const float* book;
  uint columns;
  uint block_shift;

  static METAL_FUNC MicroscalingFormat open(Stored from, constant BlockwiseParams& p,
                                            threadgroup float* table, uint index, uint threads) {
    fill_table<kTable>(table, (device const float*)from.more, index, threads);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    return MicroscalingFormat{from.codes, from.scales, table, p.columns, p.block_shift};
  }

  METAL_FUNC Row row(uint index) const {
    const ulong start = ulong(index) * columns;
    return Row{codes + start / 2, scales + (start >> block_shift)};
  }

  using Piece = Run;
  METAL_FUNC Piece fetch(thread const Row& row, uint column) const { return run(row, column); }
  static METAL_FUNC Run decode(thread const Piece& piece) { return piece; }

  METAL_FUNC Run run(thread const Row& row, uint column) const {
    device const uchar* from = row.codes + column / 2;
    const uint word = whole_runs ? *(device const uint*)from
                                 : from[0] | from[1] << 8 | from[2] << 16 | uint(from[3]) << 24;
    const uchar4 even = as_type<uchar4>(word & 0x0f0f0f0fu);
    const uchar4 odd = as_type<uchar4>(word >> 4 & 0x0f0f0f0fu);
    return Run{float4(book[even.x], book[odd.x], book[even.y], book[odd.y]),
               float4(book[even.z], book[odd.z], book[even.w], book[odd.w]),
               Scale::decode(row.scales[column >> block_shift]), 0};
  }
};

// Integers of kBits, packed from the lowest bit up through rows of whole blocks; a scale and an
// offset a block, both float, half or bfloat.
template <uint kBits>
struct AffineFormat {
  static constant constexpr uint kTable = 1;  // which it does not use
  static constant constexpr bool kFitsHalf = true;
  static constant constexpr bool kHasOffset = true;

  struct Row {
    device const uchar* codes;
    ulong block;
  };

  device const uchar* codes;
  device const uchar* scales;
  device const uchar* offsets;
  uint columns;
  uint block_shift;

  static METAL_FUNC AffineFormat open(Stored from, constant BlockwiseParams& p, threadgroup float*,
                                      uint, uint) {
    return AffineFormat{from.codes, from.scales, from.more, p.columns, p.block_shift};
  }

  METAL_FUNC Row row(uint index) const {
    const ulong start = ulong(index) * columns;
    return Row{codes + start / 8 * kBits, start >> block_shift};
  }

  static METAL_FUNC float stored(device const uchar* values, ulong at) {
    if (half_scales) return float(((device const half*)values)[at]);
    if (bfloat_scales) return float(((device const bfloat*)values)[at]);
    return ((device const float*)values)[at];
  }

  static METAL_FUNC float field(uint word, uint i) {
    return float(word >> kBits * i & ((1u << kBits) - 1));
  }

  using Piece = Run;
  METAL_FUNC Piece fetch(thread const Row& row, uint column) const { return run(row, column); }
  static METAL_FUNC Run decode(thread const Piece& piece) { return piece; }

  METAL_FUNC Run run(thread const Row& row, uint column) const {
    const ulong block = row.block + (column >> block_shift);
    Run run{float4(0), float4(0), stored(scales, block), stored(offsets, block)};
    device const uchar* from = row.codes + column / 8 * kBits;  // eight of them are kBits bytes
    if (kBits % 4 == 0 && whole_runs) {
      for (uint w = 0; w < kBits / 4; ++w) {
        const uint word = ((device const uint*)from)[w];
        for (uint i = 0; i < 32 / kBits; ++i) set_value(run, w * (32 / kBits) + i, field(word, i));
      }
    } else if (kBits == 8) {
      for (uint i = 0; i < 8; ++i) set_value(run, i, float(from[i]));
    } else if (kBits == 6) {
      for (uint i = 0; i < 8; ++i) {  // four are three bytes
        device const uchar* three = from + i / 4 * 3;
        set_value(run, i, field(three[0] | three[1] << 8 | uint(three[2]) << 16, i % 4));
      }
    } else {
      uint word = 0;
      for (uint i = 0; i < kBits; ++i) word |= uint(from[i]) << 8 * i;
      for (uint i = 0; i < 8; ++i) set_value(run, i, field(word, i));
    }
    return run;
  }
};
