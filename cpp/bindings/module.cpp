#include "bindings/bindings.h"

NB_MODULE(_core, m) {
  using namespace bitmetal::python;
  m.doc() = "The compiled part of bitmetal.";
  bind_errors(m);
  bind_dtypes(m);
  bind_devices(m);
  bind_arrays(m);
  bind_ops(m);
  bind_ternary(m);
}
