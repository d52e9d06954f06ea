// Rotations of Jacobi's method, and the order in which rows meet.
#pragma once

#include "tile_product.h"

// The two players of a table in a round of a round-robin tournament of an even number of them, the
// lower one first.
METAL_FUNC uint2 meeting(uint table, uint round, uint players) {
  const uint others = players - 1;
  const uint a = table == 0 ? others : (round + table) % others;
  const uint b = (round + others - table) % others;
  return uint2(min(a, b), max(a, b));
}

METAL_FUNC uint jacobi_row(uint2 blocks, uint row) {
  return (row < kJacobiBlock ? blocks.x : blocks.y) * kJacobiBlock + row % kJacobiBlock;
}

// Whether two rows with these products are not yet orthogonal. Rows of at most `least` squared are
// zeros but for rounding: they are left alone.
METAL_FUNC bool to_be_turned(float first, float second, float both, float least, float tolerance) {
  return first > least && second > least && abs(both) > tolerance * precise::sqrt(first * second);
}

// (c, s) such that (c a - s b, s a + c b) are orthogonal, the longer one first.
METAL_FUNC float2 jacobi_angle(float first, float second, float both) {
  const float zeta = (second - first) / (2.0f * both);
  const float size = abs(zeta);
  // Beyond 2^12 the root equals its argument.
  const float root = size < 4096.0f ? precise::sqrt(fma(zeta, zeta, 1.0f)) : size;
  const float t = copysign(1.0f / (size + root), zeta);
  const float c = 1.0f / precise::sqrt(fma(t, t, 1.0f)), s = t * c;
  const bool sorted = first - t * both >= second + t * both;
  return sorted ? float2(c, s) : float2(s, -c);
}

METAL_FUNC float2 turn_pair(float2 pair, float2 angle) {
  return float2(angle.x * pair.x - angle.y * pair.y, angle.y * pair.x + angle.x * pair.y);
}

// The four elements of a symmetric matrix where two pairs of rows and columns cross.
METAL_FUNC void turn_four(threadgroup float* gram, uint2 rows, uint2 columns, float2 row_angle,
                          float2 column_angle) {
  threadgroup float* upper = gram + rows.x * kTileLead;
  threadgroup float* lower = gram + rows.y * kTileLead;
  const float2 left = turn_pair(float2(upper[columns.x], lower[columns.x]), row_angle);
  const float2 right = turn_pair(float2(upper[columns.y], lower[columns.y]), row_angle);
  const float2 top = turn_pair(float2(left.x, right.x), column_angle);
  const float2 bottom = turn_pair(float2(left.y, right.y), column_angle);
  upper[columns.x] = top.x;
  upper[columns.y] = top.y;
  lower[columns.x] = bottom.x;
  lower[columns.y] = bottom.y;
}
