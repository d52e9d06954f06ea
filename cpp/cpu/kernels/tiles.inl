#pragma once

// Calls body.operator()<N>(first) for tiles of N rows that together cover `count`, of about equal
// width and none wider than kMax.
template <int kMax, class Body>
inline void for_each_tile(int64_t count, Body body) {
  const int64_t tiles = (count + kMax - 1) / kMax;
  for (int64_t t = 0, first = 0, width; t < tiles; ++t, first += width) {
    width = (count - first + tiles - t - 1) / (tiles - t);
    [&]<int... n>(std::integer_sequence<int, n...>) {
      ((width == n + 1 ? body.template operator()<n + 1>(first) : void()), ...);
    }(std::make_integer_sequence<int, kMax>{});
  }
}
