// Dense linear algebra, batched over leading axes, with NumPy's shapes. float32, and float64 on the
// cpu device; integers and booleans become float32; float16 and bfloat16 are refused.
//
// A is a matrix of the batch, n its larger side, eps that of its type. Every factorization
// satisfies
// ||A - its product|| <= c n eps ||A|| and, where a factor is orthogonal, ||Q^T Q - I|| <= c n eps,
// at any scale of A whose products neither overflow nor underflow. docs/linalg.md has c.
#pragma once

#include "bitmetal/ops.h"

namespace bitmetal {

enum class QrMode : uint8_t { reduced, complete, r };

struct Qr {
  OptionalArray q;  // absent in mode r
  Array r;
};
struct Svd {
  OptionalArray u;  // these two: absent where only values were asked for
  Array s;
  OptionalArray vt;
};
struct Eigh {
  Array values;  // ascending
  OptionalArray vectors;
};
struct Lstsq {
  Array x;
  Array residuals;  // empty where NumPy's is
  Array rank;       // int32 [batch...]
  Array s;
};
struct Slogdet {
  Array sign;
  Array logdet;
};

// Reads one triangle alone. Throws LinAlgError with the order of the first leading minor that is
// not positive (a NaN is not).
Array cholesky(const Array& a, bool upper);
Qr qr(const Array& a, QrMode mode);
// These two throw LinAlgError where a matrix holds NaN or infinity, or iterations do not converge.
Svd svd(const Array& a, bool full_matrices, bool vectors);
Eigh eigh(const Array& a, bool upper, bool vectors);

// x of a x = b. `b` is [n] or [..., n, k] and broadcasts, as in NumPy 2. The next three throw
// LinAlgError with the index of a pivot that is exactly zero.
Array solve(const Array& a, const Array& b);
Array inv(const Array& a);
// One triangle of `a` is read; unit_diagonal: nor is the diagonal.
Array solve_triangular(const Array& a, const Array& b, bool upper, bool transposed,
                       bool unit_diagonal);

// By the singular value decomposition; singular values at most rcond times the largest count as 0.
// `a` is [m, n], `b` [m] or [m, k].
Lstsq lstsq(const Array& a, const Array& b, std::optional<double> rcond);
Array pinv(const Array& a, std::optional<double> rcond);

Slogdet slogdet(const Array& a);
Array det(const Array& a);

}  // namespace bitmetal
