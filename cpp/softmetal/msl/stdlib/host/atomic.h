namespace sm_program {
namespace metal {

template <sm_atomic_word T>
SM_CHECKED inline void atomic_store_explicit(volatile sm_atomic<T>* object, sm_exactly_t<T> value,
                                             memory_order order) {
  sm_touch(object, sizeof(T), SM_WRITE | SM_ATOMIC);
  __atomic_store(&object->sm_value, &value, order);
}
template <sm_atomic_word T>
SM_CHECKED inline T atomic_load_explicit(const volatile sm_atomic<T>* object, memory_order order) {
  sm_touch(object, sizeof(T), SM_READ | SM_ATOMIC);
  T value;
  __atomic_load(&object->sm_value, &value, order);
  return value;
}
template <sm_atomic_word T>
SM_CHECKED inline T atomic_exchange_explicit(volatile sm_atomic<T>* object, sm_exactly_t<T> value,
                                             memory_order order) {
  sm_touch(object, sizeof(T), SM_WRITE | SM_ATOMIC);
  T old;
  __atomic_exchange(&object->sm_value, &value, &old, order);
  return old;
}
template <sm_atomic_word T>
SM_CHECKED inline bool atomic_compare_exchange_weak_explicit(volatile sm_atomic<T>* object,
                                                             T* expected, sm_exactly_t<T> desired,
                                                             memory_order success,
                                                             memory_order failure) {
  sm_touch(object, sizeof(T), SM_WRITE | SM_ATOMIC);
  return __atomic_compare_exchange(&object->sm_value, expected, &desired, false, success, failure);
}

template <class T, class F>
SM_CHECKED inline T sm_atomic_update(volatile T* object, F f) {
  T old, next;
  __atomic_load(object, &old, __ATOMIC_RELAXED);
  do {
    next = f(old);
  } while (
      !__atomic_compare_exchange(object, &old, &next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return old;
}

#define SM_FETCH(name, types, expression)                                                          \
  template <types T>                                                                               \
  SM_CHECKED inline T atomic_fetch_##name##_explicit(volatile sm_atomic<T>* object,                \
                                                     sm_exactly_t<T> value, memory_order) {        \
    sm_touch(object, sizeof(T), SM_WRITE | SM_ATOMIC);                                             \
    return sm_atomic_update(&object->sm_value, [=](T old) { return static_cast<T>(expression); }); \
  }
// clang-format off
SM_FETCH(add, sm_atomic_number, old + value) SM_FETCH(sub, sm_atomic_number, old - value)
SM_FETCH(max, sm_atomic_integer, old < value ? value : old)
SM_FETCH(min, sm_atomic_integer, value < old ? value : old)
SM_FETCH(and, sm_atomic_integer, old& value) SM_FETCH(or, sm_atomic_integer, old | value)
SM_FETCH(xor, sm_atomic_integer, old ^ value)
// clang-format on
#undef SM_FETCH

            SM_CHECKED
    inline void atomic_max_explicit(volatile atomic_ulong* object, ulong value, memory_order) {
  sm_touch(object, sizeof(ulong), SM_WRITE | SM_ATOMIC);
  sm_atomic_update(&object->sm_value, [=](ulong old) { return old < value ? value : old; });
}
SM_CHECKED inline void atomic_min_explicit(volatile atomic_ulong* object, ulong value,
                                           memory_order) {
  sm_touch(object, sizeof(ulong), SM_WRITE | SM_ATOMIC);
  sm_atomic_update(&object->sm_value, [=](ulong old) { return value < old ? value : old; });
}

SM_CHECKED inline void atomic_thread_fence(mem_flags, memory_order order,
                                           thread_scope = thread_scope_device) {
  __atomic_thread_fence(order);
}

}  // namespace metal
}  // namespace sm_program
