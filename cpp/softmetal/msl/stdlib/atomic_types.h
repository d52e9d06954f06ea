namespace sm_program {
namespace metal {

// The values are those of gcc's and clang's builtins.
enum memory_order {
  memory_order_relaxed = 0,
  memory_order_acquire = 2,
  memory_order_release = 3,
  memory_order_acq_rel = 4,
  memory_order_seq_cst = 5,
};
enum thread_scope {
  thread_scope_thread,
  thread_scope_simdgroup,
  thread_scope_threadgroup,
  thread_scope_device,
};

// 32 bits of int, uint, bool or float; of ulong only max and min.
template <class T>
concept sm_atomic_type = is_same_v<T, int> || is_same_v<T, uint> || is_same_v<T, bool> ||
                         is_same_v<T, float> || is_same_v<T, ulong>;
template <class T>
concept sm_atomic_word = sm_atomic_type<T> && !is_same_v<T, ulong>;
template <class T>
concept sm_atomic_integer = is_same_v<T, int> || is_same_v<T, uint>;
template <class T>
concept sm_atomic_number = sm_atomic_integer<T> || is_same_v<T, float>;

template <class T>
struct sm_atomic {
  static_assert(sm_atomic_type<T>, "atomic types are int, uint, bool, float and ulong");
  typedef T value_type;
  T sm_value;
};
template <class T>
using atomic = sm_atomic<T>;
template <class T>
using _atomic = sm_atomic<T>;
typedef sm_atomic<int> atomic_int;
typedef sm_atomic<uint> atomic_uint;
typedef sm_atomic<bool> atomic_bool;
typedef sm_atomic<float> atomic_float;
typedef sm_atomic<ulong> atomic_ulong;

// The operand's type is the object's: `atomic_fetch_add_explicit(counter, 1, ...)` converts the 1.
template <class T>
struct sm_exactly {
  typedef T type;
};
template <class T>
using sm_exactly_t = typename sm_exactly<T>::type;

}  // namespace metal
}  // namespace sm_program
