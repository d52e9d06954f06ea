#pragma once

#include "cpu/kernels/element.inl"
#include "cpu/kernels/elementwise_ops.inl"
#include "cpu/kernels/elementwise_scalar.inl"
#include "cpu/kernels/vector.inl"

// A loop whose iterations are independent even where the output is one of the inputs.
#if defined(__clang__)
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
  k.binary_each<FloorDivide, float, double, int8_t, uint8_t, int32_t, int64_t>(E::floor_divide);
  k.binary_each<Remainder, float, double, int8_t, uint8_t, int32_t, int64_t>(E::remainder);
  k.binary_each<Power, float, double, int8_t, uint8_t, int32_t, int64_t>(E::power);
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
  k.unary_each<InDouble<Exp>, float, double>(E::exp);
  k.unary_each<InDouble<Expm1>, float, double>(E::expm1);
  k.unary_each<InDouble<Log>, float, double>(E::log);
  k.unary_each<InDouble<Log1p>, float, double>(E::log1p);
  k.unary_each<InDouble<Sin>, float, double>(E::sin);
  k.unary_each<InDouble<Cos>, float, double>(E::cos);
  k.unary_each<InDouble<Tanh>, float, double>(E::tanh);
  k.unary_each<InDouble<Sigmoid>, float, double>(E::sigmoid);
  k.unary_each<InDouble<Erf>, float, double>(E::erf);
  k.unary_each<InDouble<Gelu>, float, double>(E::gelu);
  k.unary_each<InDouble<GeluTanh>, float, double>(E::gelu_tanh);
  k.unary_each<InDouble<Silu>, float, double>(E::silu);
  return k;
}

constexpr ElementwiseKernels kElementwiseKernels = elementwise_kernels();
