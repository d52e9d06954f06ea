// A row that a threadgroup reads once: each thread keeps up to kHeldFours times four neighbours of
// it in registers. Rows that are longer than the largest threadgroup can keep are read again.
#pragma once

#include "group_reduce.h"

constant bool held [[function_constant(19)]];     // the whole row is kept
constant bool vectors [[function_constant(18)]];  // and consists of fours, aligned as vectors

// Four elements as floats, `beyond` outside the row.
template <typename T>
METAL_FUNC float4 load_row(device const T* row, ulong at, ulong columns, float beyond) {
  float4 four = float4(beyond);
  if (vectors) {
    if (at < columns) four = float4(*(device const vec<T, 4>*)(row + at));
  } else {
    for (uint j = 0; j < 4; ++j) {
      if (at + j < columns) four[j] = float(row[at + j]);
    }
  }
  return four;
}

template <typename T>
METAL_FUNC void store_row(device T* row, ulong at, ulong columns, float4 four) {
  if (vectors) {
    if (at < columns) *(device vec<T, 4>*)(row + at) = vec<T, 4>(four);
  } else {
    for (uint j = 0; j < 4; ++j) {
      if (at + j < columns) row[at + j] = T(four[j]);
    }
  }
}

// The fours of a row that are a thread's, kHeldFours of them or as many as it takes.
template <typename T>
struct HeldRow {
  device const T* row;
  ulong columns;
  float beyond;
  uint first;
  uint step;
  float4 fours[kHeldFours];  // where held

  static METAL_FUNC HeldRow of(device const T* row, ulong columns, float beyond, uint index,
                               uint threads) {
    HeldRow out;
    out.row = row;
    out.columns = columns;
    out.beyond = beyond;
    out.first = 4 * index;
    out.step = 4 * threads;
    if (held) {
      for (uint f = 0; f < kHeldFours; ++f)
        out.fours[f] = load_row(row, out.at(f), columns, beyond);
    }
    return out;
  }

  METAL_FUNC uint count() const {
    if (held) return kHeldFours;
    return first < columns ? uint((columns - first + step - 1) / step) : 0;
  }
  METAL_FUNC ulong at(uint f) const { return first + ulong(f) * step; }
  METAL_FUNC bool has(uint f, uint j) const { return at(f) + j < columns; }
  METAL_FUNC float4 operator[](uint f) const {
    if (held) return fours[f];
    return load_row(row, at(f), columns, beyond);
  }
};
