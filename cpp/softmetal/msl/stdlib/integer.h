// Functions of integers, and those that integers and floating-point numbers share.
namespace sm_program {
namespace metal {

#define SM_INTEGERS(F) F(char) F(uchar) F(short) F(ushort) F(int) F(uint) F(long) F(ulong)
#define SM_REALS(F) F(float) F(half)

// An overload for each type, so that a call with two types is ambiguous, as it is in Metal.
#define SM_MIN_MAX(T)                                 \
  constexpr T max(T a, T b) { return a < b ? b : a; } \
  constexpr T min(T a, T b) { return b < a ? b : a; }
SM_INTEGERS(SM_MIN_MAX)
#undef SM_MIN_MAX
inline float max(float a, float b) { return __builtin_fmaxf(a, b); }
inline float min(float a, float b) { return __builtin_fminf(a, b); }
inline half max(half a, half b) {
  return half(__builtin_fmaxf(static_cast<float>(a), static_cast<float>(b)));
}
inline half min(half a, half b) {
  return half(__builtin_fminf(static_cast<float>(a), static_cast<float>(b)));
}
// clang-format off
SM_VECTOR(max) SM_VECTOR(min)
// clang-format on

#define SM_THREE(T)                                                     \
  inline T clamp(T x, T low, T high) { return min(max(x, low), high); } \
  inline T max3(T a, T b, T c) { return max(max(a, b), c); }            \
  inline T min3(T a, T b, T c) { return min(min(a, b), c); }            \
  inline T median3(T a, T b, T c) { return max(min(a, b), min(max(a, b), c)); }
    // clang-format off
SM_INTEGERS(SM_THREE) SM_REALS(SM_THREE)
// clang-format on
#undef SM_THREE
    // clang-format off
SM_VECTOR(clamp) SM_VECTOR(max3) SM_VECTOR(min3) SM_VECTOR(median3)
    // clang-format on

    inline float abs(float x) {
  return __builtin_fabsf(x);
}
inline half abs(half x) { return fabs(x); }
#define SM_ABS(T) \
  constexpr T abs(T x) { return x < T(0) ? static_cast<T>(-x) : x; }
SM_INTEGERS(SM_ABS)
#undef SM_ABS
SM_VECTOR(abs)

#define SM_WIDE(T) conditional_t<is_signed_v<T>, __int128, unsigned __int128>
#define SM_INTEGER(T)                                                                            \
  constexpr make_unsigned_t<T> absdiff(T a, T b) {                                               \
    return a < b ? static_cast<make_unsigned_t<T>>(static_cast<SM_WIDE(T)>(b) - a)               \
                 : static_cast<make_unsigned_t<T>>(static_cast<SM_WIDE(T)>(a) - b);              \
  }                                                                                              \
  constexpr T sm_saturated(SM_WIDE(T) v, T) {                                                    \
    return v > numeric_limits<T>::max()   ? numeric_limits<T>::max()                             \
           : v < numeric_limits<T>::min() ? numeric_limits<T>::min()                             \
                                          : static_cast<T>(v);                                   \
  }                                                                                              \
  constexpr T addsat(T a, T b) { return sm_saturated(static_cast<SM_WIDE(T)>(a) + b, a); }       \
  constexpr T subsat(T a, T b) {                                                                 \
    if (!is_signed_v<T> && a < b) return T(0);                                                   \
    return sm_saturated(static_cast<SM_WIDE(T)>(a) - b, a);                                      \
  }                                                                                              \
  constexpr T hadd(T a, T b) { return static_cast<T>((static_cast<SM_WIDE(T)>(a) + b) >> 1); }   \
  constexpr T rhadd(T a, T b) {                                                                  \
    return static_cast<T>((static_cast<SM_WIDE(T)>(a) + b + 1) >> 1);                            \
  }                                                                                              \
  constexpr T mulhi(T a, T b) {                                                                  \
    return static_cast<T>((static_cast<SM_WIDE(T)>(a) * b) >> (8 * sizeof(T)));                  \
  }                                                                                              \
  constexpr T madhi(T a, T b, T c) { return static_cast<T>(mulhi(a, b) + c); }                   \
  constexpr T madsat(T a, T b, T c) {                                                            \
    return sm_saturated(static_cast<SM_WIDE(T)>(a) * b + c, a);                                  \
  }                                                                                              \
  constexpr T clz(T x) {                                                                         \
    const ulong u = static_cast<make_unsigned_t<T>>(x);                                          \
    return static_cast<T>(u ? __builtin_clzl(u) - int(64 - 8 * sizeof(T)) : int(8 * sizeof(T))); \
  }                                                                                              \
  constexpr T ctz(T x) {                                                                         \
    const ulong u = static_cast<make_unsigned_t<T>>(x);                                          \
    return static_cast<T>(u ? __builtin_ctzl(u) : int(8 * sizeof(T)));                           \
  }                                                                                              \
  constexpr T popcount(T x) {                                                                    \
    return static_cast<T>(__builtin_popcountl(static_cast<make_unsigned_t<T>>(x)));              \
  }                                                                                              \
  constexpr T reverse_bits(T x) {                                                                \
    ulong u = static_cast<make_unsigned_t<T>>(x), out = 0;                                       \
    for (unsigned i = 0; i < 8 * sizeof(T); ++i, u >>= 1) out = out << 1 | (u & 1);              \
    return static_cast<T>(out);                                                                  \
  }                                                                                              \
  constexpr T rotate(T x, T by) {                                                                \
    const unsigned width = 8 * sizeof(T), n = static_cast<unsigned>(by) % width;                 \
    const ulong u = static_cast<make_unsigned_t<T>>(x);                                          \
    return static_cast<T>(n ? u << n | u >> (width - n) : u);                                    \
  }                                                                                              \
  constexpr T extract_bits(T x, uint offset, uint bits) {                                        \
    if (bits == 0) return T(0);                                                                  \
    const uint width = 8 * sizeof(T);                                                            \
    return static_cast<T>(                                                                       \
        static_cast<T>(static_cast<make_unsigned_t<T>>(x) << (width - bits - offset)) >>         \
        (width - bits));                                                                         \
  }                                                                                              \
  constexpr T insert_bits(T base, T insert, uint offset, uint bits) {                            \
    const ulong mask = (bits >= 64 ? ~ulong(0) : (ulong(1) << bits) - 1) << offset;              \
    return static_cast<T>((static_cast<ulong>(base) & ~mask) |                                   \
                          ((static_cast<ulong>(insert) << offset) & mask));                      \
  }
SM_INTEGERS(SM_INTEGER)
#undef SM_INTEGER
#undef SM_WIDE
// clang-format off
SM_VECTOR(absdiff) SM_VECTOR(addsat) SM_VECTOR(subsat) SM_VECTOR(hadd) SM_VECTOR(rhadd)
SM_VECTOR(mulhi) SM_VECTOR(madhi) SM_VECTOR(madsat) SM_VECTOR(clz) SM_VECTOR(ctz)
SM_VECTOR(popcount) SM_VECTOR(reverse_bits) SM_VECTOR(rotate)
    // clang-format on
    template <class T, int n>
    constexpr vec<T, n> extract_bits(vec<T, n> x, uint offset, uint bits) {
  return sm_map([=](T e) { return extract_bits(e, offset, bits); }, x);
}
template <class T, int n>
constexpr vec<T, n> insert_bits(vec<T, n> base, vec<T, n> insert, uint offset, uint bits) {
  return sm_map([=](T b, T i) { return insert_bits(b, i, offset, bits); }, base, insert);
}

constexpr int mul24(int a, int b) {
  return static_cast<int>(static_cast<uint>(a) * static_cast<uint>(b));
}
constexpr uint mul24(uint a, uint b) { return a * b; }
SM_VECTOR(mul24)
constexpr int mad24(int a, int b, int c) { return static_cast<int>(uint(mul24(a, b)) + uint(c)); }
constexpr uint mad24(uint a, uint b, uint c) { return a * b + c; }
SM_VECTOR(mad24)

#undef SM_INTEGERS
#undef SM_REALS
#undef SM_VECTOR

// Packing into normalized integers.
inline uint sm_unorm(float v, float scale) {
  return static_cast<uint>(__builtin_rintf(saturate(v) * scale));
}
inline uint sm_snorm(float v, float scale) {
  return static_cast<uint>(static_cast<int>(__builtin_rintf(clamp(v, -1.0f, 1.0f) * scale)));
}
inline uint pack_float_to_unorm4x8(float4 v) {
  return sm_unorm(v.x, 255) | sm_unorm(v.y, 255) << 8 | sm_unorm(v.z, 255) << 16 |
         sm_unorm(v.w, 255) << 24;
}
inline uint pack_float_to_snorm4x8(float4 v) {
  return (sm_snorm(v.x, 127) & 255) | (sm_snorm(v.y, 127) & 255) << 8 |
         (sm_snorm(v.z, 127) & 255) << 16 | sm_snorm(v.w, 127) << 24;
}
inline uint pack_float_to_unorm2x16(float2 v) {
  return sm_unorm(v.x, 65535) | sm_unorm(v.y, 65535) << 16;
}
inline uint pack_float_to_snorm2x16(float2 v) {
  return (sm_snorm(v.x, 32767) & 65535) | sm_snorm(v.y, 32767) << 16;
}
inline uint pack_half_to_unorm4x8(half4 v) { return pack_float_to_unorm4x8(float4(v)); }
inline uint pack_half_to_snorm4x8(half4 v) { return pack_float_to_snorm4x8(float4(v)); }
inline float4 unpack_unorm4x8_to_float(uint v) {
  return float4(v & 255, v >> 8 & 255, v >> 16 & 255, v >> 24) / 255.0f;
}
inline float4 unpack_snorm4x8_to_float(uint v) {
  const float4 f = float4(static_cast<signed char>(v), static_cast<signed char>(v >> 8),
                          static_cast<signed char>(v >> 16), static_cast<signed char>(v >> 24));
  return max(f / 127.0f, -1.0f);
}
inline float2 unpack_unorm2x16_to_float(uint v) { return float2(v & 65535, v >> 16) / 65535.0f; }
inline float2 unpack_snorm2x16_to_float(uint v) {
  return max(float2(static_cast<short>(v), static_cast<short>(v >> 16)) / 32767.0f, -1.0f);
}
inline half4 unpack_unorm4x8_to_half(uint v) { return half4(unpack_unorm4x8_to_float(v)); }
inline half4 unpack_snorm4x8_to_half(uint v) { return half4(unpack_snorm4x8_to_float(v)); }

}  // namespace metal
}  // namespace sm_program
