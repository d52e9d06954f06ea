// Array operations. Each checks its arguments, allocates its result (or takes `out`) and runs on
// the device of its inputs. Shapes and types follow NumPy where nothing else is said.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "bitmetal/array.h"

namespace bitmetal {

using OptionalArray = std::optional<Array>;

// Creation and movement.
Array full(const Dims& shape, double value, DType dtype, Device& device);
// start, start + step, ... of n elements, each rounded once.
Array range(double start, double step, int64_t n, DType dtype, Device& device);
Array range(int64_t start, int64_t step, int64_t n, DType dtype, Device& device);
Array copy(const Array& a);                 // row-major, same device
Array astype(const Array& a, DType dtype);  // correctly rounded; float to integer truncates
// On another device: over the same memory where that is possible, else a copy. `a` itself where it
// is there already. Arrays that share memory do not see each other's unfinished operations:
// synchronize() in between.
Array to_device(const Array& a, Device& device);
Array copy_to_device(const Array& a, Device& device);  // row-major
// The device whose arrays the host reads and writes in place: `device` itself, or the cpu device.
Device& host_side(Device& device);
// The array itself where the host reads it in place, else a copy that it can.
Array on_host(const Array& a);
Array contiguous(const Array& a);  // `a` itself where it is row-major

// Views: no data moves.
Array permute(const Array& a, const Dims& axes);
Array transpose(const Array& a, const Dims& axes);
Array transpose(const Array& a);  // axes reversed
Array reshape(const Array& a,
              const Dims& shape);  // one size may be -1; copies where strides force it
Array broadcast_to(const Array& a, const Dims& shape);
Array expand_dims(const Array& a, const Dims& axes);  // as counted in the result
Array squeeze(const Array& a, const std::optional<Dims>& axes);

// One after another along an axis, in their common type.
Array concatenate(std::span<const Array> arrays, int64_t axis, const OptionalArray& out = {});
// Along a new axis.
Array stack(std::span<const Array> arrays, int64_t axis, const OptionalArray& out = {});
// The elements along `axis` with these indices (int32 or int64, any shape, negative from the end),
// in place of that axis. Throws IndexError for one that is out of range, which the host looks for.
Array take(const Array& a, const Array& indices, int64_t axis, const OptionalArray& out = {});

// a @ b for floating types: 1-D and batched operands broadcast as in numpy.matmul; accumulation in
// float32 (float64 for float64).
Array matmul(const Array& a, const Array& b, const OptionalArray& out = {});

enum class Reduction : uint8_t {
  sum,
  prod,
  mean,
  max,
  min,
  argmax,
  argmin,
  var,
  std,
  norm1,     // sum of magnitudes
  norm2,     // square root of the sum of squares; no square overflows or vanishes
  norm_inf,  // greatest magnitude
  logsumexp,
  all,
  any,
  count_nonzero
};
const char* name_of(Reduction op);

// Over `axes` (all of them when absent). Sums and products of integers and booleans are int64
// (modulo 2^64), indices and counts too; all and any are bool; means, variances, norms and
// logsumexp of integers float32; everything else has the type of `a`. float16, bfloat16 and float32
// accumulate in float32 pairwise or better.
//
// max, min, argmax, argmin and norm_inf propagate NaN, and NaN counts as not zero. argmax and
// argmin take one axis or all, and the first of equals. var and std divide by the number of
// elements less `ddof`, 0 where that is negative. Where nothing is reduced over, max, min, argmax
// and argmin throw ValueError; the others give what they start from (0, 1, true, false, -infinity)
// or NaN.
Array reduce(Reduction op, const Array& a, const std::optional<Dims>& axes, bool keepdims,
             const OptionalArray& out = {}, double ddof = 0);

// Running sums or products along an axis, of the types of `reduce`.
enum class Scan : uint8_t { sum, prod };
Array scan(Scan op, const Array& a, int axis, const OptionalArray& out = {});

Array softmax(const Array& a, int axis, const OptionalArray& out = {});

// a / sqrt(mean(a^2, last axis) + eps) * weight
Array rms_norm(const Array& a, const OptionalArray& weight, float eps,
               const OptionalArray& out = {});

// (a - mean(a, last axis)) / sqrt(var(a, last axis) + eps) * weight + bias
Array layer_norm(const Array& a, const OptionalArray& weight, const OptionalArray& bias, double eps,
                 const OptionalArray& out = {});

}  // namespace bitmetal
