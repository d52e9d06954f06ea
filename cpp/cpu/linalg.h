// What the cpu device's linear algebra shares. LAPACK reads matrices by columns and arrays here lie
// by rows, so that what LAPACK sees of them is the transpose; where that serves, nothing is copied.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>

#include "core/backend.h"
#include "core/thread_pool.h"
#include "cpu/blas.h"
#include "cpu/lapack.h"
#include "cpu/scratch.h"
#include "cpu/transpose.h"

namespace bitmetal::cpu {

template <class F>
void by_type(const Array& a, F f) {
  a.dtype() == DType::f64 ? f(double{}) : f(float{});
}

inline int to_int(const char* op, int64_t size) {
  if (size > std::numeric_limits<int>::max()) {
    fail<CapabilityError>("linalg.", op, ": LAPACK's 32-bit sizes cannot hold ", size);
  }
  return static_cast<int>(size);
}

// What LAPACK said that it needs, which it says in the matrices' own type.
template <class T>
int workspace(const char* op, T said) {
  return to_int(op, static_cast<int64_t>(static_cast<double>(said) *
                                         (1 + double{std::numeric_limits<T>::epsilon()})) +
                        1);
}

// Calls body(i) for each matrix of `a`, one a thread; a few large ones have all threads to
// themselves one after another. `work` is the number of multiplications that one takes.
template <class F>
void each_matrix(const Array& a, double work, F body) {
  constexpr double kGrainWork = 1 << 16;  // some 20 microseconds of small matrices
  // From here on LAPACK's threads gain what is worth their risk: they wait for each other by
  // spinning, which on a busy machine costs a thousand times what small matrices take.
  constexpr int64_t kLibraryElements = 512 * 512;
  const int64_t count = a.shape(0);
  if (count < thread_count() && a.shape(-2) * a.shape(-1) >= kLibraryElements) {
    const LibraryThreads threads;
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  const auto grain = static_cast<int64_t>(std::clamp(kGrainWork / (work + 1), 1.0, 1e9));
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

// Memory for intermediate results, handed out piece by piece. A thread keeps it for its next
// matrix, where it is not large.
class Pieces {
 public:
  explicit Pieces(size_t bytes) {
    if (bytes <= kKept) {
      next_ = scratch(Scratch::own, bytes);
    } else {
      own_.reset(static_cast<std::byte*>(std::aligned_alloc(kLine, bytes)));
      if (!own_) fail<OutOfMemory>("memory: no ", bytes, " bytes left for intermediate results");
      next_ = own_.get();
    }
  }
  template <class T>
  static size_t bytes(int64_t n) {
    return (static_cast<size_t>(n) * sizeof(T) + kLine - 1) / kLine * kLine;
  }
  template <class T>
  T* take(int64_t n) {
    T* piece = reinterpret_cast<T*>(next_);
    next_ += bytes<T>(n);
    return piece;
  }

 private:
  static constexpr size_t kLine = 64, kKept = size_t{4} << 20;
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> own_;
  std::byte* next_;
};

// out[j][i] = in[i][j], tile by tile, both without gaps.
template <class T>
void turn(const T* in, int64_t rows, int64_t columns, T* out) {
  constexpr int64_t kTile = 64;
  for (int64_t i = 0; i < rows; i += kTile) {
    for (int64_t j = 0; j < columns; j += kTile) {
      transpose_block<T>(in + i * columns + j, columns, std::min(kTile, rows - i),
                         std::min(kTile, columns - j), out + j * rows + i, rows);
    }
  }
}

template <class T>
bool all_finite(const T* a, int64_t n) {
  constexpr T kLargest = std::numeric_limits<T>::max();
  bool finite = true;
  for (int64_t i = 0; i < n; ++i) finite &= (a[i] <= kLargest) & (a[i] >= -kLargest);
  return finite;
}

}  // namespace bitmetal::cpu
