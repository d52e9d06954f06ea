#include "bindings/bindings.h"

NB_MODULE(_core, m) {
  using namespace bitmetal::python;
#ifdef NDEBUG
  // Objects that the interpreter never frees at its end are no leak of ours.
  nanobind::set_leak_warnings(false);
#endif
  m.doc() = "The compiled part of bitmetal.";
  bind_errors(m);
  bind_dtypes(m);
  bind_devices(m);
  bind_arrays(m);
  bind_ops(m);
  bind_ternary(m);
#ifdef BITMETAL_METAL
  bind_kernels(m);
#endif
#ifdef BITMETAL_SOFTMETAL
  bind_softmetal(m);
#endif
}
