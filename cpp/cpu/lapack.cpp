#include "cpu/lapack.h"

#include <string>
#include <type_traits>

#include "bitmetal/error.h"
#include "cpu/blas.h"

namespace bitmetal::cpu {
namespace {

template <class T>
struct Loaded {
  Lapack<T> routines{};
  std::string missing;
};

template <class T>
Loaded<T> load() {
  Loaded<T> loaded;
  const std::string letter = sizeof(T) == sizeof(float) ? "s" : "d";
  const auto find = [&](auto& routine, const std::string& name) {
    routine =
        reinterpret_cast<std::remove_reference_t<decltype(routine)>>(blas_function(name.c_str()));
    if (!routine && loaded.missing.empty()) loaded.missing = name;
  };
  Lapack<T>& routines = loaded.routines;
  find(routines.potrf, letter + "potrf");
  find(routines.geqrf, letter + "geqrf");
  find(routines.orgqr, letter + "orgqr");
  find(routines.gesdd, letter + "gesdd");
  find(routines.gesvd, letter + "gesvd");
  find(routines.syevd, letter + "syevd");
  find(routines.getrf, letter + "getrf");
  find(routines.trsm, "cblas_" + letter + "trsm");
  find(routines.trsv, "cblas_" + letter + "trsv");
  return loaded;
}

}  // namespace

template <class T>
const Lapack<T>& lapack(const char* op) {
  static const Loaded<T> once = load<T>();
  if (!once.missing.empty()) {
    fail<CapabilityError>("linalg.", op, ": no LAPACK on the cpu device (", once.missing,
                          " was looked for; BLAS: ", blas_status(),
                          "); pip install scipy-openblas32, or name a library in BITMETAL_BLAS");
  }
  return once.routines;
}

template const Lapack<float>& lapack<float>(const char*);
template const Lapack<double>& lapack<double>(const char*);

}  // namespace bitmetal::cpu
