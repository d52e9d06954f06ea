// Sums with the same bits on every instruction set and for any number of threads.
//
// A row is cut into chunks of kChunk elements. In a chunk 32 lanes add in double, as many as hide
// the time that an addition takes: lane l takes the elements i with i % 32 == l, in order; the
// lanes are then joined as a tree, l and l + 16 first.
#pragma once

constexpr int kLanes = 32;
constexpr int kLaneVectors = kLanes / kDoubles;

template <class Join>
inline double join_lanes(const Doubles (&lanes)[kLaneVectors], Join join) {
  Doubles part[kLaneVectors];
  for (int v = 0; v < kLaneVectors; ++v) part[v] = lanes[v];
  for (int half = kLaneVectors / 2; half > 0; half /= 2) {
    for (int v = 0; v < half; ++v) part[v] = join(part[v], part[v + half]);
  }
  double lane[kDoubles];
  store(part[0], lane);
  for (int width = kDoubles / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; ++l) lane[l] = join(lane[l], lane[l + width]);
  }
  return lane[0];
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

  // With the last elements, fewer than kLanes.
  template <class T, class Term>
  double total(const T* tail, int64_t n, Term term) {
    if (n > 0) {
      double lane[kLanes];
      std::memcpy(lane, part, sizeof(part));
      for (int64_t i = 0; i < n; ++i) lane[i] += term(static_cast<double>(tail[i]));
      std::memcpy(part, lane, sizeof(part));
    }
    return join_lanes(part, [](auto a, auto b) { return a + b; });
  }
};

// The sum over one chunk of term(element).
template <class T, class Term>
inline double sum_lanes(const T* p, int64_t n, Term term) {
  Lanes lanes;
  int64_t i = 0;
  constexpr int kStep = kLength<ComputeVector<T>>;
  for (; i + kLanes <= n; i += kLanes) {
    for (int v = 0; v < kLanes / kStep; ++v) lanes.add(widen(p + i + v * kStep), v, term);
  }
  return lanes.total(p + i, n - i, term);
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
  return join_lanes(part, [](auto a, auto b) { return a * b; });
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
