// What MSL's front end knows before any header: keywords, address spaces and types, in terms of
// OpenCL C++. Included ahead of every file that is checked.
#pragma once

#pragma OPENCL EXTENSION cl_khr_fp16 : enable

#define device __global
#define thread __private
#define threadgroup __local
#define constant __constant const
// Keywords of OpenCL that are plain names in MSL.
#define generic _generic
#define global _global
#define local _local
#define pipe _pipe
#define read_only _read_only
#define read_write _read_write
#define write_only _write_only

#define kernel __attribute__((annotate("kernel")))

// The checker turns [[...]] into _(...), which has the same length: columns stay true.
#define _(...) _MSL_STRINGIZED(__VA_ARGS__)
#define _MSL_STRINGIZED(...) __attribute__((annotate(#__VA_ARGS__)))

#define __METAL_VERSION__ 310  // MSL 3.1: the first with bfloat; macOS 14
#define __METAL__ 1

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef unsigned long size_t;
typedef long ptrdiff_t;
typedef signed char int8_t;
typedef uchar uint8_t;
typedef short int16_t;
typedef ushort uint16_t;
typedef int int32_t;
typedef uint uint32_t;
typedef long int64_t;
typedef ulong uint64_t;
typedef __bf16 bfloat;

namespace metal {
namespace detail {
template <typename T> struct components {
  static constexpr __constant int value = 1;
};
template <typename T, int N>
struct components<T __attribute__((ext_vector_type(N)))> {
  static constexpr __constant int value = N;
};
}  // namespace detail

template <typename T, int N>
using vec = T __attribute__((ext_vector_type(N)));
}  // namespace metal

// Comparisons of clang's vectors give integers, so a vector of bool is one. The capital names are
// for declarators such as `float4 (&x)[2]`, which the macros below would take for a call.
#define _MSL_VECTORS(T, C, L)                         \
  typedef L T##2 __attribute__((ext_vector_type(2))); \
  typedef L T##3 __attribute__((ext_vector_type(3))); \
  typedef L T##4 __attribute__((ext_vector_type(4))); \
  typedef T##2 C##2;                                  \
  typedef T##3 C##3;                                  \
  typedef T##4 C##4;
_MSL_VECTORS(bool, Bool, int)
_MSL_VECTORS(char, Char, char)
_MSL_VECTORS(uchar, Uchar, uchar)
_MSL_VECTORS(short, Short, short)
_MSL_VECTORS(ushort, Ushort, ushort)
_MSL_VECTORS(int, Int, int)
_MSL_VECTORS(uint, Uint, uint)
_MSL_VECTORS(long, Long, long)
_MSL_VECTORS(ulong, Ulong, ulong)
_MSL_VECTORS(half, Half, half)
_MSL_VECTORS(bfloat, Bfloat, bfloat)
_MSL_VECTORS(float, Float, float)
#undef _MSL_VECTORS
typedef float packed_float2 __attribute__((ext_vector_type(2), aligned(4)));
typedef float packed_float4 __attribute__((ext_vector_type(4), aligned(4)));
typedef char packed_char4 __attribute__((ext_vector_type(4), aligned(1)));
typedef uchar packed_uchar4 __attribute__((ext_vector_type(4), aligned(1)));

// A vector from one scalar, from a vector of another type, or from parts that fill it exactly.
namespace metal {
namespace detail {
template <typename V, typename... Parts>
V vector_of(Parts... parts) {
  constexpr int given = (0 + ... + components<Parts>::value);
  static_assert(given == 1 || given == components<V>::value,
                "the parts do not fill the vector");
  return V{};
}
}  // namespace detail
}  // namespace metal

// vec<T, N>(...) is spelled _vc<T, N>(...) by the checker: a call of a type cannot be a macro.
template <typename T, int N, typename... Parts>
metal::vec<T, N> _vc(Parts... parts) {
  return metal::detail::vector_of<metal::vec<T, N>>(parts...);
}
namespace metal {
using ::_vc;
}

#define bool2(...) metal::detail::vector_of<bool2>(__VA_ARGS__)
#define bool3(...) metal::detail::vector_of<bool3>(__VA_ARGS__)
#define bool4(...) metal::detail::vector_of<bool4>(__VA_ARGS__)
#define char2(...) metal::detail::vector_of<char2>(__VA_ARGS__)
#define char3(...) metal::detail::vector_of<char3>(__VA_ARGS__)
#define char4(...) metal::detail::vector_of<char4>(__VA_ARGS__)
#define uchar2(...) metal::detail::vector_of<uchar2>(__VA_ARGS__)
#define uchar3(...) metal::detail::vector_of<uchar3>(__VA_ARGS__)
#define uchar4(...) metal::detail::vector_of<uchar4>(__VA_ARGS__)
#define short2(...) metal::detail::vector_of<short2>(__VA_ARGS__)
#define short3(...) metal::detail::vector_of<short3>(__VA_ARGS__)
#define short4(...) metal::detail::vector_of<short4>(__VA_ARGS__)
#define ushort2(...) metal::detail::vector_of<ushort2>(__VA_ARGS__)
#define ushort3(...) metal::detail::vector_of<ushort3>(__VA_ARGS__)
#define ushort4(...) metal::detail::vector_of<ushort4>(__VA_ARGS__)
#define int2(...) metal::detail::vector_of<int2>(__VA_ARGS__)
#define int3(...) metal::detail::vector_of<int3>(__VA_ARGS__)
#define int4(...) metal::detail::vector_of<int4>(__VA_ARGS__)
#define uint2(...) metal::detail::vector_of<uint2>(__VA_ARGS__)
#define uint3(...) metal::detail::vector_of<uint3>(__VA_ARGS__)
#define uint4(...) metal::detail::vector_of<uint4>(__VA_ARGS__)
#define long2(...) metal::detail::vector_of<long2>(__VA_ARGS__)
#define long3(...) metal::detail::vector_of<long3>(__VA_ARGS__)
#define long4(...) metal::detail::vector_of<long4>(__VA_ARGS__)
#define ulong2(...) metal::detail::vector_of<ulong2>(__VA_ARGS__)
#define ulong3(...) metal::detail::vector_of<ulong3>(__VA_ARGS__)
#define ulong4(...) metal::detail::vector_of<ulong4>(__VA_ARGS__)
#define half2(...) metal::detail::vector_of<half2>(__VA_ARGS__)
#define half3(...) metal::detail::vector_of<half3>(__VA_ARGS__)
#define half4(...) metal::detail::vector_of<half4>(__VA_ARGS__)
#define bfloat2(...) metal::detail::vector_of<bfloat2>(__VA_ARGS__)
#define bfloat3(...) metal::detail::vector_of<bfloat3>(__VA_ARGS__)
#define bfloat4(...) metal::detail::vector_of<bfloat4>(__VA_ARGS__)
#define float2(...) metal::detail::vector_of<float2>(__VA_ARGS__)
#define float3(...) metal::detail::vector_of<float3>(__VA_ARGS__)
#define float4(...) metal::detail::vector_of<float4>(__VA_ARGS__)

// Bits of one type as another of the same size.
template <typename To, typename From>
To as_type(From value) {
  static_assert(sizeof(To) == sizeof(From), "as_type needs types of one size");
  return To{};
}

// `constant uint n [[function_constant(0)]];` arrives as `constant uint n =_function_constant(0)`:
// a value that converts to any type and that no constant expression may use.
float _function_constant(int index);

template <typename T>
constexpr bool is_function_constant_defined(__constant const T& value) {
  return true;
}

#define METAL_FUNC inline
