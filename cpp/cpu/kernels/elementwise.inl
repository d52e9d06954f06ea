#pragma once

#include "cpu/kernels/element.inl"
#include "cpu/kernels/elementwise_math.inl"
#include "cpu/kernels/elementwise_ops.inl"
#include "cpu/kernels/elementwise_scalar.inl"
#include "cpu/kernels/vector.inl"

// A loop whose iterations are independent even where the output is one of the inputs.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed"  // where it cannot be vector code, it is none
#define BITMETAL_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define BITMETAL_INDEPENDENT _Pragma("GCC ivdep")
#endif

template <class F, class T>
void map_unary(const void* const* operands, void* to, int64_t n) {
  const T* a = static_cast<const T*>(operands[0]);
  auto* out = static_cast<decltype(F::of(T{}))*>(to);
  BITMETAL_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) out[i] = F::of(a[i]);
}

// Operand number `kScalar`, if any, is one element.
template <class F, class T, int kScalar = -1>
void map_binary(const void* const* operands, void* to, int64_t n) {
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  const T first = a[0], second = b[0];
  auto* out = static_cast<decltype(F::of(T{}, T{}))*>(to);
  BITMETAL_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    out[i] = F::of(kScalar == 0 ? first : a[i], kScalar == 1 ? second : b[i]);
  }
}

// The same, where an element branches.
template <class F, class T>
void each_binary(const void* const* operands, void* to, int64_t n) {
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  T* out = static_cast<T*>(to);
  for (int64_t i = 0; i < n; ++i) out[i] = F::of(a[i], b[i]);
}

// Whether a result is one of the operands, which a half represents as it is.
template <class F>
inline constexpr bool kChooses =
    std::is_same_v<F, Minimum> || std::is_same_v<F, Maximum> || std::is_same_v<F, Relu>;
template <class F, class V, class T>
inline void narrow_result(V v, T* p) {
  if constexpr (kChooses<F>) {
    narrow_exact(v, p);
  } else {
    narrow(v, p);
  }
}

// Vectors of a function of vectors. Halves are widened on the way in and rounded on the way out.
template <class F, class T>
void vectors_unary(const void* const* operands, void* to, int64_t n) {
  using V = ComputeVector<T>;
  const T* a = static_cast<const T*>(operands[0]);
  T* out = static_cast<T*>(to);
  int64_t i = 0;
  for (; i + kLength<V> <= n; i += kLength<V>) {
    const V x = widen(a + i);
    narrow_result<F>(F::of(x), out + i);
  }
  if (i < n) narrow_part<T>(F::of(widen_part<T>(a + i, n - i, T(0.0f))), out + i, n - i);
}

template <class F, class T, int kScalar = -1>
void vectors_binary(const void* const* operands, void* to, int64_t n) {
  using V = ComputeVector<T>;
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  const V first = broadcast<V>(static_cast<Compute<T>>(a[0]));
  const V second = broadcast<V>(static_cast<Compute<T>>(b[0]));
  T* out = static_cast<T*>(to);
  int64_t i = 0;
  for (; i + kLength<V> <= n; i += kLength<V>) {
    const V x = kScalar == 0 ? first : widen(a + i), y = kScalar == 1 ? second : widen(b + i);
    narrow_result<F>(F::of(x, y), out + i);
  }
  if (i < n) {
    const int64_t left = n - i;
    const V x = kScalar == 0 ? first : widen_part<T>(a + i, left, T(1.0f));
    const V y = kScalar == 1 ? second : widen_part<T>(b + i, left, T(1.0f));
    narrow_part<T>(F::of(x, y), out + i, left);
  }
}

// G::of(F::of(a, b), c). Bits 0 and 1 of kScalars: b, and c, is one element.
template <class F, class G, class T, int kScalars>
void map_pair(const void* const* operands, void* to, int64_t n) {
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  const T* c = static_cast<const T*>(operands[2]);
  T* out = static_cast<T*>(to);
  constexpr bool kSecond = kScalars & 1, kThird = kScalars & 2;
  if constexpr (kFloating<T>) {
    using V = ComputeVector<T>;
    const V second = broadcast<V>(static_cast<Compute<T>>(b[0]));
    const V third = broadcast<V>(static_cast<Compute<T>>(c[0]));
    int64_t i = 0;
    for (; i + kLength<V> <= n; i += kLength<V>) {
      const V y = kSecond ? second : widen(b + i), z = kThird ? third : widen(c + i);
      narrow_result<G>(G::of(F::of(widen(a + i), y), z), out + i);
    }
    if (i < n) {
      const int64_t left = n - i;
      const V y = kSecond ? second : widen_part<T>(b + i, left, T(1.0f));
      const V z = kThird ? third : widen_part<T>(c + i, left, T(1.0f));
      narrow_part<T>(G::of(F::of(widen_part<T>(a + i, left, T(1.0f)), y), z), out + i, left);
    }
  } else {
    const T second = b[0], third = c[0];
    BITMETAL_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) {
      out[i] = G::of(F::of(a[i], kSecond ? second : b[i]), kThird ? third : c[i]);
    }
  }
}

// Work in pieces that are looked at first: `plain(i)` says whether element i may go the fast way.
constexpr int64_t kPiece = 256;

template <class Plain, class Fast, class Slow>
inline void by_pieces(int64_t n, Plain plain, Fast fast, Slow slow) {
  for (int64_t i = 0; i < n; i += kPiece) {
    const int64_t count = n - i < kPiece ? n - i : kPiece;
    uint32_t special = 0;
    for (int64_t j = i; j < i + count; ++j) special |= plain(j) ? 0u : 1u;
    special ? slow(i, count) : fast(i, count);
  }
}

// A function of vectors that is one thing where `plain(element)` holds of all, and another for any.
template <class Fast, class Slow, class T, class Plain>
inline void unary_pieces(const void* const* operands, void* to, int64_t n, Plain plain) {
  const T* a = static_cast<const T*>(operands[0]);
  T* out = static_cast<T*>(to);
  const auto piece = [&](auto run) {
    return [=](int64_t i, int64_t count) {
      const void* from = a + i;
      run(&from, out + i, count);
    };
  };
  by_pieces(
      n, [&](int64_t i) { return plain(a[i]); }, piece(vectors_unary<Fast, T>),
      piece(vectors_unary<Slow, T>));
}

template <int kShift, class T>
void sine_run(const void* const* operands, void* to, int64_t n) {
  const T* a = static_cast<const T*>(operands[0]);
  T* out = static_cast<T*>(to);
  struct Sine {
    static ComputeVector<T> of(ComputeVector<T> x) { return sine_of<kShift>(x); }
  };
  by_pieces(
      n, [&](int64_t i) { return Absolute::of(a[i]) < SineConstants<T>::kLargest; },
      [&](int64_t i, int64_t count) {
        const void* piece = a + i;
        vectors_unary<Sine, T>(&piece, out + i, count);
      },
      [&](int64_t i, int64_t count) {
        for (int64_t j = 0; j < count; j += kFloats) {
          sines_of_any<kShift>(a + i + j, out + i + j, count - j < kFloats ? count - j : kFloats);
        }
      });
}

template <class T>
void log_run(const void* const* operands, void* to, int64_t n) {
  using Word = ElementOf<WordsOf<ComputeVector<T>>>;
  constexpr Word kInfinity = std::bit_cast<Word>(std::numeric_limits<T>::infinity());
  constexpr Word kNormal = std::bit_cast<Word>(std::numeric_limits<T>::min());
  unary_pieces<LogOfNormal, LogVector, T>(
      operands, to, n, [](T x) { return std::bit_cast<Word>(x) - kNormal < kInfinity - kNormal; });
}
template <class T>
void log1p_run(const void* const* operands, void* to, int64_t n) {
  unary_pieces<Log1pOfInside, Log1pVector, T>(
      operands, to, n, [](T x) { return (x > -1) & (x < std::numeric_limits<T>::infinity()); });
}

template <class T>
void power_run(const void* const* operands, void* to, int64_t n) {
  using Word = ElementOf<WordsOf<ComputeVector<T>>>;
  constexpr Word kInfinity = std::bit_cast<Word>(std::numeric_limits<T>::infinity());
  constexpr Word kNormal = std::bit_cast<Word>(std::numeric_limits<T>::min());
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  T* out = static_cast<T*>(to);
  // Integers compare without a look at NaN.
  const auto size_of_b = [&](int64_t i) { return std::bit_cast<Word>(Absolute::of(b[i])); };
  by_pieces(
      n,
      [&](int64_t i) {
        const Word x = std::bit_cast<Word>(a[i]);
        return (x - kNormal < kInfinity - kNormal) & (size_of_b(i) < kInfinity);
      },
      [&](int64_t i, int64_t count) {
        const void* piece[] = {a + i, b + i};
        vectors_binary<PowerOfNormal, T>(piece, out + i, count);
      },
      [&](int64_t i, int64_t count) {
        const void* piece[] = {a + i, b + i};
        T results[kPiece];
        vectors_binary<PowerVector, T>(piece, results, count);
        for (int64_t j = 0; j < count; ++j) {
          const Word x = std::bit_cast<Word>(Absolute::of(a[i + j]));
          const bool edge = (x - 1 >= kInfinity - 1) | (size_of_b(i + j) >= kInfinity);
          out[i + j] = edge ? std::pow(a[i + j], b[i + j]) : results[j];
        }
      });
}

// By squaring, a piece at a time. A negative power of an integer is 0, but of 1 and -1.
template <class T>
void integer_power_run(const void* const* operands, void* to, int64_t n) {
  using Word = Unsigned<T>;
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  T* out = static_cast<T*>(to);
  Word result[kPiece], factor[kPiece], left[kPiece];
  for (int64_t i = 0; i < n; i += kPiece) {
    const int64_t count = n - i < kPiece ? n - i : kPiece;
    Word steps = 0;
    for (int64_t j = 0; j < count; ++j) {
      result[j] = 1;
      factor[j] = static_cast<Word>(a[i + j]);
      left[j] = static_cast<Word>(b[i + j] < 0 ? T{0} : b[i + j]);
      steps |= left[j];
    }
    for (; steps; steps = static_cast<Word>(steps >> 1)) {
      for (int64_t j = 0; j < count; ++j) {
        const Word product = static_cast<Word>(result[j] * factor[j]);
        result[j] = left[j] & 1 ? product : result[j];
        factor[j] = static_cast<Word>(factor[j] * factor[j]);
        left[j] = static_cast<Word>(left[j] >> 1);
      }
    }
    for (int64_t j = 0; j < count; ++j) {
      const T x = a[i + j], y = b[i + j];
      const T of_minus_1 = y & 1 ? x : T{1};
      const T negative = x == 1 ? x : x == static_cast<T>(-1) ? of_minus_1 : T{0};
      out[i + j] = y < 0 ? negative : static_cast<T>(result[j]);
    }
  }
}

// The quotient and what remains are exact: of floats below 2^29 in double, of doubles below 2^51
// with a fused operation.
template <class F, class T>
void division_run(const void* const* operands, void* to, int64_t n) {
  constexpr bool kFloat = std::is_same_v<T, float>;
  constexpr T kQuotient = kFloat ? T(0x1p29) : T(0x1p51),
              kDivisor = kFloat ? T(0x1p98) : T(0x1p900);
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  T* out = static_cast<T*>(to);
  by_pieces(
      n,  // false for NaN, for infinities and for a divisor of 0
      [&](int64_t i) {
        const T size = Absolute::of(b[i]);
        return (kFloat || kFused) & (Absolute::of(a[i]) < size * kQuotient) & (size < kDivisor);
      },
      [&](int64_t i, int64_t count) {
        BITMETAL_INDEPENDENT
        for (int64_t j = i; j < i + count; ++j) out[j] = F::of_plain(a[j], b[j]);
      },
      [&](int64_t i, int64_t count) {
        for (int64_t j = i; j < i + count; ++j) out[j] = F::of(a[j], b[j]);
      });
}

template <class Word>
void map_where(const void* const* operands, void* to, int64_t n) {
  const uint8_t* condition = static_cast<const uint8_t*>(operands[0]);
  const Word* a = static_cast<const Word*>(operands[1]);
  const Word* b = static_cast<const Word*>(operands[2]);
  Word* out = static_cast<Word*>(to);
  BITMETAL_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) out[i] = condition[i] ? a[i] : b[i];
}

template <class T>
inline constexpr int kTypeIndex = static_cast<int>(std::is_same_v<T, float>      ? DType::f32
                                                   : std::is_same_v<T, float16>  ? DType::f16
                                                   : std::is_same_v<T, bfloat16> ? DType::bf16
                                                   : std::is_same_v<T, double>   ? DType::f64
                                                   : std::is_same_v<T, int8_t>   ? DType::i8
                                                   : std::is_same_v<T, uint8_t>  ? DType::u8
                                                   : std::is_same_v<T, int32_t>  ? DType::i32
                                                                                 : DType::i64);

struct ElementwiseTable : ElementwiseKernels {
  template <class F, class... T>
  constexpr void unary(Elementwise op) {
    ((run[static_cast<int>(op)][kTypeIndex<T>] = map_unary<F, T>), ...);
  }
  template <class F, class... T>
  constexpr void binary(Elementwise op) {
    ((run[static_cast<int>(op)][kTypeIndex<T>] = map_binary<F, T>), ...);
    ((run_scalar[0][static_cast<int>(op)][kTypeIndex<T>] = map_binary<F, T, 0>), ...);
    ((run_scalar[1][static_cast<int>(op)][kTypeIndex<T>] = map_binary<F, T, 1>), ...);
  }
  template <class F, class... T>
  constexpr void unary_vectors(Elementwise op) {
    ((run[static_cast<int>(op)][kTypeIndex<T>] = vectors_unary<F, T>), ...);
  }
  template <class F, class... T>
  constexpr void binary_vectors(Elementwise op) {
    ((run[static_cast<int>(op)][kTypeIndex<T>] = vectors_binary<F, T>), ...);
    ((run_scalar[0][static_cast<int>(op)][kTypeIndex<T>] = vectors_binary<F, T, 0>), ...);
    ((run_scalar[1][static_cast<int>(op)][kTypeIndex<T>] = vectors_binary<F, T, 1>), ...);
  }
  template <class F, class G, class T, int... kScalars>
  constexpr void pair_of(ElementwisePair pair, std::integer_sequence<int, kScalars...>) {
    ((run_pair[static_cast<int>(pair)][kScalars][kTypeIndex<T>] = map_pair<F, G, T, kScalars>),
     ...);
  }
  template <class F, class G, class... T>
  constexpr void pair(ElementwisePair pair) {
    (pair_of<F, G, T>(pair, std::make_integer_sequence<int, 4>{}), ...);
  }
  template <class F, class... T>
  constexpr void binary_each(Elementwise op) {
    ((run[static_cast<int>(op)][kTypeIndex<T>] = each_binary<F, T>), ...);
  }
  constexpr void set(Elementwise op, DType type, ElementwiseRun kernel) {
    run[static_cast<int>(op)][static_cast<int>(type)] = kernel;
  }

  template <class F>
  constexpr void arithmetic_unary(Elementwise op) {
    unary<F, float, double, int8_t, uint8_t, int32_t, int64_t>(op);
  }
  template <class F>
  constexpr void arithmetic(Elementwise op) {
    binary<F, float, double, int8_t, uint8_t, int32_t, int64_t>(op);
  }
  template <class F>
  constexpr void comparison(Elementwise op) {
    arithmetic<F>(op);
    set(op, DType::boolean, map_binary<F, uint8_t>);
  }
  template <class F>
  constexpr void function(Elementwise op) {
    unary_vectors<F, float, double, float16, bfloat16>(op);
  }
  template <class F>
  constexpr void integral(Elementwise op) {
    binary<F, int8_t, uint8_t, int32_t, int64_t>(op);
  }
};

constexpr ElementwiseKernels elementwise_kernels() {
  using E = Elementwise;
  ElementwiseTable k{};
  k.arithmetic<Add>(E::add);
  k.arithmetic<Subtract>(E::subtract);
  k.arithmetic<Multiply>(E::multiply);
  k.binary<Divide, float, double>(E::divide);
  k.set(E::floor_divide, DType::f32, division_run<FloorDivide, float>);
  k.set(E::floor_divide, DType::f64, division_run<FloorDivide, double>);
  k.set(E::remainder, DType::f32, division_run<Remainder, float>);
  k.set(E::remainder, DType::f64, division_run<Remainder, double>);
  k.set(E::power, DType::f32, power_run<float>);
  k.set(E::power, DType::f64, power_run<double>);
  k.set(E::power, DType::i8, integer_power_run<int8_t>);
  k.set(E::power, DType::u8, integer_power_run<uint8_t>);
  k.set(E::power, DType::i32, integer_power_run<int32_t>);
  k.set(E::power, DType::i64, integer_power_run<int64_t>);
  k.binary<ShortFloorDivide, int8_t, uint8_t, int32_t>(E::floor_divide);
  k.binary<ShortRemainder, int8_t, uint8_t, int32_t>(E::remainder);
  k.binary_each<FloorDivide, int64_t>(E::floor_divide);
  k.binary_each<Remainder, int64_t>(E::remainder);
  k.arithmetic<Minimum>(E::minimum);
  k.arithmetic<Maximum>(E::maximum);
  k.comparison<Equal>(E::equal);
  k.comparison<NotEqual>(E::not_equal);
  k.comparison<Less>(E::less);
  k.comparison<LessEqual>(E::less_equal);
  k.comparison<Greater>(E::greater);
  k.comparison<GreaterEqual>(E::greater_equal);
  k.set(E::logical_and, DType::boolean, map_binary<LogicalAnd, uint8_t>);
  k.set(E::logical_or, DType::boolean, map_binary<LogicalOr, uint8_t>);
  k.set(E::logical_xor, DType::boolean, map_binary<LogicalXor, uint8_t>);
  k.set(E::logical_not, DType::boolean, map_unary<LogicalNot, uint8_t>);
  k.integral<BitwiseAnd>(E::bitwise_and);
  k.integral<BitwiseOr>(E::bitwise_or);
  k.integral<BitwiseXor>(E::bitwise_xor);
  k.unary<BitwiseNot, int8_t, uint8_t, int32_t, int64_t>(E::bitwise_not);
  k.integral<LeftShift>(E::left_shift);
  k.integral<RightShift>(E::right_shift);
  for (DType type : kDTypes) {
    k.set(E::where, type,
          size_of(type) == 1   ? map_where<uint8_t>
          : size_of(type) == 2 ? map_where<uint16_t>
          : size_of(type) == 4 ? map_where<uint32_t>
                               : map_where<uint64_t>);
  }
  k.arithmetic_unary<Negative>(E::negative);
  k.unary<Absolute, float, double, int8_t, int32_t, int64_t>(E::absolute);
  k.arithmetic_unary<Sign>(E::sign);
  k.arithmetic_unary<Squared>(E::square);
  k.unary<Reciprocal, float, double>(E::reciprocal);
  k.unary<Sqrt, float, double>(E::sqrt);
  k.unary<Rsqrt, float, double>(E::rsqrt);
  k.unary<Relu, float, double, int8_t, int32_t, int64_t>(E::relu);
  k.unary<Floor, float, double>(E::floor);
  k.unary<Ceil, float, double>(E::ceil);
  k.unary<Round, float, double>(E::round);
  k.unary<Trunc, float, double>(E::trunc);
  k.unary<IsNan, float, double>(E::isnan);
  k.unary<IsInf, float, double>(E::isinf);
  k.unary<IsFinite, float, double>(E::isfinite);
  k.function<ExpVector>(E::exp);
  k.function<SigmoidVector>(E::sigmoid);
  k.function<SiluVector>(E::silu);
  k.function<Expm1Vector>(E::expm1);
  k.unary_vectors<LogVector, float16, bfloat16>(E::log);
  k.unary_vectors<Log1pVector, float16, bfloat16>(E::log1p);
  k.set(E::log, DType::f32, log_run<float>);
  k.set(E::log, DType::f64, log_run<double>);
  k.set(E::log1p, DType::f32, log1p_run<float>);
  k.set(E::log1p, DType::f64, log1p_run<double>);
  k.function<TanhVector>(E::tanh);
  k.function<ErfVector>(E::erf);
  k.unary_vectors<GeluVector, float, double>(E::gelu);
  k.unary_vectors<HalfGeluVector<float16>, float16>(E::gelu);
  k.unary_vectors<HalfGeluVector<bfloat16>, bfloat16>(E::gelu);
  k.function<GeluTanhVector>(E::gelu_tanh);
  k.set(E::sin, DType::f32, sine_run<0, float>);
  k.set(E::sin, DType::f64, sine_run<0, double>);
  k.set(E::cos, DType::f32, sine_run<1, float>);
  k.set(E::cos, DType::f64, sine_run<1, double>);
  // Halves where a plan meets them on both sides of one operation; the others go by float32.
  k.binary_vectors<Add, float16, bfloat16>(E::add);
  k.binary_vectors<Subtract, float16, bfloat16>(E::subtract);
  k.binary_vectors<Multiply, float16, bfloat16>(E::multiply);
  k.binary_vectors<Divide, float16, bfloat16>(E::divide);
  k.binary_vectors<Minimum, float16, bfloat16>(E::minimum);
  k.binary_vectors<Maximum, float16, bfloat16>(E::maximum);
  k.unary_vectors<Relu, float16, bfloat16>(E::relu);
  k.unary_vectors<Squared, float16, bfloat16>(E::square);
  k.unary_vectors<Reciprocal, float16, bfloat16>(E::reciprocal);
  k.pair<Multiply, Add, float, double, float16, bfloat16>(ElementwisePair::multiply_add);
  k.pair<Multiply, Subtract, float, double, float16, bfloat16>(ElementwisePair::multiply_subtract);
  k.pair<Maximum, Minimum, float, double, float16, bfloat16, int8_t, uint8_t, int32_t, int64_t>(
      ElementwisePair::maximum_minimum);
  for (DType half : {DType::f16, DType::bf16}) {
    k.set(E::negative, half, map_unary<FlippedSign, uint16_t>);
    k.set(E::absolute, half, map_unary<ClearedSign, uint16_t>);
  }
  return k;
}

constexpr ElementwiseKernels kElementwiseKernels = elementwise_kernels();
