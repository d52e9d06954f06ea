// Scalar types, and the ground under the rest of the library: no other C++ library is used.
namespace sm_program {

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long int64_t;
typedef unsigned long uint64_t;

namespace metal {

template <class T, T v>
struct integral_constant {
  static constexpr T value = v;
  typedef T value_type;
  constexpr operator T() const { return v; }
  constexpr T operator()() const { return v; }
};
template <bool b>
using bool_constant = integral_constant<bool, b>;
typedef bool_constant<true> true_type;
typedef bool_constant<false> false_type;

template <bool condition, class T = void>
struct enable_if {};
template <class T>
struct enable_if<true, T> {
  typedef T type;
};
template <bool condition, class T = void>
using enable_if_t = typename enable_if<condition, T>::type;

template <bool condition, class A, class B>
struct conditional {
  typedef A type;
};
template <class A, class B>
struct conditional<false, A, B> {
  typedef B type;
};
template <bool condition, class A, class B>
using conditional_t = typename conditional<condition, A, B>::type;

template <class T>
struct remove_const {
  typedef T type;
};
template <class T>
struct remove_const<const T> {
  typedef T type;
};
template <class T>
struct remove_volatile {
  typedef T type;
};
template <class T>
struct remove_volatile<volatile T> {
  typedef T type;
};
template <class T>
struct remove_cv {
  typedef typename remove_volatile<typename remove_const<T>::type>::type type;
};
template <class T>
struct remove_reference {
  typedef T type;
};
template <class T>
struct remove_reference<T&> {
  typedef T type;
};
template <class T>
struct remove_reference<T&&> {
  typedef T type;
};
template <class T>
struct remove_pointer {
  typedef T type;
};
template <class T>
struct remove_pointer<T*> {
  typedef T type;
};
template <class T>
struct remove_extent {
  typedef T type;
};
template <class T, size_t n>
struct remove_extent<T[n]> {
  typedef T type;
};
template <class T>
using remove_const_t = typename remove_const<T>::type;
template <class T>
using remove_volatile_t = typename remove_volatile<T>::type;
template <class T>
using remove_cv_t = typename remove_cv<T>::type;
template <class T>
using remove_reference_t = typename remove_reference<T>::type;
template <class T>
using remove_pointer_t = typename remove_pointer<T>::type;
template <class T>
using remove_extent_t = typename remove_extent<T>::type;
template <class T>
using remove_cvref_t = remove_cv_t<remove_reference_t<T>>;
template <class T>
struct remove_addrspace {
  typedef T type;
};
template <class T>
using remove_addrspace_t = T;
template <class T>
using decay_t = remove_cvref_t<T>;

template <class A, class B>
inline constexpr bool is_same_v = false;
template <class A>
inline constexpr bool is_same_v<A, A> = true;
template <class A, class B>
struct is_same : bool_constant<is_same_v<A, B>> {};

template <class T>
inline constexpr bool is_const_v = false;
template <class T>
inline constexpr bool is_const_v<const T> = true;
template <class T>
struct is_const : bool_constant<is_const_v<T>> {};
template <class T>
inline constexpr bool is_pointer_v = false;
template <class T>
inline constexpr bool is_pointer_v<T*> = true;
template <class T>
struct is_pointer : bool_constant<is_pointer_v<T>> {};
template <class T>
inline constexpr bool is_reference_v = false;
template <class T>
inline constexpr bool is_reference_v<T&> = true;
template <class T>
inline constexpr bool is_reference_v<T&&> = true;
template <class T>
struct is_reference : bool_constant<is_reference_v<T>> {};
template <class T>
inline constexpr bool is_array_v = false;
template <class T, size_t n>
inline constexpr bool is_array_v<T[n]> = true;
template <class T>
struct is_array : bool_constant<is_array_v<T>> {};
template <class T>
inline constexpr bool is_enum_v = __is_enum(T);
template <class T>
struct is_enum : bool_constant<__is_enum(T)> {};
template <class T>
inline constexpr bool is_class_v = __is_class(T);
template <class T>
struct is_class : bool_constant<__is_class(T)> {};
template <class T>
inline constexpr bool is_void_v = is_same_v<remove_cv_t<T>, void>;
template <class T>
struct is_void : bool_constant<is_void_v<T>> {};
template <class A, class B>
inline constexpr bool is_base_of_v = __is_base_of(A, B);
template <class A, class B>
struct is_base_of : bool_constant<__is_base_of(A, B)> {};
template <class T>
inline constexpr bool is_trivially_copyable_v = __is_trivially_copyable(T);
template <class T>
T&& declval();
template <class From, class To>
inline constexpr bool is_convertible_v = requires(void (&f)(To), From (&g)()) { f(g()); };
template <class From, class To>
struct is_convertible : bool_constant<is_convertible_v<From, To>> {};
template <class T>
struct underlying_type {
  typedef __underlying_type(T) type;
};
template <class T>
using underlying_type_t = typename underlying_type<T>::type;

template <class...>
struct conjunction : true_type {};
template <class B, class... Rest>
struct conjunction<B, Rest...> : bool_constant<B::value && conjunction<Rest...>::value> {};
template <class...>
struct disjunction : false_type {};
template <class B, class... Rest>
struct disjunction<B, Rest...> : bool_constant<B::value || disjunction<Rest...>::value> {};
template <class B>
struct negation : bool_constant<!B::value> {};
template <class... B>
using _disjunction = disjunction<B...>;
template <class... B>
inline constexpr bool conjunction_v = conjunction<B...>::value;
template <class... B>
inline constexpr bool disjunction_v = disjunction<B...>::value;

// A value that all threads of a SIMD-group share: a promise to Apple's compiler, nothing here.
template <class T>
using uniform = T;
template <class T>
constexpr T make_uniform(T v) {
  return v;
}

template <class T, size_t n>
struct array {
  T sm_elements[n];
  typedef T value_type;
  constexpr T& operator[](size_t i) { return sm_elements[i]; }
  constexpr const T& operator[](size_t i) const { return sm_elements[i]; }
  constexpr size_t size() const { return n; }
  constexpr T* data() { return sm_elements; }
  constexpr const T* data() const { return sm_elements; }
  constexpr T* begin() { return sm_elements; }
  constexpr T* end() { return sm_elements + n; }
  constexpr const T* begin() const { return sm_elements; }
  constexpr const T* end() const { return sm_elements + n; }
};

}  // namespace metal
}  // namespace sm_program
