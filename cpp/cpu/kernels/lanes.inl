// Sums with the same bits on every instruction set and for any number of threads.
//
// A row is cut into chunks of kChunk elements. In a chunk 32 lanes add in double, as many as hide
// the time that an addition takes: lane l takes the elements i with i % 32 == l, in order; the
// lanes are then joined as a tree, l and l + 16 first.
#pragma once

constexpr int kLanes = 32;
constexpr int kLaneVectors = kLanes / kDoubles;

// The elements from kBy on in the first places.
template <int kBy, class V, int... i>
inline V moved_down(V x, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(x, x, ((i + kBy) % static_cast<int>(sizeof...(i)))...);
}
// The lanes of a vector joined as a tree, l and l + kWidth first.
template <int kWidth, class Join, class V>
inline auto join_vector(V x) {
  if constexpr (kWidth == 0) {
    return x[0];
  } else {
    constexpr auto kEach = std::make_integer_sequence<int, kLength<V>>{};
    return join_vector<kWidth / 2, Join>(Join::of(x, moved_down<kWidth>(x, kEach)));
  }
}
template <class Join, class V, size_t kCount>
inline V join_to_vector(const V (&parts)[kCount]) {
  V part[kCount];
  for (size_t v = 0; v < kCount; ++v) part[v] = parts[v];
  for (size_t half = kCount / 2; half > 0; half /= 2) {
    for (size_t v = 0; v < half; ++v) part[v] = Join::of(part[v], part[v + half]);
  }
  return part[0];
}
template <class Join, class V, size_t kCount>
inline auto join_vectors(const V (&parts)[kCount]) {
  return join_vector<kLength<V> / 2, Join>(join_to_vector<Join>(parts));
}

// Two vectors of rows' blocks, kBlock lanes each, as one of blocks half as long: the halves of
// every block joined.
template <int kBlock, class Join, class V, int... i>
inline V join_halves(V a, V b, std::integer_sequence<int, i...>) {
  constexpr int kHalf = kBlock / 2;
  return Join::of(__builtin_shufflevector(a, b, (i / kHalf * kBlock + i % kHalf)...),
                  __builtin_shufflevector(a, b, (i / kHalf * kBlock + i % kHalf + kHalf)...));
}
// As many vectors as one has lanes, each joined as join_vector() does: lane r is vector r's.
template <class Join, class V, int kCount = kLength<V>>
inline V join_rows(const V* rows) {
  if constexpr (kCount == 1) {
    return rows[0];
  } else {
    V half[kCount / 2];
    unroll<kCount / 2>([&](auto r) BITMETAL_INLINE {
      half[r] = join_halves<kCount, Join>(rows[2 * r], rows[2 * r + 1],
                                          std::make_integer_sequence<int, kLength<V>>{});
    });
    return join_rows<Join, V, kCount / 2>(half);
  }
}

struct Identity {
  template <class V>
  V operator()(V x) const {
    return x;
  }
};
struct Square {
  template <class V>
  V operator()(V x) const {
    return x * x;
  }
};
struct Magnitude {
  template <class V>
  V operator()(V x) const {
    return x < 0 ? -x : x;
  }
};
template <class C>
struct SquareAbout {
  C center;
  template <class V>
  V operator()(V x) const {
    return (x - center) * (x - center);
  }
};

struct Plus {
  template <class V>
  static V of(V a, V b) {
    return a + b;
  }
};
struct Times {
  template <class V>
  static V of(V a, V b) {
    return a * b;
  }
};

// 0, 1, 2, ... in integers as long as the elements of V.
template <class V>
using Places = typename VectorOf<std::conditional_t<
    sizeof(V{}[0]) == 8, int64_t, std::conditional_t<sizeof(V{}[0]) == 4, int32_t, int8_t>>>::type;
template <class V, int... i>
inline Places<V> places(std::integer_sequence<int, i...>) {
  return Places<V>{i...};
}
// `x` in the first n places, `other` in the rest.
template <class V>
inline V first_places(V x, int64_t n, V other) {
  using Place = std::remove_cvref_t<decltype(Places<V>{}[0])>;
  const auto count = static_cast<Place>(n < kLength<V> ? n : kLength<V>);
  return places<V>(std::make_integer_sequence<int, kLength<V>>{}) < count ? x : other;
}

// A vector of n elements, fewer than it has; of what follows them, `readable` - n can be read.
template <class T>
inline ComputeVector<T> widen_first(const T* p, int64_t n, int64_t readable) {
  if (readable >= kLength<ComputeVector<T>>) return widen(p);
  return widen_part(p, n, T(0.0f));
}

struct Lanes {
  Doubles part[kLaneVectors] = {};

  // Vector `at` of the next kLanes elements.
  template <class Term>
  void add(Floats x, int at, Term term) {
    part[2 * at] += term(lower_half(x));
    part[2 * at + 1] += term(upper_half(x));
  }
  template <class Term>
  void add(Doubles x, int at, Term term) {
    part[at] += term(x);
  }
  void add(Floats x, int at, Square) {  // exact in double, so that a fused addition rounds no less
    const Doubles lower = lower_half(x), upper = upper_half(x);
    part[2 * at] = fma(lower, lower, part[2 * at]);
    part[2 * at + 1] = fma(upper, upper, part[2 * at + 1]);
  }
  // The first n elements of it.
  template <class Term>
  void add_first(Floats x, int at, int64_t n, Term term) {
    const Doubles lower = lower_half(x), upper = upper_half(x);
    part[2 * at] += first_places(term(lower), n, Doubles{});
    part[2 * at + 1] += first_places(term(upper), n > kDoubles ? n - kDoubles : 0, Doubles{});
  }
  template <class Term>
  void add_first(Doubles x, int at, int64_t n, Term term) {
    part[at] += first_places(term(x), n, Doubles{});
  }

  // With the last elements, fewer than kLanes, after which memory can be read up to `readable`.
  template <class T, class Term>
  double total(const T* tail, int64_t n, int64_t readable, Term term) {
    constexpr int kStep = kLength<ComputeVector<T>>;
    for (int v = 0; v < kLanes / kStep && v * kStep < n; ++v) {
      const int64_t done = v * kStep;
      add_first(widen_first(tail + done, n - done, readable - done), v, n - done, term);
    }
    return join_vectors<Plus>(part);
  }
};

// The sum over one chunk of term(element). Memory can be read up to `readable` elements.
template <class T, class Term>
inline double sum_lanes(const T* p, int64_t n, Term term, int64_t readable) {
  Lanes lanes;
  int64_t i = 0;
  constexpr int kStep = kLength<ComputeVector<T>>;
  if constexpr (kHalf<T> && std::is_same_v<Term, Identity>) {
    // Four neighbours of a lane are added in float32, which has 13 digits and more than they have.
    for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
      for (int v = 0; v < kLanes / kStep; ++v) {
        const T* q = p + i + v * kStep;
        lanes.add((widen(q) + widen(q + kLanes)) + (widen(q + 2 * kLanes) + widen(q + 3 * kLanes)),
                  v, term);
      }
    }
  }
  for (; i + kLanes <= n; i += kLanes) {
    for (int v = 0; v < kLanes / kStep; ++v) lanes.add(widen(p + i + v * kStep), v, term);
  }
  return lanes.total(p + i, n - i, readable - i, term);
}
template <class T, class Term>
inline double sum_lanes(const T* p, int64_t n, Term term) {
  return sum_lanes(p, n, term, n);
}

// The same to the accuracy that doubles themselves need: their own rounding errors must not pile
// up, so short runs are summed and the sums added as a tree.
template <class Term>
inline double sum_lanes_pairwise(const double* p, int64_t n, Term term) {
  constexpr int64_t kRun = 1024;  // 32 additions a lane
  if (n <= kRun) return sum_lanes(p, n, term);
  const int64_t half = (n / 2 + kRun - 1) / kRun * kRun;
  return sum_lanes_pairwise(p, half, term) + sum_lanes_pairwise(p + half, n - half, term);
}

// The product over one chunk, lane by lane as sums are.
template <class T>
inline double product_lanes(const T* p, int64_t n) {
  Doubles part[kLaneVectors];
  for (Doubles& x : part) x = Doubles{} + 1;
  int64_t i = 0;
  constexpr int kStep = kLength<ComputeVector<T>>;
  for (; i + kLanes <= n; i += kLanes) {
    for (int v = 0; v < kLanes / kStep; ++v) {
      const ComputeVector<T> x = widen(p + i + v * kStep);
      if constexpr (std::is_same_v<T, double>) {
        part[v] *= x;
      } else {
        part[2 * v] *= lower_half(x);
        part[2 * v + 1] *= upper_half(x);
      }
    }
  }
  if (i < n) {
    double lane[kLanes];
    std::memcpy(lane, part, sizeof(part));
    for (int l = 0; i + l < n; ++l) lane[l] *= static_cast<double>(p[i + l]);
    std::memcpy(part, lane, sizeof(part));
  }
  return join_vectors<Times>(part);
}
