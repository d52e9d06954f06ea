// Reductions down the columns of a block of rows.
#pragma once

#include "cpu/kernels/reduce_rows.inl"

// So many rows at once, a vector of columns after the other: what is kept of the columns is read
// and written once for all of them.
constexpr int kRowsTogether = 4;

// Columns at a time: the longer the run of neighbours, the better memory's own prefetching, and
// what is kept of them stays in the level-2 cache.
constexpr int64_t kColumnBlock = 2048;

// Columns [at, at + width) of a block. Rows are read in whole vectors: what lies past the columns
// is computed with and dropped, and a row that memory ends with is copied.
template <class T>
class ColumnBlock {
 public:
  static constexpr int64_t kStep = kLength<WidenedVector<T>>;
  static constexpr int64_t kPadded = kColumnBlock + kStep;

  ColumnBlock(const T* in, int64_t rows, int64_t stride, int64_t columns, int64_t at)
      : width(columns - at < kColumnBlock ? columns - at : kColumnBlock),
        in_(in + at),
        rows_(rows),
        stride_(stride),
        spare_(columns - at - (width + kStep - 1) / kStep * kStep) {}

  // together(row) for each kRowsTogether rows, then alone(row) for each one left.
  template <class Together, class Alone>
  void each(Together together, Alone alone) const {
    int64_t r = 0;
    for (; r + kRowsTogether <= rows_ && readable(r + kRowsTogether - 1); r += kRowsTogether) {
      together(row(r));
    }
    for (; r < rows_; ++r) {
      T copy[kPadded] = {};
      alone(readable(r) ? row(r) : static_cast<T*>(std::memcpy(copy, row(r), bytes())));
    }
  }

  const T* row(int64_t r) const { return in_ + r * stride_; }
  size_t bytes() const { return static_cast<size_t>(width) * sizeof(T); }

  const int64_t width;

 private:
  bool readable(int64_t r) const { return (rows_ - 1 - r) * stride_ + spare_ >= 0; }

  const T* const in_;
  const int64_t rows_, stride_, spare_;
};

template <class T, class Body>
inline void each_column_block(const void* in, int64_t rows, int64_t stride, int64_t columns,
                              Body body) {
  for (int64_t at = 0; at < columns; at += kColumnBlock) {
    body(ColumnBlock<T>(static_cast<const T*>(in), rows, stride, columns, at), at);
  }
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
using PlainSum = Fold<0, Identity>;
struct CountNonzero {
  static constexpr int kStart = 0;
  template <class Total, class C>
  static Total of(Total total, C x) {
    return total + static_cast<Total>(x != 0);
  }
};

// In double, but four halves are added in float32 first (see sum_lanes).
template <class Fold, int kRows, class T>
inline void fold_vectors(const T* in, int64_t stride, int64_t width, double* totals) {
  using V = ComputeVector<T>;
  constexpr int kParts = kLength<V> / kDoubles;
  for (int64_t c = 0; c < width; c += kLength<V>) {
    const auto row = [&](int64_t i) BITMETAL_INLINE { return widen(in + i * stride + c); };
    Doubles total[kParts];
    unroll<kParts>([&](auto p)
                       BITMETAL_INLINE { total[p] = load<Doubles>(totals + c + p * kDoubles); });
    const auto add = [&](V x) BITMETAL_INLINE {
      if constexpr (kParts == 1) {
        total[0] = Fold::of(total[0], x);
      } else {
        total[0] = Fold::of(total[0], lower_half(x));
        total[1] = Fold::of(total[1], upper_half(x));
      }
    };
    if constexpr (kHalf<T> && std::is_same_v<Fold, PlainSum> && kRows == 4) {
      add((row(0) + row(1)) + (row(2) + row(3)));
    } else {
      unroll<kRows>([&](auto i) BITMETAL_INLINE { add(row(i)); });
    }
    unroll<kParts>([&](auto p) BITMETAL_INLINE { store(total[p], totals + c + p * kDoubles); });
  }
}

template <class Fold, class T>
void fold_reals(const T* in, int64_t rows, int64_t stride, int64_t columns, Sum* totals) {
  each_column_block<T>(in, rows, stride, columns, [&](const ColumnBlock<T>& block, int64_t at) {
    double total[ColumnBlock<T>::kPadded];
    for (double& t : total) t = Fold::kStart;
    block.each(
        [&](const T* row) { fold_vectors<Fold, kRowsTogether>(row, stride, block.width, total); },
        [&](const T* row) { fold_vectors<Fold, 1>(row, stride, block.width, total); });
    std::memcpy(totals + at, total, static_cast<size_t>(block.width) * sizeof(double));
  });
}

// Modulo 2^64.
template <class Fold, class T>
void fold_integers(const T* in, int64_t rows, int64_t stride, int64_t columns, Sum* totals) {
  using C = Widened<T>;
  each_column_block<T>(in, rows, stride, columns, [&](const ColumnBlock<T>& block, int64_t at) {
    uint64_t total[kColumnBlock];
    for (uint64_t& t : total) t = Fold::kStart;
    C buffer[kRowsTogether][kColumnBlock];
    const auto rows_of = [&]<int kRows>(const T* first) BITMETAL_INLINE {
      const C* row[kRows];
      for (int i = 0; i < kRows; ++i) {
        row[i] = widened(first + i * stride, block.width, buffer[i]);
      }
      for (int64_t c = 0; c < block.width; ++c) {
        for (int i = 0; i < kRows; ++i) total[c] = Fold::of(total[c], row[i][c]);
      }
    };
    block.each([&](const T* first) { rows_of.template operator()<kRowsTogether>(first); },
               [&](const T* first) { rows_of.template operator()<1>(first); });
    std::memcpy(totals + at, total, static_cast<size_t>(block.width) * sizeof(uint64_t));
  });
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
  const T* in = static_cast<const T*>(bytes);
  if (stride == columns && columns <= kNarrow && rows * columns >= 4 * kWide) {
    return fold_narrow<T>(fold, in, rows, columns, totals);
  }
  if (fold == ColumnFold::nonzero) {
    return fold_integers<CountNonzero>(in, rows, stride, columns, totals);
  }
  const auto run = [&]<class Fold>(Fold) {
    if constexpr (kFloating<T>) {
      fold_reals<Fold>(in, rows, stride, columns, totals);
    } else {
      fold_integers<Fold>(in, rows, stride, columns, totals);
    }
  };
  if (fold == ColumnFold::product) return run(Fold<1, Identity>{});
  if constexpr (kFloating<T>) {
    if (fold == ColumnFold::magnitudes) return run(Fold<0, Magnitude>{});
    if (fold == ColumnFold::squares) return run(Fold<0, Square>{});
  }
  run(PlainSum{});
}

// The best of the rows and of `top`, where they are numbers; see BestNumber.
template <bool kLeast, bool kExact, int kRows, class T, class V>
inline void best_vectors(const T* in, int64_t stride, int64_t width, Widened<T>* top, V* rest) {
  for (int64_t c = 0; c < width; c += kLength<V>) {
    V best = load<V>(top + c);
    unroll<kRows>([&](auto i) BITMETAL_INLINE {
      const V x = load_widened(in + i * stride + c);
      if constexpr (kExact) {
        best = better<kLeast>(best, x);
      } else {
        best = better_number<kLeast>(best, x);
        if constexpr (kFloating<T>) rest[i] = fma(x, V{}, rest[i]);
      }
    });
    store(best, top + c);
  }
}

// True where an infinity or a NaN may have been among them, and kExact is needed.
template <bool kLeast, bool kExact, class T>
inline bool best_of_block(const ColumnBlock<T>& block, int64_t stride, Widened<T>* top) {
  using V = WidenedVector<T>;
  V rest[kRowsTogether] = {};
  convert_run<T, Widened<T>>(block.row(0), top, block.width);
  block.each(
      [&](const T* row) {
        best_vectors<kLeast, kExact, kRowsTogether>(row, stride, block.width, top, rest);
      },
      [&](const T* row) { best_vectors<kLeast, kExact, 1>(row, stride, block.width, top, rest); });
  return kFloating<T> && join_vectors<Plus>(rest) != 0;
}

template <bool kLeast, class T>
void best_of_columns(const void* bytes, int64_t rows, int64_t stride, int64_t columns, T* values) {
  each_column_block<T>(bytes, rows, stride, columns, [&](const ColumnBlock<T>& block, int64_t at) {
    Widened<T> top[ColumnBlock<T>::kPadded] = {};
    if (best_of_block<kLeast, false>(block, stride, top)) {
      best_of_block<kLeast, true>(block, stride, top);
    }
    convert_run<Widened<T>, T>(top, values + at, block.width);
  });
}

template <class T>
void best_columns(const void* bytes, int64_t rows, int64_t stride, int64_t columns, bool least,
                  void* values) {
  T* out = static_cast<T*>(values);
  least ? best_of_columns<true>(bytes, rows, stride, columns, out)
        : best_of_columns<false>(bytes, rows, stride, columns, out);
}

template <bool kLeast, class T>
void find_best_of_columns(const void* bytes, int64_t rows, int64_t stride, int64_t columns,
                          T* values, int32_t* row_of) {
  using C = Widened<T>;
  each_column_block<T>(bytes, rows, stride, columns, [&](const ColumnBlock<T>& block, int64_t at) {
    C top[kColumnBlock], buffer[kColumnBlock];
    int32_t where[kColumnBlock] = {};
    convert_run<T, C>(block.row(0), top, block.width);
    for (int32_t r = 1; r < rows; ++r) {
      const C* row = widened(block.row(r), block.width, buffer);
      for (int64_t c = 0; c < block.width; ++c) {
        const C x = row[c], best = top[c];
        const bool wins = (kLeast ? x < best : x > best) | ((x != x) & (best == best));
        top[c] = wins ? x : best;
        where[c] = wins ? r : where[c];
      }
    }
    convert_run<C, T>(top, values + at, block.width);
    std::memcpy(row_of + at, where, static_cast<size_t>(block.width) * sizeof(int32_t));
  });
}

template <class T>
void find_columns(const void* bytes, int64_t rows, int64_t stride, int64_t columns, bool least,
                  void* values, int32_t* row_of) {
  T* out = static_cast<T*>(values);
  least ? find_best_of_columns<true>(bytes, rows, stride, columns, out, row_of)
        : find_best_of_columns<false>(bytes, rows, stride, columns, out, row_of);
}
