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

template <class F, class T>
void map_binary(const void* const* operands, void* to, int64_t n) {
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  auto* out = static_cast<decltype(F::of(T{}, T{}))*>(to);
  BITMETAL_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) out[i] = F::of(a[i], b[i]);
}

// The same, where an element is a function call or branches.
template <class F, class T>
void each_unary(const void* const* operands, void* to, int64_t n) {
  const T* a = static_cast<const T*>(operands[0]);
  T* out = static_cast<T*>(to);
  for (int64_t i = 0; i < n; ++i) out[i] = F::of(a[i]);
}

template <class F, class T>
void each_binary(const void* const* operands, void* to, int64_t n) {
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  T* out = static_cast<T*>(to);
  for (int64_t i = 0; i < n; ++i) out[i] = F::of(a[i], b[i]);
}

// Vectors of a function of vectors.
template <class F, class T>
void vectors_unary(const void* const* operands, void* to, int64_t n) {
  using V = ComputeVector<T>;
  const T* a = static_cast<const T*>(operands[0]);
  T* out = static_cast<T*>(to);
  int64_t i = 0;
  for (; i + kLength<V> <= n; i += kLength<V>) store(F::of(load<V>(a + i)), out + i);
  if (i < n) narrow_part<T>(F::of(widen_part<T>(a + i, n - i, T{0})), out + i, n - i);
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

template <int kShift>
void sine_run(const void* const* operands, void* to, int64_t n) {
  const float* a = static_cast<const float*>(operands[0]);
  float* out = static_cast<float*>(to);
  struct Sine {
    static Floats of(Floats x) { return sine_of<kShift>(x); }
  };
  by_pieces(
      n, [&](int64_t i) { return __builtin_fabsf(a[i]) < kLargestAngle; },
      [&](int64_t i, int64_t count) {
        const void* piece = a + i;
        vectors_unary<Sine, float>(&piece, out + i, count);
      },
      [&](int64_t i, int64_t count) {
        for (int64_t j = 0; j < count; j += kFloats) {
          sines_of_any<kShift>(a + i + j, out + i + j, count - j < kFloats ? count - j : kFloats);
        }
      });
}

inline void power_run(const void* const* operands, void* to, int64_t n) {
  const float* a = static_cast<const float*>(operands[0]);
  const float* b = static_cast<const float*>(operands[1]);
  float* out = static_cast<float*>(to);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  by_pieces(
      n,
      [&](int64_t i) {
        return (a[i] != 0) & (__builtin_fabsf(a[i]) < kInfinity) &
               (__builtin_fabsf(b[i]) < kInfinity);
      },
      [&](int64_t begin, int64_t count) {
        const int64_t end = begin + count;
        int64_t i = begin;
        for (; i + kFloats <= end; i += kFloats) {
          store(power_of(load<Floats>(a + i), load<Floats>(b + i)), out + i);
        }
        if (i < end) {
          narrow_part<float>(
              power_of(widen_part(a + i, end - i, 1.0f), widen_part(b + i, end - i, 1.0f)), out + i,
              end - i);
        }
      },
      [&](int64_t i, int64_t count) {
        for (int64_t j = i; j < i + count; ++j) out[j] = Power::of(a[j], b[j]);
      });
}

// Quotients below 2^29 of floats are exact in double, and so is what remains.
template <class F>
void division_run(const void* const* operands, void* to, int64_t n) {
  const float* a = static_cast<const float*>(operands[0]);
  const float* b = static_cast<const float*>(operands[1]);
  float* out = static_cast<float*>(to);
  by_pieces(
      n,  // false for NaN, for infinities and for a divisor of 0
      [&](int64_t i) {
        const float size = __builtin_fabsf(b[i]);
        return (__builtin_fabsf(a[i]) < size * 0x1p29f) & (size < 0x1p98f);
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
inline constexpr int kTypeIndex = static_cast<int>(std::is_same_v<T, float>     ? DType::f32
                                                   : std::is_same_v<T, double>  ? DType::f64
                                                   : std::is_same_v<T, int8_t>  ? DType::i8
                                                   : std::is_same_v<T, uint8_t> ? DType::u8
                                                   : std::is_same_v<T, int32_t> ? DType::i32
                                                                                : DType::i64);

struct ElementwiseTable : ElementwiseKernels {
  template <class F, class... T>
  constexpr void unary(Elementwise op) {
    ((run[static_cast<int>(op)][kTypeIndex<T>] = map_unary<F, T>), ...);
  }
  template <class F, class... T>
  constexpr void binary(Elementwise op) {
    ((run[static_cast<int>(op)][kTypeIndex<T>] = map_binary<F, T>), ...);
  }
  template <class F, class... T>
  constexpr void unary_each(Elementwise op) {
    ((run[static_cast<int>(op)][kTypeIndex<T>] = each_unary<F, T>), ...);
  }
  template <class F, class... T>
  constexpr void unary_vectors(Elementwise op) {
    ((run[static_cast<int>(op)][kTypeIndex<T>] = vectors_unary<F, T>), ...);
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
  k.set(E::floor_divide, DType::f32, division_run<FloorDivide>);
  k.set(E::remainder, DType::f32, division_run<Remainder>);
  k.set(E::power, DType::f32, power_run);
  k.binary<ShortFloorDivide, int8_t, uint8_t, int32_t>(E::floor_divide);
  k.binary<ShortRemainder, int8_t, uint8_t, int32_t>(E::remainder);
  k.binary_each<FloorDivide, double, int64_t>(E::floor_divide);
  k.binary_each<Remainder, double, int64_t>(E::remainder);
  k.binary_each<Power, double, int8_t, uint8_t, int32_t, int64_t>(E::power);
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
  k.unary_vectors<ExpVector, float, double>(E::exp);
  k.unary_vectors<SigmoidVector, float, double>(E::sigmoid);
  k.unary_vectors<SiluVector, float, double>(E::silu);
  k.unary_vectors<Expm1Vector, float>(E::expm1);
  k.unary_vectors<LogVector, float>(E::log);
  k.unary_vectors<Log1pVector, float>(E::log1p);
  k.unary_vectors<TanhVector, float>(E::tanh);
  k.unary_vectors<ErfVector, float>(E::erf);
  k.unary_vectors<GeluVector, float>(E::gelu);
  k.unary_vectors<GeluTanhVector, float>(E::gelu_tanh);
  k.set(E::sin, DType::f32, sine_run<0>);
  k.set(E::cos, DType::f32, sine_run<1>);
  k.unary_each<Expm1, double>(E::expm1);
  k.unary_each<Log, double>(E::log);
  k.unary_each<Log1p, double>(E::log1p);
  k.unary_each<Sin, double>(E::sin);
  k.unary_each<Cos, double>(E::cos);
  k.unary_each<Tanh, double>(E::tanh);
  k.unary_each<Erf, double>(E::erf);
  k.unary_each<Gelu, double>(E::gelu);
  k.unary_each<GeluTanh, double>(E::gelu_tanh);
  return k;
}

constexpr ElementwiseKernels kElementwiseKernels = elementwise_kernels();
