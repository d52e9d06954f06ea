// Reductions of one chunk, and of rows.
#pragma once

#include "cpu/kernels/convert.inl"
#include "cpu/kernels/lanes.inl"

// Halves are widened into a buffer before anything else is done with them; the rest stays as it is.
template <class T>
using Widened = std::conditional_t<kHalf<T>, float, T>;

// Vectors of that, and how elements come into them.
template <class T>
using WidenedVector = typename VectorOf<Widened<T>>::type;
template <class T>
inline WidenedVector<T> load_widened(const T* p) {
  if constexpr (kHalf<T>) {
    return widen(p);
  } else {
    return load<WidenedVector<T>>(p);
  }
}

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

// Numbers quickly. An infinity or a NaN among them leaves something other than zeros in `rest`,
// which several rows may share.
template <bool kLeast, class C>
struct BestNumber : BestLanes<C> {
  using typename BestLanes<C>::V;
  struct Rest {
    V part[BestLanes<C>::kVectors] = {};
    bool doubtful() const { return kFloating<C> && join_vectors<Plus>(part) != 0; }
  };
  V part[BestLanes<C>::kVectors];
  Rest& rest;

  BestNumber(C first, Rest& of_rows) : rest(of_rows) {
    for (V& p : part) p = V{} + first;
  }
  void add(int v, V x) {
    part[v] = better_number<kLeast>(part[v], x);
    if constexpr (kFloating<C>) rest.part[v] = fma(x, V{}, rest.part[v]);
  }
  V lanes() const { return join_to_vector<BestNumber>(part); }
  C result() const { return join_vectors<BestNumber>(part); }
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
inline Widened<T> exact_best(const T* in, int64_t n, int64_t readable) {
  ExactBest<kLeast, Widened<T>> exact(static_cast<Widened<T>>(in[0]));
  add_run(exact, in, n, readable);
  return exact.result();
}
template <bool kLeast, class T>
inline T best_of(const T* in, int64_t n, int64_t readable) {
  using Number = BestNumber<kLeast, Widened<T>>;
  typename Number::Rest rest;
  Number best(static_cast<Widened<T>>(in[0]), rest);
  add_run(best, in, n, readable);
  return static_cast<T>(rest.doubtful() ? exact_best<kLeast>(in, n, readable) : best.result());
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

// The first of n elements for which `found` holds, n where there is none. Many vectors are looked
// at together; where it is among them, the least of the places in a few.
template <class C, class Found>
inline int64_t first_of(const C* in, int64_t n, Found found) {
  using V = typename VectorOf<C>::type;
  using P = Places<V>;
  constexpr int64_t kTogether = 8 * kLength<V>;
  int64_t i = 0;
  for (; i + kTogether <= n; i += kTogether) {
    P here = {};
    unroll<8>([&](auto v) BITMETAL_INLINE { here |= found(load<V>(in + i + v * kLength<V>)); });
    if (any(here)) break;
  }
  constexpr int kVectors = sizeof(C) == 1 ? 1 : 4, kNone = 127;  // no place in a byte
  while (i < n) {
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

// As many rows as a vector has lanes are joined at once, or fewer. Those of bytes are so many that
// each goes alone.
template <bool kLeast, class T>
inline void best_of_group(const T* in, int64_t rows, int64_t stride, int64_t n, int64_t beyond,
                          Widened<T>* best) {
  using C = Widened<T>;
  using Number = BestNumber<kLeast, C>;
  using V = WidenedVector<T>;
  const auto readable = [&](int64_t r) {
    return beyond + (rows - 1 - r) * (stride > 0 ? stride : 0);
  };
  typename Number::Rest rest;
  V lanes[kLength<V>] = {};
  for (int64_t r = 0; r < rows; ++r) {
    Number number(static_cast<C>(in[r * stride]), rest);
    add_run(number, in + r * stride, n, readable(r));
    if constexpr (sizeof(C) == 1) {
      best[r] = number.result();
    } else {
      lanes[r] = number.lanes();
    }
  }
  if (rest.doubtful()) {
    for (int64_t r = 0; r < rows; ++r) {
      best[r] = exact_best<kLeast>(in + r * stride, n, readable(r));
    }
  } else if constexpr (sizeof(C) > 1) {
    for (int64_t r = rows; r < kLength<V>; ++r) lanes[r] = lanes[0];
    store(join_rows<Number>(lanes), best);
  }
}

template <bool kLeast, class T>
inline void best_of_rows(const T* in, int64_t rows, int64_t stride, int64_t n, T* values,
                         int64_t* places) {
  constexpr int64_t kGroup = kLength<WidenedVector<T>>;
  for (int64_t first = 0; first < rows; first += kGroup) {
    const T* group = in + first * stride;
    const int64_t count = rows - first < kGroup ? rows - first : kGroup;
    const int64_t behind = (rows - first - count) * (stride > 0 ? stride : 0);
    Widened<T> best[kGroup];
    best_of_group<kLeast>(group, count, stride, n, behind + n, best);
    for (int64_t r = 0; r < count; ++r) {
      const T value = static_cast<T>(best[r]);
      if (values) values[first + r] = value;
      if (places) places[first + r] = reduce_find<T>(group + r * stride, n, &value);
    }
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
