// What the threads of a SIMD-group combine, and how.
namespace sm_program {
namespace metal {

enum class mem_flags : uint {
  mem_none = 0,
  mem_device = 1,
  mem_threadgroup = 2,
  mem_texture = 4,
  mem_threadgroup_imageblock = 8,
  mem_object_data = 16,
};
constexpr mem_flags operator|(mem_flags a, mem_flags b) {
  return static_cast<mem_flags>(static_cast<uint>(a) | static_cast<uint>(b));
}
constexpr mem_flags operator&(mem_flags a, mem_flags b) {
  return static_cast<mem_flags>(static_cast<uint>(a) & static_cast<uint>(b));
}

// What Metal's operations take: no bool, no bfloat, nothing of 64 bits.
template <class T>
concept sm_simd_scalar =
    is_arithmetic_v<T> && sizeof(T) <= 4 && !is_same_v<T, bool> && !is_same_v<T, bfloat>;
template <class T>
concept sm_simd_type = sm_simd_scalar<sm_element_t<T>>;
template <class T>
concept sm_simd_integer = sm_simd_type<T> && is_integral_v<sm_element_t<T>>;

struct sm_plus {
  template <class T>
  static T apply(const T& a, const T& b) {
    return static_cast<T>(a + b);
  }
};
struct sm_times {
  template <class T>
  static T apply(const T& a, const T& b) {
    return static_cast<T>(a * b);
  }
};
struct sm_max {
  template <class T>
  static T apply(const T& a, const T& b) {
    return max(a, b);
  }
};
struct sm_min {
  template <class T>
  static T apply(const T& a, const T& b) {
    return min(a, b);
  }
};
struct sm_and {
  template <class T>
  static T apply(const T& a, const T& b) {
    return static_cast<T>(a & b);
  }
};
struct sm_or {
  template <class T>
  static T apply(const T& a, const T& b) {
    return static_cast<T>(a | b);
  }
};
struct sm_xor {
  template <class T>
  static T apply(const T& a, const T& b) {
    return static_cast<T>(a ^ b);
  }
};

}  // namespace metal
}  // namespace sm_program
