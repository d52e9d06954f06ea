// What the compiler makes of a braced list; it insists on the name and on this layout.
namespace std {
template <class T>
class initializer_list {
 public:
  constexpr initializer_list() noexcept = default;
  constexpr const T* begin() const noexcept { return begin_; }
  constexpr const T* end() const noexcept { return begin_ + size_; }
  constexpr __SIZE_TYPE__ size() const noexcept { return size_; }

 private:
  constexpr initializer_list(const T* begin, __SIZE_TYPE__ size) : begin_(begin), size_(size) {}
  const T* begin_ = nullptr;
  __SIZE_TYPE__ size_ = 0;
};
}  // namespace std

// Vectors. The translator writes a swizzle as sm_get<...>() where it is read, sm_ref<...>() where
// it is assigned to.
namespace sm_program {
namespace metal {

template <class T, int n>
struct sm_elements;
template <class T>
struct sm_elements<T, 2> {
  union alignas(2 * sizeof(T)) {
    T sm_data[2];
    struct {
      T x, y;
    };
    struct {
      T r, g;
    };
  };
};
template <class T>
struct sm_elements<T, 3> {
  union alignas(4 * sizeof(T)) {
    T sm_data[3];
    struct {
      T x, y, z;
    };
    struct {
      T r, g, b;
    };
  };
};
template <class T>
struct sm_elements<T, 4> {
  union alignas(4 * sizeof(T)) {
    T sm_data[4];
    struct {
      T x, y, z, w;
    };
    struct {
      T r, g, b, a;
    };
  };
};

template <class T, int n>
struct vec;
template <class T, int n>
struct sm_packed;

// How many elements a constructor's argument stands for; 0: none, it is no part of a vector.
template <class T>
inline constexpr int sm_parts = is_arithmetic_v<T> || is_enum_v<T> ? 1 : 0;
template <class T, int n>
inline constexpr int sm_parts<vec<T, n>> = n;
template <class T, int n>
inline constexpr int sm_parts<sm_packed<T, n>> = n;
template <class T>
inline constexpr bool is_vector_v = false;
template <class T, int n>
inline constexpr bool is_vector_v<vec<T, n>> = true;
template <class T>
struct is_vector : bool_constant<is_vector_v<T>> {};

// Elements of a vector as the left side of an assignment.
template <class V, class T, int... i>
struct sm_swizzle {
  typedef vec<T, sizeof...(i)> value_type;
  V& sm_vector;
  void operator=(value_type v) {
    int k = 0;
    ((sm_vector.sm_data[i] = v.sm_data[k++]), ...);
  }
#define SM_ASSIGN(op) \
  void operator op## = (value_type v) { *this = value_type(sm_vector.sm_data[i]...) op v; }
  // clang-format off
  SM_ASSIGN(+) SM_ASSIGN(-) SM_ASSIGN(*) SM_ASSIGN(/) SM_ASSIGN(%) SM_ASSIGN(&) SM_ASSIGN(|)
  SM_ASSIGN(^) SM_ASSIGN(<<) SM_ASSIGN(>>)
  // clang-format on
#undef SM_ASSIGN
};

template <class Self, class T, int n>
struct sm_swizzles {
  template <int... i>
  constexpr vec<T, sizeof...(i)> sm_get() const {
    static_assert(((i < n) && ...), "vector component access is out of bounds");
    const auto& self = static_cast<const Self&>(*this);
    return vec<T, sizeof...(i)>(self.sm_data[i]...);
  }
  template <int... i>
  constexpr sm_swizzle<Self, T, i...> sm_ref() {
    static_assert(((i < n) && ...), "vector component access is out of bounds");
    return {static_cast<Self&>(*this)};
  }
};

template <class T, int n>
struct vec : sm_elements<T, n>, sm_swizzles<vec<T, n>, T, n> {
  static_assert(n >= 2 && n <= 4, "vectors have 2, 3 or 4 elements");
  using sm_elements<T, n>::sm_data;

  vec() = default;
  template <class S>
    requires(sm_parts<S> == 1)
  constexpr vec(S s) {
    for (int i = 0; i < n; ++i) sm_data[i] = static_cast<T>(s);
  }
  template <class U>
    requires(!is_same_v<T, U>)
  constexpr explicit vec(vec<U, n> v) {
    for (int i = 0; i < n; ++i) sm_data[i] = static_cast<T>(v.sm_data[i]);
  }
  // From scalars and vectors that have n elements together.
  template <class... P>
    requires(sizeof...(P) > 1 && ((sm_parts<P> > 0) && ...) && (sm_parts<P> + ...) == n)
  constexpr vec(P... parts) {
    int at = 0;
    (put(at, parts), ...);
  }

  // A braced list may be too short, the rest is zero then.
  template <class S>
    requires(sm_parts<S> == 1)
  constexpr vec(std::initializer_list<S> list) {
    for (int i = 0; i < n; ++i)
      sm_data[i] = i < int(list.size()) ? static_cast<T>(list.begin()[i]) : T(0);
  }

  constexpr T& operator[](size_t i) { return sm_data[i]; }
  constexpr const T& operator[](size_t i) const { return sm_data[i]; }

#define SM_BINARY(op)                                                                        \
  friend constexpr vec operator op(const vec& a, const vec& b) {                             \
    vec c;                                                                                   \
    for (int i = 0; i < n; ++i) c.sm_data[i] = static_cast<T>(a.sm_data[i] op b.sm_data[i]); \
    return c;                                                                                \
  }                                                                                          \
  friend constexpr vec& operator op## = (vec & a, const vec& b) { return a = a op b; }
  // clang-format off
  SM_BINARY(+) SM_BINARY(-) SM_BINARY(*) SM_BINARY(/) SM_BINARY(%) SM_BINARY(&) SM_BINARY(|)
  SM_BINARY(^) SM_BINARY(<<) SM_BINARY(>>)
  // clang-format on
#undef SM_BINARY
#define SM_COMPARE(op)                                                       \
  friend constexpr vec<bool, n> operator op(const vec& a, const vec& b) {    \
    vec<bool, n> c;                                                          \
    for (int i = 0; i < n; ++i) c.sm_data[i] = a.sm_data[i] op b.sm_data[i]; \
    return c;                                                                \
  }
      // clang-format off
          SM_COMPARE(==) SM_COMPARE(!=) SM_COMPARE(<) SM_COMPARE(>) SM_COMPARE(<=) SM_COMPARE(>=)
          SM_COMPARE(&&) SM_COMPARE(||)
  // clang-format on
#undef SM_COMPARE
              friend constexpr vec operator-(const vec& a) {
    vec c;
    for (int i = 0; i < n; ++i) c.sm_data[i] = static_cast<T>(-a.sm_data[i]);
    return c;
  }
  friend constexpr vec operator+(const vec& a) { return a; }
  friend constexpr vec operator~(const vec& a) {
    vec c;
    for (int i = 0; i < n; ++i) c.sm_data[i] = static_cast<T>(~a.sm_data[i]);
    return c;
  }
  friend constexpr vec<bool, n> operator!(const vec& a) {
    vec<bool, n> c;
    for (int i = 0; i < n; ++i) c.sm_data[i] = !a.sm_data[i];
    return c;
  }
  constexpr vec& operator++() { return *this = *this + vec(1); }
  constexpr vec& operator--() { return *this = *this - vec(1); }
  constexpr vec operator++(int) {
    vec old = *this;
    ++*this;
    return old;
  }
  constexpr vec operator--(int) {
    vec old = *this;
    --*this;
    return old;
  }

 private:
  template <class S>
  constexpr void put(int& at, const S& part) {
    if constexpr (sm_parts<S> == 1)
      sm_data[at++] = static_cast<T>(part);
    else
      for (int i = 0; i < sm_parts<S>; ++i) sm_data[at++] = static_cast<T>(part.sm_data[i]);
  }
};

// A vector with the alignment of its elements; calculates as a vec.
template <class T, int n>
struct sm_packed_elements;
template <class T>
struct sm_packed_elements<T, 2> {
  union {
    T sm_data[2];
    struct {
      T x, y;
    };
    struct {
      T r, g;
    };
  };
};
template <class T>
struct sm_packed_elements<T, 3> {
  union {
    T sm_data[3];
    struct {
      T x, y, z;
    };
    struct {
      T r, g, b;
    };
  };
};
template <class T>
struct sm_packed_elements<T, 4> {
  union {
    T sm_data[4];
    struct {
      T x, y, z, w;
    };
    struct {
      T r, g, b, a;
    };
  };
};
template <class T, int n>
struct sm_packed : sm_packed_elements<T, n>, sm_swizzles<sm_packed<T, n>, T, n> {
  using sm_packed_elements<T, n>::sm_data;
  typedef vec<T, n> value_type;

  sm_packed() = default;
  constexpr sm_packed(value_type v) {
    for (int i = 0; i < n; ++i) sm_data[i] = v.sm_data[i];
  }
  template <class... P>
    requires requires(P... p) { value_type(p...); }
  constexpr explicit(sizeof...(P) == 1) sm_packed(P... p) : sm_packed(value_type(p...)) {}
  constexpr operator value_type() const {
    value_type v;
    for (int i = 0; i < n; ++i) v.sm_data[i] = sm_data[i];
    return v;
  }
  constexpr T& operator[](size_t i) { return sm_data[i]; }
  constexpr const T& operator[](size_t i) const { return sm_data[i]; }
#define SM_BINARY(op)                                                                         \
  friend constexpr auto operator op(sm_packed a, sm_packed b) {                               \
    return value_type(a) op value_type(b);                                                    \
  }                                                                                           \
  friend constexpr auto operator op(sm_packed a, value_type b) { return value_type(a) op b; } \
  friend constexpr auto operator op(value_type a, sm_packed b) { return a op value_type(b); }
  // clang-format off
  SM_BINARY(+) SM_BINARY(-) SM_BINARY(*) SM_BINARY(/) SM_BINARY(==) SM_BINARY(!=) SM_BINARY(<)
  SM_BINARY(>) SM_BINARY(<=) SM_BINARY(>=)
  // clang-format on
#undef SM_BINARY
#define SM_ASSIGN(op)                                   \
  constexpr sm_packed& operator op## = (value_type b) { \
    return *this = sm_packed(value_type(*this) op b);   \
  }
      // clang-format off
          SM_ASSIGN(+) SM_ASSIGN(-) SM_ASSIGN(*) SM_ASSIGN(/)
  // clang-format on
#undef SM_ASSIGN
          friend constexpr value_type operator-(sm_packed a) {
    return -value_type(a);
  }
};

template <class T>
struct sm_element {
  typedef T type;
};
template <class T, int n>
struct sm_element<vec<T, n>> {
  typedef T type;
};
template <class T>
using sm_element_t = typename sm_element<T>::type;
template <class T>
struct make_scalar : sm_element<T> {};
template <class T>
using make_scalar_t = sm_element_t<T>;
template <class T>
struct vec_elements : integral_constant<int, is_vector_v<T> ? sm_parts<T> : 1> {};

// f applied element by element.
template <class F, class T, int n, class... Rest>
constexpr auto sm_map(F f, const vec<T, n>& v, const Rest&... rest) {
  vec<remove_cv_t<decltype(f(v.sm_data[0], rest.sm_data[0]...))>, n> out;
  for (int i = 0; i < n; ++i) out.sm_data[i] = f(v.sm_data[i], rest.sm_data[i]...);
  return out;
}

// The vector type of a call that mixes vectors of one type with scalars, as an overload for that
// type would accept it; void where there is none.
template <class... A>
struct sm_vector_of {
  typedef void type;
};
template <class A, class... Rest>
struct sm_vector_of<A, Rest...> : sm_vector_of<Rest...> {};
template <class T, int n, class... Rest>
struct sm_vector_of<vec<T, n>, Rest...> {
  typedef vec<T, n> type;
};
template <class T, int n, class... Rest>
struct sm_vector_of<sm_packed<T, n>, Rest...> {
  typedef vec<T, n> type;
};
template <class... A>
using sm_vector_t = typename sm_vector_of<A...>::type;
template <class... A>
concept sm_vector_call =
    !is_void_v<sm_vector_t<A...>> && (is_convertible_v<A, sm_vector_t<A...>> && ...);

}  // namespace metal

using metal::vec;
#define SM_VECTORS(name, T)                        \
  typedef metal::vec<T, 2> name##2;                \
  typedef metal::vec<T, 3> name##3;                \
  typedef metal::vec<T, 4> name##4;                \
  typedef metal::sm_packed<T, 2> packed_##name##2; \
  typedef metal::sm_packed<T, 3> packed_##name##3; \
  typedef metal::sm_packed<T, 4> packed_##name##4;
// clang-format off
SM_VECTORS(bool, bool) SM_VECTORS(char, char) SM_VECTORS(uchar, uchar) SM_VECTORS(short, short)
SM_VECTORS(ushort, ushort) SM_VECTORS(int, int) SM_VECTORS(uint, uint) SM_VECTORS(long, long)
SM_VECTORS(ulong, ulong) SM_VECTORS(float, float) SM_VECTORS(half, half) SM_VECTORS(bfloat, bfloat)
// clang-format on
#undef SM_VECTORS

}  // namespace sm_program

// The same bits as another type.
namespace sm_program {
template <class To, class From>
constexpr To as_type(From v) {
  static_assert(sizeof(To) == sizeof(From), "as_type needs types of one size");
  return __builtin_bit_cast(To, v);
}
}  // namespace sm_program
