#include "cpu/blas.h"

#include <cstdlib>
#include <mutex>
#include <utility>

#include "bitmetal/error.h"

#if defined(__APPLE__)
#include <Accelerate/Accelerate.h>
#else
#include <dlfcn.h>
#endif

namespace bitmetal::cpu {
namespace {

struct Loaded {
  bool found = false;
  Blas blas{};
  std::string status;
};

std::mutex path_mutex;
std::string known_path;

#if defined(__APPLE__)

Loaded load() {
  Loaded loaded;
  loaded.found = true;
  loaded.blas.sgemm = [](int order, int ta, int tb, int m, int n, int k, float alpha,
                         const float* a, int lda, const float* b, int ldb, float beta, float* c,
                         int ldc) {
    cblas_sgemm(static_cast<CBLAS_ORDER>(order), static_cast<CBLAS_TRANSPOSE>(ta),
                static_cast<CBLAS_TRANSPOSE>(tb), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  };
  loaded.blas.dgemm = [](int order, int ta, int tb, int m, int n, int k, double alpha,
                         const double* a, int lda, const double* b, int ldb, double beta, double* c,
                         int ldc) {
    cblas_dgemm(static_cast<CBLAS_ORDER>(order), static_cast<CBLAS_TRANSPOSE>(ta),
                static_cast<CBLAS_TRANSPOSE>(tb), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  };
  loaded.status = "Accelerate";
  return loaded;
}

#else

// scipy-openblas32 puts a prefix before its names, so that it can be loaded beside another one.
template <class F>
F find(void* library, const char* name) {
  for (const char* prefix : {"scipy_", ""}) {
    if (void* symbol = dlsym(library, cat(prefix, name).c_str())) {
      return reinterpret_cast<F>(symbol);
    }
  }
  return nullptr;
}

std::string wanted_path() {
  if (const char* forced = std::getenv("BITMETAL_BLAS"); forced && *forced) return forced;
  std::lock_guard lock(path_mutex);
  return known_path;
}

Loaded load() {
  Loaded loaded;
  const std::string path = wanted_path();
  if (path.empty()) {
    loaded.status = "none: scipy-openblas32 is not installed and BITMETAL_BLAS is not set";
    return loaded;
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    loaded.status = cat("none: ", dlerror());
    return loaded;
  }
  loaded.blas.sgemm = find<Blas::Gemm<float> >(library, "cblas_sgemm");
  loaded.blas.dgemm = find<Blas::Gemm<double> >(library, "cblas_dgemm");
  loaded.found = loaded.blas.sgemm && loaded.blas.dgemm;
  if (!loaded.found) {
    loaded.status = cat("none: '", path, "' has no cblas_sgemm and cblas_dgemm");
    return loaded;
  }
  if (auto set_threads = find<void (*)(int)>(library, "openblas_set_num_threads")) set_threads(1);
  const auto config = find<const char* (*)()>(library, "openblas_get_config");
  const auto core = find<const char* (*)()>(library, "openblas_get_corename");
  loaded.status = config && core ? cat(config(), ", kernels for ", core()) : path;
  return loaded;
}

#endif

const Loaded& loaded() {
  static const Loaded once = load();
  return once;
}

}  // namespace

void set_blas_path(std::string path) {
  std::lock_guard lock(path_mutex);
  known_path = std::move(path);
}

const Blas* blas() { return loaded().found ? &loaded().blas : nullptr; }
std::string blas_status() { return loaded().status; }

}  // namespace bitmetal::cpu
