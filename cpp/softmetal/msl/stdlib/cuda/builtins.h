// gcc's builtins that the shared parts use, as CUDA has them.
#define __UINT8_TYPE__ unsigned char
#define __UINT32_TYPE__ unsigned int
#define __UINT64_TYPE__ unsigned long
#define __UINTPTR_TYPE__ unsigned long
#define __INTPTR_TYPE__ long
#define __SIZE_TYPE__ unsigned long
#define __PTRDIFF_TYPE__ long

#define SM_CHECKED
#define sm_touch(data, bytes, kind) static_cast<void>(0)

#define __builtin_acosf ::acosf
#define __builtin_acoshf ::acoshf
#define __builtin_asinf ::asinf
#define __builtin_asinhf ::asinhf
#define __builtin_atanf ::atanf
#define __builtin_atanhf ::atanhf
#define __builtin_atan2f ::atan2f
#define __builtin_ceilf ::ceilf
#define __builtin_copysignf ::copysignf
#define __builtin_cosf ::cosf
#define __builtin_coshf ::coshf
#define __builtin_expf ::expf
#define __builtin_exp2f ::exp2f
#define __builtin_fabsf ::fabsf
#define __builtin_fdimf ::fdimf
#define __builtin_floorf ::floorf
#define __builtin_fmaf ::fmaf
#define __builtin_fmaxf ::fmaxf
#define __builtin_fminf ::fminf
#define __builtin_fmodf ::fmodf
#define __builtin_frexpf ::frexpf
#define __builtin_ilogbf ::ilogbf
#define __builtin_ldexpf ::ldexpf
#define __builtin_logf ::logf
#define __builtin_log2f ::log2f
#define __builtin_log10f ::log10f
#define __builtin_nextafterf ::nextafterf
#define __builtin_powf ::powf
#define __builtin_rintf ::rintf
#define __builtin_roundf ::roundf
#define __builtin_sinf ::sinf
#define __builtin_sinhf ::sinhf
#define __builtin_sqrtf ::sqrtf
#define __builtin_tanf ::tanf
#define __builtin_tanhf ::tanhf
#define __builtin_truncf ::truncf

#define __builtin_inff() __builtin_bit_cast(float, 0x7f800000)
#define __builtin_huge_valf() __builtin_bit_cast(float, 0x7f800000)
#define __builtin_nanf(text) __builtin_bit_cast(float, 0x7fc00000)
#define __builtin_isfinite(x) (::fabsf(x) < __builtin_inff())
#define __builtin_isinf(x) (::fabsf(x) == __builtin_inff())
#define __builtin_isnan(x) ((x) != (x))
#define __builtin_isnormal(x) (::fabsf(x) >= 0x1p-126f && ::fabsf(x) < __builtin_inff())
#define __builtin_signbit(x) (__builtin_bit_cast(int, x) < 0)

#define __builtin_clzl(x) ::__clzll(static_cast<long long>(x))
#define __builtin_ctz(x) (::__ffs(static_cast<int>(x)) - 1)
#define __builtin_ctzl(x) (::__ffsll(static_cast<long long>(x)) - 1)
#define __builtin_popcountl(x) ::__popcll(x)
