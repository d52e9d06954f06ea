// The operations of SIMD-groups and quad-groups, in terms of what each target supplies: sm_reduce,
// sm_prefix, sm_take, sm_votes and sm_lane_index.
namespace sm_program {
namespace metal {

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
