// A SIMD-group is a warp. Its operations are those of the threads that run them together.
namespace sm_program {
namespace metal {

// With a barrier of the block come the fences of all address spaces.
inline void threadgroup_barrier(mem_flags) { ::__syncthreads(); }
inline void simdgroup_barrier(mem_flags) { ::__syncwarp(::__activemask()); }

inline uint sm_lane_index() {
  uint lane;
  asm("mov.u32 %0, %%laneid;" : "=r"(lane));
  return lane;
}

inline constexpr uint sm_whole = 0xffffffffu;

// From any of the threads in `mask`, which are those that call it.
template <class T>
inline T sm_fetch(uint mask, T value, uint from) {
  if constexpr (is_vector_v<T>) {
    T out;
    for (int i = 0; i < sm_parts<T>; ++i)
      out.sm_data[i] = sm_fetch(mask, static_cast<sm_element_t<T>>(value.sm_data[i]), from);
    return out;
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bit_cast(
        T, ::__shfl_sync(mask, __builtin_bit_cast(int, value), static_cast<int>(from)));
  } else {
    typedef make_unsigned_t<T> U;
    const int word = static_cast<int>(__builtin_bit_cast(U, value));
    return __builtin_bit_cast(T, static_cast<U>(::__shfl_sync(mask, word, static_cast<int>(from))));
  }
}
template <class T>
inline T sm_take(T value, uint from) {
  return sm_fetch(::__activemask(), value, from);
}

inline uint sm_votes(bool vote) { return ::__ballot_sync(::__activemask(), vote); }

// One instruction reduces 32-bit integers.
template <class Op, class T>
inline constexpr bool sm_has_instruction =
#if __CUDA_ARCH__ >= 800
    (is_same_v<T, int> || is_same_v<T, uint>) && !is_same_v<Op, sm_times>;
#else
    false;
#endif

template <class Op, class T>
inline T sm_reduce_instruction(uint mask, T v) {
  if constexpr (is_same_v<Op, sm_plus>) return ::__reduce_add_sync(mask, v);
  if constexpr (is_same_v<Op, sm_max>) return ::__reduce_max_sync(mask, v);
  if constexpr (is_same_v<Op, sm_min>) return ::__reduce_min_sync(mask, v);
  const uint bits = static_cast<uint>(v);
  if constexpr (is_same_v<Op, sm_and>) return static_cast<T>(::__reduce_and_sync(mask, bits));
  if constexpr (is_same_v<Op, sm_or>) return static_cast<T>(::__reduce_or_sync(mask, bits));
  return static_cast<T>(::__reduce_xor_sync(mask, bits));
}

template <class Op, int width, class T>
inline T sm_reduce(T value) {
  const uint mask = ::__activemask();
  if constexpr (width == SM_SIMD_WIDTH && sm_has_instruction<Op, T>)
    return sm_reduce_instruction<Op>(mask, value);
  const uint lane = sm_lane_index();
  if (mask == sm_whole) {
#pragma unroll
    for (uint step = width / 2; step > 0; step /= 2)
      value = Op::apply(value, sm_fetch(sm_whole, value, lane ^ step));
    return value;
  }
  const uint base = lane & ~(width - 1u);
  T sum = T();
  bool any = false;
  for (uint i = base; i < base + width; ++i) {
    const T other = sm_fetch(mask, value, i);
    if (!(mask >> i & 1)) continue;
    sum = any ? Op::apply(sum, other) : other;
    any = true;
  }
  return sum;
}

template <class Op, int width, bool inclusive, class T>
inline T sm_prefix(T value, T neutral) {
  const uint mask = ::__activemask(), lane = sm_lane_index(), at = lane % width;
  if (mask == sm_whole) {
#pragma unroll
    for (uint step = 1; step < width; step *= 2) {
      const T before = sm_fetch(sm_whole, value, lane - step);
      if (at >= step) value = Op::apply(before, value);
    }
    if constexpr (inclusive) return value;
    const T before = sm_fetch(sm_whole, value, lane - 1);
    return at == 0 ? neutral : before;
  }
  const uint base = lane - at;
  T sum = neutral;
  bool any = false;
  for (uint i = base; i < base + width; ++i) {
    const T other = sm_fetch(mask, value, i);
    if (!(mask >> i & 1) || i > lane || (!inclusive && i == lane)) continue;
    sum = any ? Op::apply(sum, other) : other;
    any = true;
  }
  return sum;
}

}  // namespace metal
}  // namespace sm_program
