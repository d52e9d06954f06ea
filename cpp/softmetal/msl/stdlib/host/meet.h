// Barriers, and what the threads of a SIMD-group do together.
//
// Each operation is one meeting: every thread brings a value on its own stack, the library waits
// for all threads that come to the same place and then calls `combine` once, which sees all values
// and writes each thread's result into its value.
namespace sm_program {
namespace metal {

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

}  // namespace metal
}  // namespace sm_program
