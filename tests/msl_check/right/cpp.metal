//--- compile_time_recursion
template <int N>
float power(float x) {
  if constexpr (N == 0) {
    return 1;
  } else {
    return x * power<N - 1>(x);
  }
}
float f(float x) { return power<3>(x); }
template <typename Op, int N>
float tree(float x) {
  if constexpr (N > 0) x = Op::merge(x, tree<Op, N - 1>(x));
  return x;
}
//--- overload_is_not_recursion
float norm(float x) { return x < 0 ? -x : x; }
float norm(float2 v) { return norm(v.x) + norm(v.y); }
//--- fold_and_pack
template <typename... T>
float total(T... x) {
  return (0 + ... + x);
}
float f() { return total(1, 2.0f, 3); }
//--- structured_binding
struct Pair {
  int a, b;
};
int f(Pair p) {
  auto [a, b] = p;
  return a + b;
}
//--- partial_specialization
template <typename T, bool C>
struct Limit {
  static constexpr T value() { return T(0); }
};
template <typename T>
struct Limit<T, true> {
  static constexpr T value() { return numeric_limits<T>::max(); }
};
float f() { return Limit<float, true>::value() + Limit<half, false>::value(); }
//--- functor
struct Add {
  template <typename T>
  T operator()(T a, T b) const {
    return a + b;
  }
};
template <typename Op>
float apply(float a, float b) {
  return Op()(a, b);
}
float f() { return apply<Add>(1, 2); }
//--- inheritance
struct Shape {
  float width;
};
struct Box : Shape {
  float height;
  float area() const { return width * height; }
};
//--- enum_union_namespace
namespace bits {
enum class Kind : uchar { small, large };
union Word {
  uint whole;
  uchar bytes[4];
};
}  // namespace bits
uint f(bits::Kind k) {
  bits::Word w;
  w.whole = static_cast<uint>(k);
  return w.bytes[0];
}
//--- unsuffixed_literal
float f(float a) { return a * 1.5; }
//--- half_literal
half f(half a) { return a * 1.5h; }
//--- switch_and_loops
int f(int n) {
  switch (n) {
    case 0: return 1;
    default: break;
  }
  for (int i = 0, s = 1; i < n; ++i) n -= s;
  do { --n; } while (n > 0);
  return n;
}
//--- attributes_of_cpp
[[nodiscard]] int f([[maybe_unused]] int n) { return 0; }
//--- functor_passed_by_value
struct Table {
  device const float* values;
  float operator()(uint i) const { return values[i]; }
};
template <typename F>
float twice(F f) {
  return 2 * f(0);
}
float f(device const float* x) {
  const Table table{x};
  return twice(table);
}
//--- temporary_in_a_template
struct Wide {
  float value;
  explicit Wide(float x) : value(x) {}
};
template <typename T>
T f(T x) {
  Wide w = Wide(x);
  w = Wide(float(x) + 1);
  return T(w.value);
}
half g(half x) { return f(x); }
