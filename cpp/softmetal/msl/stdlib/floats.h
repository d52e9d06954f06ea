// What follows from there being four kinds of numbers that are no `double`.
namespace sm_program {

typedef half float16_t;
typedef float float32_t;
typedef bfloat bfloat16_t;

template <class T>
inline constexpr bool sm_is_small = false;
template <class F>
inline constexpr bool sm_is_small<sm_small<F>> = true;

namespace metal {

template <class T>
inline constexpr bool sm_is_int = false;
#define SM_INT(T) \
  template <>     \
  inline constexpr bool sm_is_int<T> = true;
// clang-format off
SM_INT(bool) SM_INT(char) SM_INT(signed char) SM_INT(uchar) SM_INT(short) SM_INT(ushort)
SM_INT(int) SM_INT(uint) SM_INT(long) SM_INT(ulong) SM_INT(long long) SM_INT(unsigned long long)
// clang-format on
#undef SM_INT
        template <class T>
        inline constexpr bool is_integral_v = sm_is_int<remove_cv_t<T>>;
template <class T>
struct is_integral : bool_constant<is_integral_v<T>> {};
template <class T>
inline constexpr bool is_floating_point_v =
    is_same_v<remove_cv_t<T>, float> || is_same_v<remove_cv_t<T>, half> ||
    is_same_v<remove_cv_t<T>, bfloat>;
template <class T>
struct is_floating_point : bool_constant<is_floating_point_v<T>> {};
template <class T>
inline constexpr bool is_arithmetic_v = is_integral_v<T> || is_floating_point_v<T>;
template <class T>
struct is_arithmetic : bool_constant<is_arithmetic_v<T>> {};
template <class T>
inline constexpr bool is_scalar_v = is_arithmetic_v<T> || is_pointer_v<T> || is_enum_v<T>;
template <class T>
struct is_scalar : bool_constant<is_scalar_v<T>> {};
template <class T>
inline constexpr bool sm_negative_exists = [] {
  if constexpr (is_arithmetic_v<T>)
    return is_floating_point_v<T> || static_cast<T>(-1) < static_cast<T>(1);
  else
    return false;
}();
template <class T>
inline constexpr bool is_signed_v = sm_negative_exists<remove_cv_t<T>>;
template <class T>
struct is_signed : bool_constant<is_signed_v<T>> {};
template <class T>
inline constexpr bool is_unsigned_v = is_integral_v<T> && !is_signed_v<T>;
template <class T>
struct is_unsigned : bool_constant<is_unsigned_v<T>> {};

template <class T>
struct make_unsigned {
  typedef conditional_t<
      sizeof(T) == 1, uchar,
      conditional_t<sizeof(T) == 2, ushort, conditional_t<sizeof(T) == 4, uint, ulong>>>
      type;
};
template <class T>
using make_unsigned_t = typename make_unsigned<T>::type;
template <class T>
struct make_signed {
  typedef conditional_t<
      sizeof(T) == 1, char,
      conditional_t<sizeof(T) == 2, short, conditional_t<sizeof(T) == 4, int, long>>>
      type;
};
template <class T>
using make_signed_t = typename make_signed<T>::type;

}  // namespace metal

// One operand a small float, the other any scalar: an integer gives way to it, it gives way to
// float.
template <class A, class B>
concept sm_small_mix =
    (sm_is_small<A> && metal::is_arithmetic_v<B>) || (sm_is_small<B> && metal::is_arithmetic_v<A>);
template <class A, class B>
struct sm_mixed {
  typedef float type;
};
template <class A>
struct sm_mixed<A, A> {
  typedef A type;
};
template <class A, class B>
  requires(!metal::is_same_v<A, B> && metal::is_integral_v<B>)
struct sm_mixed<A, B> {
  typedef A type;
};
template <class A, class B>
  requires(!metal::is_same_v<A, B> && metal::is_integral_v<A>)
struct sm_mixed<A, B> {
  typedef B type;
};

#define SM_ARITHMETIC(op)                                                                 \
  template <class A, class B>                                                             \
    requires sm_small_mix<A, B>                                                           \
  constexpr typename sm_mixed<A, B>::type operator op(A a, B b) {                         \
    return typename sm_mixed<A, B>::type(static_cast<float>(a) op static_cast<float>(b)); \
  }
// clang-format off
SM_ARITHMETIC(+) SM_ARITHMETIC(-) SM_ARITHMETIC(*) SM_ARITHMETIC(/)
// clang-format on
#undef SM_ARITHMETIC
#define SM_COMPARE(op)                                     \
  template <class A, class B>                              \
    requires sm_small_mix<A, B>                            \
  constexpr bool operator op(A a, B b) {                   \
    return static_cast<float>(a) op static_cast<float>(b); \
  }
    // clang-format off
    SM_COMPARE(==) SM_COMPARE(!=) SM_COMPARE(<) SM_COMPARE(>) SM_COMPARE(<=) SM_COMPARE(>=)
// clang-format on
#undef SM_COMPARE
        template <class F>
        constexpr sm_small<F> operator-(sm_small<F> v) {
  v.sm_bits ^= 0x8000;
  return v;
}
template <class F>
constexpr sm_small<F> operator+(sm_small<F> v) {
  return v;
}

}  // namespace sm_program
