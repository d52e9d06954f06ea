// The tile registers of AMX: eight of at most 16 rows of 64 bytes. In assembly, since the
// intrinsics take no tile's number from a template.

struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t others[15] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// What they hold is lost.
inline void shape_tiles(const TileShapes& shapes) {
  asm volatile("ldtilecfg %0" ::"m"(shapes) : "memory");
}
// Back to the initial state, which costs the operating system nothing to keep.
inline void release_tiles() { asm volatile("tilerelease" ::: "memory"); }

template <int tile>
BITMETAL_INLINE inline void clear_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(tile));
}
// Rows are `stride` bytes apart.
template <int tile>
BITMETAL_INLINE inline void load_tile(const void* p, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(tile) : "memory");
}
template <int tile>
BITMETAL_INLINE inline void store_tile(void* p, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride), "i"(tile) : "memory");
}
// c[i][j] += the four products, signed times unsigned, of a[i] and b, for each row of b and the
// four columns of a that belong to it.
template <int c, int a, int b>
BITMETAL_INLINE inline void add_signed_unsigned() {
  asm volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(c), "i"(a), "i"(b));
}
