namespace sm_program {
namespace metal {

// Orders other than relaxed: what stands before is seen before, what stands behind after.
inline void sm_fence(memory_order order) {
  if (order != memory_order_relaxed) ::__threadfence();
}

// The word that holds a bool, and where in it.
struct sm_bool_place {
  uint* word;
  uint shift;
};
inline sm_bool_place sm_place_of(const volatile bool* object) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(object);
  return {reinterpret_cast<uint*>(address & ~uintptr_t(3)), uint(address & 3) * 8};
}

template <class T, class F>
inline T sm_atomic_update(volatile T* object, F f) {
  if constexpr (sizeof(T) == 1) {
    const sm_bool_place place = sm_place_of(object);
    uint old = *static_cast<volatile uint*>(place.word), seen;
    do {
      seen = old;
      const bool next = f((seen >> place.shift & 255) != 0);
      const uint bits = (seen & ~(255u << place.shift)) | uint(next) << place.shift;
      old = ::atomicCAS(place.word, seen, bits);
    } while (old != seen);
    return (old >> place.shift & 255) != 0;
  } else {
    typedef conditional_t<sizeof(T) == 8, unsigned long long, uint> Word;
    Word* word = reinterpret_cast<Word*>(const_cast<T*>(object));
    Word old = *static_cast<volatile Word*>(word), seen;
    do {
      seen = old;
      old = ::atomicCAS(word, seen, __builtin_bit_cast(Word, f(__builtin_bit_cast(T, seen))));
    } while (old != seen);
    return __builtin_bit_cast(T, old);
  }
}

template <sm_atomic_word T>
inline void atomic_store_explicit(volatile sm_atomic<T>* object, sm_exactly_t<T> value,
                                  memory_order order) {
  sm_fence(order);
  object->sm_value = value;
  sm_fence(order);
}
template <sm_atomic_word T>
inline T atomic_load_explicit(const volatile sm_atomic<T>* object, memory_order order) {
  sm_fence(order);
  const T value = object->sm_value;
  sm_fence(order);
  return value;
}
template <sm_atomic_word T>
inline T atomic_exchange_explicit(volatile sm_atomic<T>* object, sm_exactly_t<T> value,
                                  memory_order order) {
  sm_fence(order);
  T old;
  if constexpr (sizeof(T) == 4)
    old = ::atomicExch(const_cast<T*>(&object->sm_value), value);
  else
    old = sm_atomic_update(&object->sm_value, [=](T) { return value; });
  sm_fence(order);
  return old;
}
template <sm_atomic_word T>
inline bool atomic_compare_exchange_weak_explicit(volatile sm_atomic<T>* object, T* expected,
                                                  sm_exactly_t<T> desired, memory_order success,
                                                  memory_order) {
  sm_fence(success);
  const T wanted = *expected;
  const T old = sm_atomic_update(&object->sm_value, [=](T now) {
    return __builtin_bit_cast(uint, now) == __builtin_bit_cast(uint, wanted) ? desired : now;
  });
  sm_fence(success);
  *expected = old;
  return __builtin_bit_cast(uint, old) == __builtin_bit_cast(uint, wanted);
}

#define SM_FETCH(name, types, call)                                                             \
  template <types T>                                                                            \
  inline T atomic_fetch_##name##_explicit(volatile sm_atomic<T>* object, sm_exactly_t<T> value, \
                                          memory_order order) {                                 \
    T* at = const_cast<T*>(&object->sm_value);                                                  \
    sm_fence(order);                                                                            \
    const T old = call;                                                                         \
    sm_fence(order);                                                                            \
    return old;                                                                                 \
  }
// clang-format off
SM_FETCH(add, sm_atomic_number, ::atomicAdd(at, value))
SM_FETCH(sub, sm_atomic_number, ::atomicAdd(at, static_cast<T>(T(0) - value)))
SM_FETCH(max, sm_atomic_integer, ::atomicMax(at, value))
SM_FETCH(min, sm_atomic_integer, ::atomicMin(at, value))
SM_FETCH(and, sm_atomic_integer, ::atomicAnd(at, value))
SM_FETCH(or, sm_atomic_integer, ::atomicOr(at, value))
SM_FETCH(xor, sm_atomic_integer, ::atomicXor(at, value))
// clang-format on
#undef SM_FETCH

inline void atomic_max_explicit(volatile atomic_ulong* object, ulong value, memory_order) {
  ::atomicMax(reinterpret_cast<unsigned long long*>(const_cast<ulong*>(&object->sm_value)), value);
}
inline void atomic_min_explicit(volatile atomic_ulong* object, ulong value, memory_order) {
  ::atomicMin(reinterpret_cast<unsigned long long*>(const_cast<ulong*>(&object->sm_value)), value);
}

inline void atomic_thread_fence(mem_flags, memory_order order, thread_scope = thread_scope_device) {
  sm_fence(order);
}

}  // namespace metal
}  // namespace sm_program
