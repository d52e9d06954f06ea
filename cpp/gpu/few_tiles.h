// Tiles of products of a weight with few rows of activations: 8 or 32 of these, many of the weight
// (Few8Shape and Few32Shape of metal/matmul_tile.h).
#pragma once

#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

struct FewTiles {
  const char* name;  // the tile's part of a kernel's name
  int64_t across, down;

  explicit FewTiles(int64_t batch)
      : name(batch <= 8 ? "few8" : "few32"),
        across(batch <= 8 ? 8 : 32),
        down(batch <= 8 ? kernels::kFew8Rows : kernels::kFew32Rows) {}

  Grid grid(int64_t batch, int64_t rows) const {
    return Grid::of_groups(ceil_div(batch, across), ceil_div(rows, down), 1,
                           kernels::kMatmulThreads);
  }
};

}  // namespace bitmetal::gpu
