#include "cpu/blas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>
#include <utility>

#include "bitmetal/error.h"
#include "core/thread_pool.h"

#if defined(__APPLE__)
#include <Accelerate/Accelerate.h>
#endif

namespace bitmetal::cpu {
namespace {

struct Loaded {
  bool found = false;
  Blas blas{};
  void* library = nullptr;
  void (*set_threads)(int) = nullptr;
  std::string status;
};

std::mutex path_mutex, threads_mutex;
std::string known_path;

void* find(void* library, const char* name);

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
  loaded.library = RTLD_DEFAULT;
  loaded.status = "Accelerate";
  return loaded;
}

// LAPACK 3.9 or newer stands beside an older one since macOS 13.3.
constexpr const char* kSpellings[][2] = {{"", "$NEWLAPACK"}, {"", "_"}, {"", ""}};

#else

// scipy-openblas32 puts a prefix before its names, so that it can be loaded beside another one.
constexpr const char* kSpellings[][2] = {{"scipy_", ""}, {"scipy_", "_"}, {"", ""}, {"", "_"}};

template <class F>
F find(void* library, const char* name) {
  return reinterpret_cast<F>(find(library, name));
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
  loaded.library = library;
  loaded.set_threads = find<void (*)(int)>(library, "openblas_set_num_threads");
  if (loaded.set_threads) loaded.set_threads(1);
  const auto config = find<const char* (*)()>(library, "openblas_get_config");
  const auto core = find<const char* (*)()>(library, "openblas_get_corename");
  loaded.status = config && core ? cat(config(), ", kernels for ", core()) : path;
  return loaded;
}

#endif

void* find(void* library, const char* name) {
  for (const auto& [prefix, suffix] : kSpellings) {
    if (void* symbol = dlsym(library, cat(prefix, name, suffix).c_str())) return symbol;
  }
  return nullptr;
}

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

void* blas_function(const char* name) {
  return loaded().found ? find(loaded().library, name) : nullptr;
}

LibraryThreads::LibraryThreads() {
  if (!loaded().set_threads || !threads_mutex.try_lock()) return;
  raised_ = true;
  loaded().set_threads(thread_count());
}

LibraryThreads::~LibraryThreads() {
  if (!raised_) return;
  loaded().set_threads(1);
  threads_mutex.unlock();
}

}  // namespace bitmetal::cpu
