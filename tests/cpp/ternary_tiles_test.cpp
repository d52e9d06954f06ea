// The products by tile registers, with the tiles in memory: what surrounds the instructions is held
// against plain sums on machines without them. Exit status 0 when all agree.
#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

#include "cpu/isa/headers.h"
#include "cpu/kernels/ternary.h"

namespace bitmetal::cpu {
namespace {
#include "cpu/isa/vector_generic.h"

#include "cpu/kernels/vector16.inl"

#include "cpu/isa/ternary_generic.h"

inline void store_codes(uint8_t* p, Codes c) { std::memcpy(p, c.v, sizeof c.v); }

// What isa/tiles_amx.h has in instructions. Reading or writing more rows than a tile has, or
// multiplying tiles that do not fit, is what these find.
struct TileShapes {
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
TileShapes shapes;
bool shaped = false;
alignas(64) uint8_t tiles[8][16][64];

void shape_tiles(const TileShapes& asked) {
  shapes = asked;
  shaped = true;
  std::memset(tiles, 0, sizeof tiles);
}
void release_tiles() { shaped = false; }
template <int tile>
void clear_tile() {
  std::memset(tiles[tile], 0, sizeof tiles[tile]);
}
bool fit = true;
const int8_t* activations_end;
template <int tile>
void load_tile(const void* p, int64_t stride) {
  clear_tile<tile>();
  const auto* end = static_cast<const int8_t*>(p) + (shapes.rows[tile] - 1) * stride + 64;
  if (tile == 4 || tile == 5) fit = fit && end <= activations_end;
  for (int i = 0; i < shapes.rows[tile]; ++i) {
    std::memcpy(tiles[tile][i], static_cast<const uint8_t*>(p) + i * stride, 64);
  }
}
template <int tile>
void store_tile(void* p, int64_t stride) {
  for (int i = 0; i < shapes.rows[tile]; ++i) {
    std::memcpy(static_cast<uint8_t*>(p) + i * stride, tiles[tile][i], 64);
  }
}
template <int c, int a, int b>
void add_signed_unsigned() {
  fit = fit && shaped && shapes.rows[c] == shapes.rows[a] && shapes.rows[b] == 16;
  for (int i = 0; i < shapes.rows[c]; ++i) {
    int32_t sums[16];
    std::memcpy(sums, tiles[c][i], sizeof sums);
    for (int k = 0; k < 64; ++k) {
      const int left = static_cast<int8_t>(tiles[a][i][k]);
      for (int j = 0; j < 16; ++j) sums[j] += left * tiles[b][k / 4][4 * j + k % 4];
    }
    std::memcpy(tiles[c][i], sums, sizeof sums);
  }
}

#include "cpu/kernels/ternary_tiles.inl"

std::mt19937 random_bits(20260607);

// Weights of +1 alone and activations of 127 where `extreme`.
bool agrees(int64_t columns, int64_t group, int64_t panels, int64_t batch, bool extreme) {
  const int64_t blocks = (columns + 15) / 16, stride = (blocks + 3) / 4 * 64;
  Panels w{nullptr, nullptr, panels, blocks, (group + 15) / 16};
  std::vector<uint8_t> codes(panels * blocks * 64);
  std::vector<float> scales(panels * w.groups() * 16);
  std::vector<int8_t> q(batch * stride, 0);
  for (uint8_t& byte : codes) {
    for (int f = 0; f < 4; ++f) byte |= (extreme ? 2 : random_bits() % 3) << (2 * f);
  }
  for (float& s : scales) s = extreme ? 1 : static_cast<float>(random_bits() % 1000) / 64;
  for (int64_t i = 0; i < batch * stride; ++i) {
    if (i % stride < columns) q[i] = extreme ? 127 : static_cast<int8_t>(random_bits() % 255 - 127);
  }
  w.codes = codes.data();
  w.scales = scales.data();

  int64_t segments = 0;
  std::vector<int32_t> sums;
  for (int64_t i = 0; i < batch; ++i) {
    for (Segment s(w); s.begin < w.blocks; s.advance(w)) {
      const int8_t* row = q.data() + i * stride;
      int32_t sum = 0;
      for (int64_t k = s.begin * 16; k < s.end * 16; ++k) sum += row[k];
      sums.push_back(sum);
      segments = s.index + 1;
    }
  }
  std::vector<float> y(batch * kBandRows, -1.0f);
  std::vector<int64_t> scratch(tile_scratch(batch) / 8 + 8);
  auto* memory = reinterpret_cast<std::byte*>(scratch.data());
  memory += -reinterpret_cast<uintptr_t>(memory) % 64;
  activations_end = q.data() + q.size();
  multiply_by_tiles(w, {q.data(), sums.data(), batch, stride, segments}, memory, y.data());

  for (int64_t i = 0; i < batch; ++i) {
    for (int64_t r = 0; r < panels * 16; ++r) {
      float expected = 0;
      for (int64_t g = 0; g < w.groups(); ++g) {
        int64_t sum = 0;
        for (int64_t b = g * w.group_blocks; b < std::min((g + 1) * w.group_blocks, blocks); ++b) {
          const uint8_t* block = codes.data() + (r / 16 * blocks + b) * 64 + r % 16 * 4;
          for (int k = 0; k < 16; ++k) {
            const int code = block[k % 4] >> (2 * (k / 4)) & 3;
            sum += (code - 1) * q[i * stride + b * 16 + k];
          }
        }
        expected += static_cast<float>(sum) * scales[(r / 16 * w.groups() + g) * 16 + r % 16];
      }
      if (y[i * kBandRows + r] == expected) continue;
      std::fprintf(stderr,
                   "FAILED: %lld columns, groups of %lld, %lld panels, batch %lld: [%lld][%lld] is "
                   "%g, not %g\n",
                   static_cast<long long>(columns), static_cast<long long>(group),
                   static_cast<long long>(panels), static_cast<long long>(batch),
                   static_cast<long long>(i), static_cast<long long>(r), y[i * kBandRows + r],
                   expected);
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace bitmetal::cpu

int main() {
  using bitmetal::cpu::agrees;
  bool ok = true;
  for (int64_t batch : {1, 7, 16, 17, 32, 45, 67}) {
    for (int64_t panels : {1, 2, 3, 4}) {
      for (int64_t columns : {16, 61, 64, 80, 200, 2100}) {
        ok &= agrees(columns, columns, panels, batch, false);
      }
      for (int64_t group : {64, 128, 1024}) ok &= agrees(2260, group, panels, batch, false);
    }
  }
  // One group of several segments; sums that need more than 32 bits to scale exactly.
  ok &= agrees(600016, 600016, 1, 2, true);
  ok &= agrees(1 << 18, 1 << 18, 1, 1, true);
  ok &= bitmetal::cpu::fit && !bitmetal::cpu::shaped;
  return ok ? 0 : 1;
}
