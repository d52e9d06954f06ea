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
void reduce_sum_rows(const void* bytes, int64_t rows, int64_t stride, int64_t n, Sum* totals) {
  const T* in = static_cast<const T*>(bytes);
  for (int64_t r = 0; r < rows; ++r) {
    const T* row = in + r * stride;
    if constexpr (kFloating<T> && !std::is_same_v<T, double>) {
      const int64_t readable = (rows - 1 - r) * (stride > 0 ? stride : 0) + n;
      totals[r].real = sum_lanes(row, n, Identity{}, readable);
    } else {
      totals[r] = reduce_sum<T>(row, n);
    }
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

template <class T>
void reduce_product_rows(const void* bytes, int64_t rows, int64_t stride, int64_t n, Sum* totals) {
  const T* in = static_cast<const T*>(bytes);
  for (int64_t r = 0; r < rows; ++r) totals[r] = reduce_product<T>(in + r * stride, n);
}

// Of scalars or of vectors. A NaN that has won stays: nothing is greater.
template <bool kLeast, class T>
inline T better(T best, T x) {
  return ((kLeast ? x < best : x > best) | (x != x)) ? x : best;
}
// The same where no NaN is: one instruction.
template <bool kLeast, class V>
inline V better_number(V best, V x) {
  return kLeast ? min(x, best) : max(x, best);
}

// As many lanes as four registers of the longest kind have, on every instruction set, and so on
// every set the same one of -0 and +0. Memory can be read up to `readable` elements.
template <class C>
struct BestLanes {
  static constexpr int kWidth = 256 / sizeof(C);
  using V = typename VectorOf<C>::type;
  static constexpr int kVectors = kWidth / kLength<V>;

  template <class Body>
  static void each_vector(const C* in, int64_t n, int64_t readable, Body& body) {
    int64_t i = 0;
    for (; i + kWidth <= n; i += kWidth) {
      for (int v = 0; v < kVectors; ++v) body.add(v, load<V>(in + i + v * kLength<V>));
    }
    for (int v = 0; v < kVectors && i < n; ++v, i += kLength<V>) {
      V x;
      if (readable - i >= kLength<V>) {
        x = load<V>(in + i);
      } else {
        C last[kLength<V>] = {};
        std::memcpy(last, in + i, static_cast<size_t>(n - i) * sizeof(C));
        x = load<V>(last);
      }
      body.add(v, first_places(x, n - i, V{} + in[0]));  // which is among them
    }
  }
};

template <bool kLeast, class C>
struct ExactBest : BestLanes<C> {
  using typename BestLanes<C>::V;
  V part[BestLanes<C>::kVectors];

  explicit ExactBest(C first) {
    for (V& p : part) p = V{} + first;
  }
  void add(int v, V x) { part[v] = better<kLeast>(part[v], x); }
  C result() const { return join_vectors<ExactBest>(part); }
  static V of(V a, V b) { return better<kLeast>(a, b); }
};

// Numbers quickly: where an infinity or a NaN may have been among them, `doubtful` says so.
template <bool kLeast, class C>
struct BestNumber : BestLanes<C> {
  using typename BestLanes<C>::V;
  V part[BestLanes<C>::kVectors], rest[BestLanes<C>::kVectors] = {};

  explicit BestNumber(C first) {
    for (V& p : part) p = V{} + first;
  }
  void add(int v, V x) {
    part[v] = better_number<kLeast>(part[v], x);
    if constexpr (kFloating<C>) rest[v] = fma(x, V{}, rest[v]);
  }
  C result() const { return join_vectors<BestNumber>(part); }
  bool doubtful() const { return kFloating<C> && join_vectors<Plus>(rest) != 0; }
  static V of(V a, V b) { return better_number<kLeast>(a, b); }
};

template <class Best, class T>
inline void add_run(Best& best, const T* in, int64_t n, int64_t readable) {
  using C = Widened<T>;
  if constexpr (kHalf<T>) {
    for (int64_t i = 0; i < n; i += kWidenBlock) {
      const int64_t count = n - i < kWidenBlock ? n - i : kWidenBlock;
      C buffer[kWidenBlock];
      Best::each_vector(widened(in + i, count, buffer), count, count, best);
    }
  } else {
    Best::each_vector(in, n, readable, best);
  }
}
template <bool kLeast, class T>
inline T best_of(const T* in, int64_t n, int64_t readable) {
  using C = Widened<T>;
  BestNumber<kLeast, C> best(static_cast<C>(in[0]));
  add_run(best, in, n, readable);
  if (!best.doubtful()) return static_cast<T>(best.result());
  ExactBest<kLeast, C> exact(static_cast<C>(in[0]));
  add_run(exact, in, n, readable);
  return static_cast<T>(exact.result());
}

template <class T>
void reduce_best(const void* bytes, int64_t n, bool least, void* value) {
  const T* in = static_cast<const T*>(bytes);
  *static_cast<T*>(value) = least ? best_of<true>(in, n, n) : best_of<false>(in, n, n);
}

template <class C>
struct EqualTo {
  C wanted;
  template <class V>
  auto operator()(V x) const {
    return x == wanted;
  }
};
struct NotItself {
  template <class V>
  auto operator()(V x) const {
    return x != x;
  }
};
struct Least {
  template <class V>
  static V of(V a, V b) {
    return a < b ? a : b;
  }
};

// The first of n elements for which `found` holds, n where there is none: the least of their places
// in a few vectors.
template <class C, class Found>
inline int64_t first_of(const C* in, int64_t n, Found found) {
  using V = typename VectorOf<C>::type;
  using P = Places<V>;
  constexpr int kVectors = sizeof(C) == 1 ? 1 : 4, kNone = 127;  // no place in a byte
  for (int64_t i = 0; i < n;) {
    const int64_t begin = i;
    P first[] = {P{} + kNone}, here = places<V>(std::make_integer_sequence<int, kLength<V>>{});
    for (int v = 0; v < kVectors && i < n; ++v, i += kLength<V>) {
      P at;
      if (n - i >= kLength<V>) {
        at = found(load<V>(in + i)) ? here : P{} + kNone;
      } else {
        V x = {};
        std::memcpy(&x, in + i, static_cast<size_t>(n - i) * sizeof(C));
        at = first_places(found(x) ? here : P{} + kNone, n - i, P{} + kNone);
      }
      first[0] = Least::of(first[0], at);
      here += kLength<V>;
    }
    const int64_t place = join_vectors<Least>(first);
    if (place != kNone) return begin + place;
  }
  return n;
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
    const int64_t at =
        wanted == wanted ? first_of(p, count, EqualTo<C>{wanted}) : first_of(p, count, NotItself{});
    if (at < count) return i + at;
  }
  return n;
}

template <bool kLeast, class T>
inline void best_of_rows(const T* in, int64_t rows, int64_t stride, int64_t n, T* values,
                         int64_t* places) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* row = in + r * stride;
    const int64_t readable = (rows - 1 - r) * (stride > 0 ? stride : 0) + n;
    const T best = best_of<kLeast>(row, n, readable);
    if (values) values[r] = best;
    if (places) places[r] = reduce_find<T>(row, n, &best);
  }
}
template <class T>
void reduce_best_rows(const void* bytes, int64_t rows, int64_t stride, int64_t n, bool least,
                      void* values, int64_t* places) {
  const T* in = static_cast<const T*>(bytes);
  T* out = static_cast<T*>(values);
  least ? best_of_rows<true>(in, rows, stride, n, out, places)
        : best_of_rows<false>(in, rows, stride, n, out, places);
}

// Columns are taken kWidenBlock at a time, and the rows that follow fetched ahead: memory's own
// prefetching ends with a run of neighbours.
constexpr int64_t kRowsAhead = 4;
template <class T>
inline void fetch_row(const T* row, int64_t columns) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t c = 0; c < columns; c += kLine) prefetch(row + c);
}

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
      for (int i = 0; i < 4; ++i) {
        fetch_row(in + (r + i + kRowsAhead) * stride, width);
        row[i] = widened(in + (r + i) * stride, width, buffer[i]);
      }
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
                  Sum* totals);

// Few columns that follow one another: several rows are taken as one.
constexpr int64_t kNarrow = 64, kWide = 256;
template <class T>
void fold_narrow(ColumnFold fold, const T* in, int64_t rows, int64_t columns, Sum* totals) {
  const bool floating = kFloating<T> && fold != ColumnFold::nonzero;
  const int64_t together = kWide / columns, wide = together * columns, whole = rows / together;
  Sum parts[kWide];
  fold_columns<T>(fold, in, whole, wide, wide, parts);
  std::memcpy(totals, parts, static_cast<size_t>(columns) * sizeof(Sum));
  for (int64_t i = columns; i < wide; ++i) {
    join_totals(fold, floating, totals[i % columns], parts[i]);
  }
  const int64_t left = rows - whole * together;
  if (left == 0) return;
  fold_columns<T>(fold, in + whole * wide, left, columns, columns, parts);
  for (int64_t c = 0; c < columns; ++c) join_totals(fold, floating, totals[c], parts[c]);
}

template <class T>
void fold_columns(ColumnFold fold, const void* bytes, int64_t rows, int64_t stride, int64_t columns,
                  Sum* totals) {
  using Total = std::conditional_t<kFloating<T>, double, uint64_t>;
  const T* in = static_cast<const T*>(bytes);
  if (stride == columns && columns <= kNarrow && rows * columns >= 4 * kWide) {
    return fold_narrow<T>(fold, in, rows, columns, totals);
  }
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
      fetch_row(in + (r + kRowsAhead) * stride + at, width);
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
      fetch_row(in + (r + kRowsAhead) * stride, width);
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
  return {{{reduce_sum<T>, reduce_product<T>, reduce_best<T>, reduce_find<T>, reduce_sum_rows<T>,
            reduce_product_rows<T>, reduce_best_rows<T>, fold_columns<T>, best_columns<T>,
            find_columns<T>}...}};
}

constexpr ReduceKernels kReduceKernels =
    reduce_kernels<float, float16, bfloat16, double, int8_t, uint8_t, int32_t, int64_t, uint8_t>();
