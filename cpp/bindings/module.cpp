#include "bindings/bindings.h"

#if defined(__GNUC__) && !defined(__clang__)
#define BITMETAL_COMPILER "g++ " __VERSION__
#else
#define BITMETAL_COMPILER __VERSION__
#endif

NB_MODULE(_core, m) {
  using namespace bitmetal::python;
#ifdef NDEBUG
  // Objects that the interpreter never frees at its end are no leak of ours.
  nanobind::set_leak_warnings(false);
#endif
  m.doc() = "The compiled part of bitmetal.";
  m.def("compiler", [] { return BITMETAL_COMPILER; }, "The compiler that built this module.");
  bind_errors(m);
  bind_dtypes(m);
  bind_devices(m);
  bind_memory(m);
  bind_profile(m);
  bind_arrays(m);
  bind_ops(m);
  bind_elementwise(m);
  bind_linalg(m);
  bind_fuse(m);
  bind_joining(m);
  bind_reductions(m);
  bind_ternary(m);
  bind_blockwise(m);
  bind_int8(m);
#ifdef BITMETAL_METAL
  bind_kernels(m);
  bind_queue_order(m);
#endif
#ifdef BITMETAL_SOFTMETAL
  bind_softmetal(m);
  bind_softmetal_neighbour(m);
#endif
}
