// Barriers, and what the threads of a SIMD-group or quad-group do together.
//
// Each operation is one meeting: every thread brings a value on its own stack, the library waits
// for all threads that come to the same place and then calls `combine` once, which sees all values
// and writes each thread's result into its value.
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

inline void threadgroup_barrier(mem_flags flags) {
  sm_worker* worker = sm_this_worker();
  worker->runtime->threadgroup_barrier(worker, static_cast<sm_u32>(flags));
}
inline void simdgroup_barrier(mem_flags flags) {
  sm_worker* worker = sm_this_worker();
  worker->runtime->simdgroup_barrier(worker, static_cast<sm_u32>(flags));
}

template <class V>
inline void sm_meet(V& value) {
  sm_worker* worker = sm_this_worker();
  worker->runtime->simd(worker, &value, [](sm_u32 mask, void* const* values) {
    V::combine(mask, reinterpret_cast<V* const*>(values));
  });
}

inline uint sm_lane_index() { return sm_this_worker()->lane->index % SM_SIMD_WIDTH; }

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

// `width` is that of the group within the SIMD-group: 32, or 4 for a quad.
template <class T, class Op, int width>
struct sm_reduction {
  T value;
  static void combine(sm_u32 mask, sm_reduction* const* all) {
    for (int base = 0; base < SM_SIMD_WIDTH; base += width) {
      int first = -1;
      T sum = T();
      for (int i = base; i < base + width; ++i) {
        if (!(mask >> i & 1)) continue;
        sum = first < 0 ? all[i]->value : Op::apply(sum, all[i]->value);
        if (first < 0) first = i;
      }
      for (int i = base; i < base + width; ++i)
        if (mask >> i & 1) all[i]->value = sum;
    }
  }
};
template <class Op, int width, class T>
inline T sm_reduce(T value) {
  sm_reduction<T, Op, width> meeting{value};
  sm_meet(meeting);
  return meeting.value;
}

template <class T, class Op, int width, bool inclusive>
struct sm_scan {
  T value;
  T neutral;
  static void combine(sm_u32 mask, sm_scan* const* all) {
    for (int base = 0; base < SM_SIMD_WIDTH; base += width) {
      T sum = T();
      bool any = false;
      for (int i = base; i < base + width; ++i) {
        if (!(mask >> i & 1)) continue;
        const T before = any ? sum : all[i]->neutral;
        sum = any ? Op::apply(sum, all[i]->value) : all[i]->value;
        any = true;
        all[i]->value = inclusive ? sum : before;
      }
    }
  }
};
template <class Op, int width, bool inclusive, class T>
inline T sm_prefix(T value, T neutral) {
  sm_scan<T, Op, width, inclusive> meeting{value, neutral};
  sm_meet(meeting);
  return meeting.value;
}

// Each thread takes the value of the thread `from`; that of a thread that does not take part is
// zero, as good as any since Metal leaves it undefined.
template <class T>
struct sm_exchange {
  T value;
  uint from;
  T result;
  static void combine(sm_u32 mask, sm_exchange* const* all) {
    for (int i = 0; i < SM_SIMD_WIDTH; ++i) {
      if (!(mask >> i & 1)) continue;
      const uint from = all[i]->from;
      all[i]->result = from < SM_SIMD_WIDTH && (mask >> from & 1) ? all[from]->value : T();
    }
  }
};
template <class T>
inline T sm_take(T value, uint from) {
  sm_exchange<T> meeting{value, from, T()};
  sm_meet(meeting);
  return meeting.result;
}

// The simd_ and quad_ families differ in their name and their width.
#define SM_FAMILY(prefix, width)                                                              \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_sum(T v) {                                                                \
    return sm_reduce<sm_plus, width>(v);                                                      \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_product(T v) {                                                            \
    return sm_reduce<sm_times, width>(v);                                                     \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_max(T v) {                                                                \
    return sm_reduce<sm_max, width>(v);                                                       \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_min(T v) {                                                                \
    return sm_reduce<sm_min, width>(v);                                                       \
  }                                                                                           \
  template <sm_simd_integer T>                                                                \
  inline T prefix##_and(T v) {                                                                \
    return sm_reduce<sm_and, width>(v);                                                       \
  }                                                                                           \
  template <sm_simd_integer T>                                                                \
  inline T prefix##_or(T v) {                                                                 \
    return sm_reduce<sm_or, width>(v);                                                        \
  }                                                                                           \
  template <sm_simd_integer T>                                                                \
  inline T prefix##_xor(T v) {                                                                \
    return sm_reduce<sm_xor, width>(v);                                                       \
  }                                                                                           \
  inline bool prefix##_all(bool v) { return sm_reduce<sm_and, width>(uint(v)) != 0; }         \
  inline bool prefix##_any(bool v) { return sm_reduce<sm_or, width>(uint(v)) != 0; }          \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_prefix_inclusive_sum(T v) {                                               \
    return sm_prefix<sm_plus, width, true>(v, T(0));                                          \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_prefix_exclusive_sum(T v) {                                               \
    return sm_prefix<sm_plus, width, false>(v, T(0));                                         \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_prefix_inclusive_product(T v) {                                           \
    return sm_prefix<sm_times, width, true>(v, T(1));                                         \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_prefix_exclusive_product(T v) {                                           \
    return sm_prefix<sm_times, width, false>(v, T(1));                                        \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_shuffle(T v, ushort lane) {                                               \
    return sm_take(v, (sm_lane_index() & ~(width - 1u)) + lane % width);                      \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_broadcast(T v, ushort lane) {                                             \
    return prefix##_shuffle(v, lane);                                                         \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_shuffle_xor(T v, ushort mask) {                                           \
    return sm_take(v, sm_lane_index() ^ (mask & (width - 1u)));                               \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_shuffle_up(T v, ushort delta) {                                           \
    const uint lane = sm_lane_index();                                                        \
    return sm_take(v, lane % width >= delta ? lane - delta : lane);                           \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_shuffle_down(T v, ushort delta) {                                         \
    const uint lane = sm_lane_index();                                                        \
    return sm_take(v, lane % width + delta < width ? lane + delta : lane);                    \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_shuffle_rotate_up(T v, ushort delta) {                                    \
    const uint lane = sm_lane_index();                                                        \
    return sm_take(v, (lane & ~(width - 1u)) + (lane + width - delta % width) % width);       \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_shuffle_rotate_down(T v, ushort delta) {                                  \
    const uint lane = sm_lane_index();                                                        \
    return sm_take(v, (lane & ~(width - 1u)) + (lane + delta) % width);                       \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_shuffle_and_fill_up(T v, T fill, ushort delta, ushort modulo = width) {   \
    const uint lane = sm_lane_index(), base = lane / modulo * modulo, at = lane - base;       \
    const T shifted = sm_take(v, at >= delta ? lane - delta : lane);                          \
    const T filled = sm_take(fill, base + (at + modulo - delta) % modulo);                    \
    return at >= delta ? shifted : filled;                                                    \
  }                                                                                           \
  template <sm_simd_type T>                                                                   \
  inline T prefix##_shuffle_and_fill_down(T v, T fill, ushort delta, ushort modulo = width) { \
    const uint lane = sm_lane_index(), base = lane / modulo * modulo, at = lane - base;       \
    const T shifted = sm_take(v, at + delta < modulo ? lane + delta : lane);                  \
    const T filled = sm_take(fill, base + (at + delta) % modulo);                             \
    return at + delta < modulo ? shifted : filled;                                            \
  }
// clang-format off
SM_FAMILY(simd, 32) SM_FAMILY(quad, 4)
// clang-format on
#undef SM_FAMILY

    struct sm_roll_call {
  sm_u32 mask;
  static void combine(sm_u32 mask, sm_roll_call* const* all) {
    sm_u32 votes = 0;
    for (int i = 0; i < SM_SIMD_WIDTH; ++i)
      if (mask >> i & 1) votes |= all[i]->mask;
    for (int i = 0; i < SM_SIMD_WIDTH; ++i)
      if (mask >> i & 1) all[i]->mask = votes;
  }
};
inline uint sm_votes(bool vote) {
  sm_roll_call meeting{vote ? 1u << sm_lane_index() : 0u};
  sm_meet(meeting);
  return meeting.mask;
}

class simd_vote {
 public:
  typedef ulong vote_t;
  constexpr explicit simd_vote(vote_t v = 0) : votes_(v) {}
  constexpr explicit operator vote_t() const { return votes_; }
  constexpr bool all() const { return votes_ == 0xffffffffu; }
  constexpr bool any() const { return votes_ != 0; }

 private:
  vote_t votes_;
};
class quad_vote {
 public:
  typedef uint vote_t;
  constexpr explicit quad_vote(vote_t v = 0) : votes_(v) {}
  constexpr explicit operator vote_t() const { return votes_; }
  constexpr bool all() const { return votes_ == 0xfu; }
  constexpr bool any() const { return votes_ != 0; }

 private:
  vote_t votes_;
};

inline simd_vote simd_ballot(bool vote) { return simd_vote(sm_votes(vote)); }
inline simd_vote simd_active_threads_mask() { return simd_vote(sm_votes(true)); }
inline bool simd_is_first() { return sm_lane_index() == uint(__builtin_ctz(sm_votes(true))); }
inline quad_vote quad_ballot(bool vote) {
  return quad_vote(sm_votes(vote) >> (sm_lane_index() & 28u) & 15u);
}
inline quad_vote quad_active_threads_mask() { return quad_ballot(true); }
inline bool quad_is_first() {
  const uint quad = sm_lane_index() & 28u;
  return sm_lane_index() - quad == uint(__builtin_ctz(sm_votes(true) >> quad));
}
template <sm_simd_type T>
inline T simd_broadcast_first(T v) {
  return sm_take(v, uint(__builtin_ctz(sm_votes(true))));
}
template <sm_simd_type T>
inline T quad_broadcast_first(T v) {
  const uint quad = sm_lane_index() & 28u;
  return sm_take(v, quad + uint(__builtin_ctz(sm_votes(true) >> quad)));
}

}  // namespace metal
}  // namespace sm_program
