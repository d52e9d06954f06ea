// Matrix products of float32 and float64 from a BLAS: Accelerate on macOS; elsewhere a library that
// is loaded at first use, scipy-openblas32 or whatever BITMETAL_BLAS names.
#pragma once

#include <string>

namespace bitmetal::cpu {

// Where the library is, for its first use; Python knows where scipy-openblas32 was installed.
void set_blas_path(std::string path);

// The C interface with 32-bit sizes. The library keeps to the calling thread: the cpu device's own
// pool splits a product.
struct Blas {
  template <class T>
  using Gemm = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, T alpha,
                        const T* a, int lda, const T* b, int ldb, T beta, T* c, int ldc);
  static constexpr int kRowMajor = 101, kAsIs = 111, kTransposed = 112;

  Gemm<float> sgemm;
  Gemm<double> dgemm;

  Gemm<float> gemm(float) const { return sgemm; }
  Gemm<double> gemm(double) const { return dgemm; }
};

// Null where there is none: blas_status() says why.
const Blas* blas();
std::string blas_status();

// A function of that library by its Fortran name without underscore or its C name; null where it is
// not there.
void* blas_function(const char* name);
// While it lives the library uses threads of its own, as many as the pool has: for what the pool
// cannot split. It counts for the whole process, so a second one at the same time changes nothing.
class LibraryThreads {
 public:
  LibraryThreads();
  ~LibraryThreads();
  LibraryThreads(const LibraryThreads&) = delete;

 private:
  bool raised_ = false;
};

}  // namespace bitmetal::cpu
