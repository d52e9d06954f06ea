// What a reduction does with its elements. An operation has a State, which starts at identity(),
// takes elements with their index by add(), is joined with another by merge(), travels between
// lanes by shuffle() and becomes the result by finish(). A State fits in kPartialBytes.
//
// NumPy's rules: max, min, argmax and argmin propagate NaN; of equal elements the first one counts.
#pragma once

#include "numeric.h"

// Floating types accumulate in float, integers and bool exactly.
template <typename T>
using Wide = conditional_t<is_floating_point_v<T>, float, long>;

template <typename In, typename Out>
struct Sum {
  using State = Wide<In>;
  static State identity() { return State(0); }
  static void add(thread State& s, In x, ulong) { s += State(x); }
  static State merge(State a, State b) { return a + b; }
  static State shuffle(State s, ushort mask) { return shuffle_xor(s, mask); }
  static Out finish(State s, float) { return Out(s); }
};

template <typename In, typename Out>
struct Mean : Sum<In, Out> {
  static Out finish(Wide<In> s, float divisor) { return Out(float(s) / divisor); }
};

template <typename In, typename Out>
struct Prod {
  using State = Wide<In>;
  static State identity() { return State(1); }
  static void add(thread State& s, In x, ulong) { s *= State(x); }
  static State merge(State a, State b) { return a * b; }
  static State shuffle(State s, ushort mask) { return shuffle_xor(s, mask); }
  static Out finish(State s, float) { return Out(s); }
};

METAL_FUNC float worst(float, bool greatest) { return greatest ? -INFINITY : INFINITY; }
METAL_FUNC long worst(long, bool greatest) {
  return greatest ? numeric_limits<long>::lowest() : numeric_limits<long>::max();
}

template <typename In, typename Out, bool kGreatest>
struct ExactExtreme {
  using State = long;
  static State identity() { return worst(State(0), kGreatest); }
  static State merge(State a, State b) { return (kGreatest ? b > a : b < a) ? b : a; }
  static void add(thread State& s, In x, ulong) { s = merge(s, State(x)); }
  static State shuffle(State s, ushort mask) { return shuffle_xor(s, mask); }
  static Out finish(State s, float) { return Out(s); }
};

// Of floats, before any of which a NaN counts.
struct Greatest {
  using State = float;
  static State identity() { return -INFINITY; }
  static State merge(State a, State b) {
    if (is_nan(a)) return a;
    return is_nan(b) || b > a ? b : a;
  }
  static State shuffle(State s, ushort mask) { return shuffle_xor(s, mask); }
};

// NaN is remembered by the greatest magnitude, whose bits are in the order of the floats with NaN
// at the end: two instructions an element.
struct ExtremeState {
  float value;
  uint magnitude;
};

template <typename In, typename Out, bool kGreatest>
struct FloatExtreme {
  using State = ExtremeState;
  static State identity() { return State{worst(0.0f, kGreatest), 0}; }
  static State merge(State a, State b) {
    return State{kGreatest ? max(a.value, b.value) : min(a.value, b.value),
                 max(a.magnitude, b.magnitude)};
  }
  static void add(thread State& s, In x, ulong) {
    s = merge(s, State{float(x), as_type<uint>(float(x)) & 0x7fffffffu});
  }
  static State shuffle(State s, ushort mask) {
    return State{shuffle_xor(s.value, mask), simd_shuffle_xor(s.magnitude, mask)};
  }
  static Out finish(State s, float) {
    return Out(s.magnitude > 0x7f800000u ? quiet_nan() : s.value);
  }
};

template <typename In, typename Out, bool kGreatest>
using Extreme = conditional_t<is_floating_point_v<In>, FloatExtreme<In, Out, kGreatest>,
                              ExactExtreme<In, Out, kGreatest>>;

template <typename V>
struct Candidate {
  V value;
  long index;  // -1 before the first element
};

template <typename In, typename Out, bool kGreatest>
struct ArgExtreme {
  using State = Candidate<Wide<In>>;
  static State identity() { return State{Wide<In>(0), -1}; }
  static State merge(State a, State b) {
    if (a.index < 0) return b;
    if (b.index < 0) return a;
    const bool a_nan = is_nan(a.value), b_nan = is_nan(b.value);
    const bool equal = (a_nan && b_nan) || a.value == b.value;
    if (equal) return a.index < b.index ? a : b;
    if (a_nan || b_nan) return a_nan ? a : b;
    return (kGreatest ? b.value > a.value : b.value < a.value) ? b : a;
  }
  static void add(thread State& s, In x, ulong i) { s = merge(s, State{Wide<In>(x), long(i)}); }
  static State shuffle(State s, ushort mask) {
    return State{shuffle_xor(s.value, mask), shuffle_xor(s.index, mask)};
  }
  static Out finish(State s, float) { return Out(s.index); }
};

struct Moments {
  float mean;
  float squares;  // sum of squared distances from the mean
  long count;
};

// Welford's update and Chan's merge: no difference of large sums.
template <typename In, typename Out>
struct Var {
  using State = Moments;
  static State identity() { return State{0, 0, 0}; }
  static void add(thread State& s, In x, ulong) {
    s.count += 1;
    const float delta = float(x) - s.mean;
    s.mean += delta / float(s.count);
    s.squares += delta * (float(x) - s.mean);
  }
  static State merge(State a, State b) {
    if (a.count == 0) return b;
    if (b.count == 0) return a;
    const long count = a.count + b.count;
    const float share = float(b.count) / float(count);
    const float delta = b.mean - a.mean;
    return State{a.mean + delta * share,
                 a.squares + b.squares + delta * delta * share * float(a.count), count};
  }
  static State shuffle(State s, ushort mask) {
    return State{shuffle_xor(s.mean, mask), shuffle_xor(s.squares, mask),
                 shuffle_xor(s.count, mask)};
  }
  static Out finish(State s, float divisor) { return Out(s.squares / divisor); }
};

template <typename In, typename Out>
struct Std : Var<In, Out> {
  static Out finish(Moments s, float divisor) { return Out(sqrt(s.squares / divisor)); }
};

template <typename In, typename Out>
struct Norm1 : Sum<In, Out> {
  static void add(thread float& s, In x, ulong) { s += fabs(float(x)); }
};

template <typename In, typename Out>
struct NormInf : FloatExtreme<In, Out, true> {
  static void add(thread ExtremeState& s, In x, ulong i) {
    FloatExtreme<In, Out, true>::add(s, In(fabs(float(x))), i);
  }
};

// Sums of squares of large, middle and small magnitudes, each scaled by a power of two so that no
// square overflows or vanishes (J. L. Blue, 1978).
struct ScaledSquares {
  float large;  // |x| > 2^60, times 2^-80: up to 2^96 a square, 2^32 of them fit in float
  float middle;
  float small;  // |x| < 2^-50, times 2^80: 2^-60 at the least normal number
};

template <typename In, typename Out>
struct Norm {
  using State = ScaledSquares;
  static State identity() { return State{0, 0, 0}; }
  static void add(thread State& s, In value, ulong) {
    const float x = fabs(float(value));
    if (x > 0x1p60f) {
      s.large += x * 0x1p-80f * (x * 0x1p-80f);
    } else if (x < 0x1p-50f) {
      s.small += x * 0x1p80f * (x * 0x1p80f);
    } else {
      s.middle += x * x;
    }
  }
  static State merge(State a, State b) {
    return State{a.large + b.large, a.middle + b.middle, a.small + b.small};
  }
  static State shuffle(State s, ushort mask) {
    return State{shuffle_xor(s.large, mask), shuffle_xor(s.middle, mask),
                 shuffle_xor(s.small, mask)};
  }
  static Out finish(State s, float) {
    // What is dropped beside a larger class lies below its rounding error, NaN excepted.
    if (is_nan(s.middle)) return Out(s.middle);
    if (s.large > 0) return Out(sqrt(s.large + s.middle * 0x1p-80f * 0x1p-80f) * 0x1p80f);
    if (s.middle > 0) return Out(sqrt(s.middle + s.small * 0x1p-80f * 0x1p-80f));
    return Out(sqrt(s.small) * 0x1p-80f);
  }
};

struct ScaledExp {
  float greatest;
  float sum;  // of exp(x - greatest)
};

template <typename In, typename Out>
struct LogSumExp {
  using State = ScaledExp;
  static State identity() { return State{-INFINITY, 0}; }
  static State merge(State a, State b) {
    if (is_nan(a.greatest) || is_nan(b.greatest)) return State{quiet_nan(), 1};
    if (a.greatest == b.greatest) return State{a.greatest, a.sum + b.sum};  // two infinities too
    if (a.greatest < b.greatest) {
      return State{b.greatest, b.sum + a.sum * exp(a.greatest - b.greatest)};
    }
    return State{a.greatest, a.sum + b.sum * exp(b.greatest - a.greatest)};
  }
  static void add(thread State& s, In x, ulong) { s = merge(s, State{float(x), 1}); }
  static State shuffle(State s, ushort mask) {
    return State{shuffle_xor(s.greatest, mask), shuffle_xor(s.sum, mask)};
  }
  static Out finish(State s, float) { return Out(s.greatest + log(s.sum)); }
};

template <typename In, typename Out>
using Max = Extreme<In, Out, true>;
template <typename In, typename Out>
using Min = Extreme<In, Out, false>;
template <typename In, typename Out>
using ArgMax = ArgExtreme<In, Out, true>;
template <typename In, typename Out>
using ArgMin = ArgExtreme<In, Out, false>;
