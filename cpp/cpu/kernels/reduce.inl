#pragma once

#include "cpu/kernels/convert.inl"
#include "cpu/kernels/lanes.inl"

// Halves are widened into a buffer before anything else is done with them; the rest stays as it is.
template <class T>
using Widened = std::conditional_t<kHalf<T>, float, T>;

constexpr int64_t kWidenBlock = 512;  // 2 KiB of float32 stays in L1 beside what it is added to

template <class T>
inline const Widened<T>* widened(const T* in, int64_t n, Widened<T>* buffer) {
  if constexpr (kHalf<T>) {
    convert_run<T, float>(in, buffer, n);
    return buffer;
  } else {
    return in;
  }
}

template <class T>
Sum reduce_sum(const void* bytes, int64_t n) {
  const T* in = static_cast<const T*>(bytes);
  if constexpr (std::is_same_v<T, double>) {
    return {.real = sum_lanes_pairwise(in, n, Identity{})};
  } else if constexpr (kFloating<T>) {
    return {.real = sum_lanes(in, n, Identity{})};
  } else {
    // kChunk elements of 8 bits fit 32.
    std::conditional_t<sizeof(T) == 1, int32_t, uint64_t> total = 0;
    for (int64_t i = 0; i < n; ++i) total += in[i];
    return {.integer = static_cast<int64_t>(total)};
  }
}

template <class T>
Sum reduce_product(const void* bytes, int64_t n) {
  const T* in = static_cast<const T*>(bytes);
  if constexpr (kFloating<T>) {
    return {.real = product_lanes(in, n)};
  } else {
    uint64_t total = 1;
    for (int64_t i = 0; i < n; ++i) total *= static_cast<uint64_t>(in[i]);
    return {.integer = static_cast<int64_t>(total)};
  }
}

// Of scalars or of vectors. A NaN that has won stays: nothing is greater.
template <bool kLeast, class T>
inline T better(T best, T x) {
  return ((kLeast ? x < best : x > best) | (x != x)) ? x : best;
}

// As many lanes as four registers of the longest kind have, on every instruction set, and so on
// every set the same one of -0 and +0.
template <bool kLeast, class C>
struct Best {
  static constexpr int kWidth = 256 / sizeof(C);
  using V = typename VectorOf<C>::type;
  static constexpr int kVectors = kWidth / kLength<V>;
  V part[kVectors];

  explicit Best(C first) {
    for (V& p : part) p = V{} + first;
  }
  void add(const C* in, int64_t n) {
    int64_t i = 0;
    for (; i + kWidth <= n; i += kWidth) {
      for (int v = 0; v < kVectors; ++v) {
        part[v] = better<kLeast>(part[v], load<V>(in + i + v * kLength<V>));
      }
    }
    if (i == n) return;
    C last[kWidth];
    std::memcpy(last, part, sizeof(part));
    for (int l = 0; i + l < n; ++l) last[l] = better<kLeast>(last[l], in[i + l]);
    std::memcpy(part, last, sizeof(part));
  }
  C result() {
    for (int half = kVectors / 2; half > 0; half /= 2) {
      for (int v = 0; v < half; ++v) part[v] = better<kLeast>(part[v], part[v + half]);
    }
    C lane[kLength<V>];
    store(part[0], lane);
    for (int width = kLength<V> / 2; width > 0; width /= 2) {
      for (int l = 0; l < width; ++l) lane[l] = better<kLeast>(lane[l], lane[l + width]);
    }
    return lane[0];
  }
};

template <bool kLeast, class T>
T best_of(const T* in, int64_t n) {
  using C = Widened<T>;
  Best<kLeast, C> best(static_cast<C>(in[0]));
  if constexpr (kHalf<T>) {
    for (int64_t i = 0; i < n; i += kWidenBlock) {
      const int64_t count = n - i < kWidenBlock ? n - i : kWidenBlock;
      C buffer[kWidenBlock];
      best.add(widened(in + i, count, buffer), count);
    }
  } else {
    best.add(in, n);
  }
  return static_cast<T>(best.result());
}

template <class T>
void reduce_best(const void* bytes, int64_t n, bool least, void* value) {
  const T* in = static_cast<const T*>(bytes);
  *static_cast<T*>(value) = least ? best_of<true>(in, n) : best_of<false>(in, n);
}

// The first of n elements for which `found` holds, n where there is none.
template <class C, class Found>
inline int64_t first_of(const C* in, int64_t n, Found found) {
  constexpr int64_t kStep = 64;  // looked through at once
  using Mask = std::conditional_t<sizeof(C) == 8, uint64_t,
                                  std::conditional_t<sizeof(C) == 4, uint32_t, uint8_t>>;
  int64_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    Mask any = 0;
    for (int64_t j = 0; j < kStep; ++j) any |= found(in[i + j]) ? Mask(~Mask{0}) : Mask{0};
    if (any) break;
  }
  while (i < n && !found(in[i])) ++i;
  return i;
}

template <class T>
int64_t reduce_find(const void* bytes, int64_t n, const void* value) {
  using C = Widened<T>;
  const T* in = static_cast<const T*>(bytes);
  const C wanted = static_cast<C>(*static_cast<const T*>(value));
  for (int64_t i = 0; i < n; i += kWidenBlock) {
    const int64_t count = n - i < kWidenBlock ? n - i : kWidenBlock;
    C buffer[kWidenBlock];
    const C* p = widened(in + i, count, buffer);
    const int64_t at = wanted == wanted ? first_of(p, count, [&](C c) { return c == wanted; })
                                        : first_of(p, count, [](C c) { return c != c; });
    if (at < count) return i + at;
  }
  return n;
}

// Columns are taken kWidenBlock at a time: wide enough to read memory in long runs.

template <int start, class Term>
struct Fold {
  static constexpr int kStart = start;
  template <class Total, class C>
  static Total of(Total total, C x) {
    const auto term = Term{}(static_cast<Total>(x));
    if constexpr (kStart == 0) {
      return total + term;
    } else {
      return total * term;
    }
  }
};
struct CountNonzero {
  static constexpr int kStart = 0;
  template <class Total, class C>
  static Total of(Total total, C x) {
    return total + static_cast<Total>(x != 0);
  }
};

template <class Total, class Fold, class T>
void fold_rows(const T* first, int64_t rows, int64_t stride, int64_t columns, Sum* totals) {
  using C = Widened<T>;
  for (int64_t at = 0; at < columns; at += kWidenBlock) {
    const int64_t width = columns - at < kWidenBlock ? columns - at : kWidenBlock;
    const T* in = first + at;
    Total total[kWidenBlock];
    for (int64_t c = 0; c < width; ++c) total[c] = Fold::kStart;
    C buffer[4][kWidenBlock];
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
      const C* row[4];
      for (int i = 0; i < 4; ++i) row[i] = widened(in + (r + i) * stride, width, buffer[i]);
      for (int64_t c = 0; c < width; ++c) {
        Total folded = total[c];
        for (int i = 0; i < 4; ++i) folded = Fold::of(folded, row[i][c]);
        total[c] = folded;
      }
    }
    for (; r < rows; ++r) {
      const C* row = widened(in + r * stride, width, buffer[0]);
      for (int64_t c = 0; c < width; ++c) total[c] = Fold::of(total[c], row[c]);
    }
    std::memcpy(totals + at, total, static_cast<size_t>(width) * sizeof(Sum));
  }
}

template <class T>
void fold_columns(ColumnFold fold, const void* bytes, int64_t rows, int64_t stride, int64_t columns,
                  Sum* totals) {
  using Total = std::conditional_t<kFloating<T>, double, uint64_t>;
  const T* in = static_cast<const T*>(bytes);
  switch (fold) {
    case ColumnFold::product:
      return fold_rows<Total, Fold<1, Identity>>(in, rows, stride, columns, totals);
    case ColumnFold::nonzero:
      return fold_rows<uint64_t, CountNonzero>(in, rows, stride, columns, totals);
    default: break;
  }
  if constexpr (kFloating<T>) {
    if (fold == ColumnFold::magnitudes) {
      return fold_rows<Total, Fold<0, Magnitude>>(in, rows, stride, columns, totals);
    }
    if (fold == ColumnFold::squares) {
      return fold_rows<Total, Fold<0, Square>>(in, rows, stride, columns, totals);
    }
  }
  fold_rows<Total, Fold<0, Identity>>(in, rows, stride, columns, totals);
}

template <bool kLeast, class T>
void best_of_columns(const T* in, int64_t rows, int64_t stride, int64_t columns, T* values) {
  using C = Widened<T>;
  for (int64_t at = 0; at < columns; at += kWidenBlock) {
    const int64_t width = columns - at < kWidenBlock ? columns - at : kWidenBlock;
    C top[kWidenBlock], buffer[kWidenBlock];
    convert_run<T, C>(in + at, top, width);
    for (int64_t r = 1; r < rows; ++r) {
      const C* row = widened(in + r * stride + at, width, buffer);
      for (int64_t c = 0; c < width; ++c) top[c] = better<kLeast>(top[c], row[c]);
    }
    convert_run<C, T>(top, values + at, width);
  }
}

template <class T>
void best_columns(const void* bytes, int64_t rows, int64_t stride, int64_t columns, bool least,
                  void* values) {
  const T* in = static_cast<const T*>(bytes);
  T* out = static_cast<T*>(values);
  least ? best_of_columns<true>(in, rows, stride, columns, out)
        : best_of_columns<false>(in, rows, stride, columns, out);
}

template <bool kLeast, class T>
void find_best_of_columns(const T* in_rows, int64_t rows, int64_t stride, int64_t columns,
                          T* values, int32_t* row_of) {
  using C = Widened<T>;
  for (int64_t at = 0; at < columns; at += kWidenBlock) {
    const int64_t width = columns - at < kWidenBlock ? columns - at : kWidenBlock;
    const T* in = in_rows + at;
    C top[kWidenBlock], buffer[kWidenBlock];
    int32_t where[kWidenBlock] = {};
    convert_run<T, C>(in, top, width);
    for (int32_t r = 1; r < rows; ++r) {
      const C* row = widened(in + r * stride, width, buffer);
      for (int64_t c = 0; c < width; ++c) {
        const C x = row[c], best = top[c];
        const bool wins = (kLeast ? x < best : x > best) | ((x != x) & (best == best));
        top[c] = wins ? x : best;
        where[c] = wins ? r : where[c];
      }
    }
    convert_run<C, T>(top, values + at, width);
    std::memcpy(row_of + at, where, static_cast<size_t>(width) * sizeof(int32_t));
  }
}

template <class T>
void find_columns(const void* bytes, int64_t rows, int64_t stride, int64_t columns, bool least,
                  void* values, int32_t* row_of) {
  const T* in = static_cast<const T*>(bytes);
  T* out = static_cast<T*>(values);
  least ? find_best_of_columns<true>(in, rows, stride, columns, out, row_of)
        : find_best_of_columns<false>(in, rows, stride, columns, out, row_of);
}

// In the order of DType. A bool is 0 or 1 and reduces as the byte that it is.
template <class... T>
constexpr ReduceKernels reduce_kernels() {
  return {{{reduce_sum<T>, reduce_product<T>, reduce_best<T>, reduce_find<T>, fold_columns<T>,
            best_columns<T>, find_columns<T>}...}};
}

constexpr ReduceKernels kReduceKernels =
    reduce_kernels<float, float16, bfloat16, double, int8_t, uint8_t, int32_t, int64_t, uint8_t>();
