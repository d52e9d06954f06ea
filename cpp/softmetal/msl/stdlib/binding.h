// Binds a kernel's parameters: what the translator's entries call.
namespace sm_program {

template <class F>
struct sm_signature;
template <class R, class... P>
struct sm_signature<R (*)(P...)> {
  template <int i, class First, class... Rest>
  struct nth : nth<i - 1, Rest...> {};
  template <class First, class... Rest>
  struct nth<0, First, Rest...> {
    typedef First type;
  };
  template <int i>
  using at = typename nth<i, P...>::type;
};
template <class R, class... P>
struct sm_signature<R (*const)(P...)> : sm_signature<R (*)(P...)> {};

template <class P>
struct sm_pointer;
template <class T>
struct sm_pointer<T*> {
  typedef T target;
  static T* make(void* data) { return static_cast<T*>(data); }
};
template <class T>
struct sm_pointer<T&> {
  typedef T target;
  static T& make(void* data) { return *static_cast<T*>(data); }
};

template <class P>
constexpr sm_argument sm_describe() {
  typedef typename sm_pointer<P>::target T;
  if constexpr (metal::is_void_v<T>)
    return {1, 1, metal::is_const_v<T>};
  else
    return {sizeof(T), alignof(T), metal::is_const_v<T>};
}

// Positions and sizes, by the names of their attributes.
struct sm_position {
  sm_u32 v[3];
};
template <class P>
inline P sm_builtin(sm_position p) {
  typedef metal::remove_cvref_t<P> T;
  if constexpr (metal::is_vector_v<T>) {
    T out;
    for (int i = 0; i < metal::sm_parts<T>; ++i)
      out[i] = static_cast<metal::sm_element_t<T>>(p.v[i]);
    return out;
  } else {
    return static_cast<T>(p.v[0]);
  }
}

}  // namespace sm_program
