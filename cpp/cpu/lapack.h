// The routines of LAPACK, and those of the BLAS that only linear algebra calls. Fortran's calling
// convention: everything by address, matrices by columns, the lengths of strings behind the rest.
#pragma once

#include <cstddef>

namespace bitmetal::cpu {

template <class T>
struct Lapack {
  using Text = const char*;
  using Int = const int*;

  void (*potrf)(Text uplo, Int n, T* a, Int lda, int* info, size_t);
  void (*geqrf)(Int m, Int n, T* a, Int lda, T* tau, T* work, Int lwork, int* info);
  void (*orgqr)(Int m, Int n, Int k, T* a, Int lda, const T* tau, T* work, Int lwork, int* info);
  void (*gesdd)(Text job, Int m, Int n, T* a, Int lda, T* s, T* u, Int ldu, T* vt, Int ldvt,
                T* work, Int lwork, int* iwork, int* info, size_t);
  void (*gesvd)(Text job_u, Text job_vt, Int m, Int n, T* a, Int lda, T* s, T* u, Int ldu, T* vt,
                Int ldvt, T* work, Int lwork, int* info, size_t, size_t);
  void (*syevd)(Text job, Text uplo, Int n, T* a, Int lda, T* w, T* work, Int lwork, int* iwork,
                Int liwork, int* info, size_t, size_t);
  void (*getrf)(Int m, Int n, T* a, Int lda, int* pivots, int* info);

  // The C interface.
  void (*trsm)(int order, int side, int uplo, int transpose, int diagonal, int m, int n, T alpha,
               const T* a, int lda, T* b, int ldb);
  void (*trsv)(int order, int uplo, int transpose, int diagonal, int n, const T* a, int lda, T* x,
               int step);
  static constexpr int kUpper = 121, kLower = 122, kNonUnit = 131, kUnit = 132, kLeft = 141;
};

// Throws CapabilityError where the library is missing or lacks one of them; `op` asks.
template <class T>
const Lapack<T>& lapack(const char* op);

}  // namespace bitmetal::cpu
