// What a device must be able to do. One class per kind of device implements it; `ops/` has checked
// and allocated everything before it calls, so an implementation computes and nothing else.
//
// Unless said otherwise arrays are row-major, non-empty, on this device, and `out` overlaps no
// input.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bitmetal/blockwise.h"
#include "bitmetal/elementwise.h"
#include "bitmetal/ops.h"
#include "bitmetal/ternary.h"
#include "core/machine.h"

namespace bitmetal {

// What a device can do or has: whether, how much, which.
using Capability = std::variant<bool, uint64_t, std::vector<std::string>>;

// An operation may return before its result is there. Operations see each other's results in the
// order of the calls, from whichever threads these come; only the host has to wait.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string describe() const = 0;  // what it runs on, for `info`
  virtual std::vector<std::pair<std::string, Capability>> list_capabilities() = 0;
  virtual bool supports(DType) const { return true; }
  virtual size_t memory() const { return memory_size(); }  // bytes, of all arrays together at most

  // Page-aligned memory for the pool; data == nullptr when there is none.
  virtual Block allocate(size_t bytes, Memory memory) = 0;
  virtual void release(Block block) = 0;
  // The pool hands the block to a new array: a failure to compute the old one's elements is past.
  virtual void renew(const Block&) {}
  // Shows memory of the host to the device in place: fills in the block's handle, and may widen the
  // block to whole pages. False where it cannot. unwrap() undoes it; no operation uses it then.
  virtual bool wrap(Block&) { return true; }
  virtual void unwrap(const Block&) {}
  // The object by which the device's own interface names an array's memory, of Metal an
  // MTL::Buffer, and the byte of it at which the array begins. Null where there is none.
  virtual std::pair<void*, size_t> object_of(const Array&) { return {}; }
  // The memory of such an object, which stays retained until unwrap(). No handle where it is none
  // of this device's.
  virtual Block wrap_object(void*) { return {}; }

  // The host is about to read, or to write, the memory of `a`: returns when no operation stands in
  // the way. Throws DeviceError where the one that was to write it failed.
  virtual void host_reads(const Array&) {}
  virtual void host_writes(const Array&) {}
  // The bytes of a row-major array from and to memory of the host's. Return when they are there.
  virtual void upload(const void* from, const Array& to) {
    host_writes(to);
    std::memcpy(to.data(), from, to.bytes());
  }
  virtual void download(const Array& from, void* to) {
    host_reads(from);
    std::memcpy(to, from.data(), from.bytes());
  }
  // Returns when all operations are done. Throws the first failure that nobody was told of.
  virtual void synchronize() {}
  // Between begin_batch() and end_batch() operations are handed to the device together, as far as
  // nobody waits for one. The two give the first and the last mark of the batch; batches nest, and
  // operations of other threads may fall among the marks.
  virtual uint64_t begin_batch() { return 0; }
  virtual uint64_t end_batch() { return 0; }
  // Returns when the operations between two marks are done; throws DeviceError where one failed.
  virtual void wait_for_batch(uint64_t, uint64_t) {}
  virtual bool batch_done(uint64_t) { return true; }
  virtual double batch_seconds(uint64_t, uint64_t) { return 0; }  // on the device
  // The pool is out of memory: lets go of what only unfinished operations hold.
  virtual void drain() noexcept {}

  // Any strides on both sides, any pair of types.
  virtual void copy(const Array& in, const Array& out) = 0;
  virtual void fill(const Array& out, double value) = 0;

  // inputs[i] is what the expression's input i reads, in the shape of `out`, with any strides (0
  // where broadcast). `out` may have any strides but 0; an input that overlaps it is the very same
  // view, element for element.
  virtual void elementwise(const Expression& expression, std::span<const Array> inputs,
                           const Array& out) = 0;

  // `in` is [outer, n, inner], `out` [outer, m, inner] of the same type; `indices` is int64 [m],
  // each in [0, n).
  virtual void take(const Array& in, const Array& indices, const Array& out) = 0;

  // Both are [batch..., rows, columns] of one type with any strides (0 where broadcast); `out` is
  // row-major [batch..., m, n].
  virtual void matmul(const Array& a, const Array& b, const Array& out) = 0;

  // `in` is viewed as [outer, axis, inner], any strides; `out` is [outer, inner]. `ddof` is that of
  // var and std.
  virtual void reduce(Reduction op, const Array& in, double ddof, const Array& out) = 0;
  // Along the middle one of [outer, axis, inner].
  virtual void scan(Scan op, const Array& in, const Array& out) = 0;
  // Over the last axis of [rows, columns]; the cpu device also takes the middle one of [outer,
  // axis, inner].
  virtual void softmax(const Array& in, const Array& out) = 0;
  virtual void rms_norm(const Array& in, const Array* weight, float eps, const Array& out) = 0;
  virtual void layer_norm(const Array& in, const Array* weight, const Array* bias, double eps,
                          const Array& out) = 0;

  // `weight` is [rows, columns], any strides, f32, f16 or bf16. False where it holds NaN or
  // infinity.
  virtual bool ternary_quantize(const Array& weight, const TernaryMatrix& out) = 0;
  // `out` has two-bit codes, as have all matrices below but those of the two products.
  virtual void ternary_pack(const Array& codes,
                            const TernaryMatrix& out) = 0;  // i8 [rows, columns]
  virtual void ternary_unpack(const TernaryMatrix& w,
                              const Array& codes) = 0;  // i8 [rows, columns]
  virtual void ternary_dequantize(const TernaryMatrix& w,
                                  const Array& out) = 0;  // f32, f16, bf16, f64
  // From one packing to the other.
  virtual void ternary_repack(const TernaryMatrix& w, const TernaryMatrix& out) = 0;
  // x is [batch, columns], out [batch, rows], both f32, f16 or bf16 alike.
  virtual void ternary_matmul(const Array& x, const TernaryMatrix& w, const Array& out) = 0;
  // `bias` [rows] and `norm_weight` [columns] are f32 or absent.
  virtual void bitlinear(const Array& x, const TernaryMatrix& w, const Array* bias,
                         const Array* norm_weight, float eps, const Array& out) = 0;

  // Linear algebra. Every array is row-major [batch, rows, columns] of one type, f32 (f64 where the
  // device has it); `info` is i32 [batch]. NaN and infinity may come, and must end in a result or
  // in `info`: never in a hang.
  // A = L L^T from the lower triangle (upper: A = U^T U from the upper one); the other triangle of
  // `out` is 0. info: 0, or the order (from 1) of the first leading minor whose pivot is not > 0.
  virtual void cholesky(const Array& a, bool upper, const Array& out, const Array& info) = 0;
  // a is [m, n]; reduced: q [m, k], r [k, n], k = min(m, n); complete: q [m, m], r [m, n]. Without
  // q r is the reduced one. Below its diagonal r is 0.
  virtual void qr(const Array& a, const Array* q, const Array& r) = 0;
  // s is [batch, k], descending; u [m, k] and vt [k, n], or u [m, m] and vt [n, n], or both null.
  // info: 0; -1 where `a` holds NaN or infinity; above 0 where it did not converge.
  virtual void svd(const Array& a, const Array* u, const Array& s, const Array* vt,
                   const Array& info) = 0;
  // Reads one triangle; w is [batch, n], ascending; eigenvectors are the columns of v, or v is
  // null. info: as for svd.
  virtual void eigh(const Array& a, bool upper, const Array& w, const Array* v,
                    const Array& info) = 0;
  // a is [n, n], b and out [n, k]. info: 0, or the place (from 1) of the first zero
  // on the diagonal; `out` then means nothing.
  virtual void solve_triangular(const Array& a, const Array& b, bool upper, bool transposed,
                                bool unit_diagonal, const Array& out, const Array& info) = 0;
  // By LU with partial pivoting. info: 0, or the place (from 1) of the first pivot that is exactly
  // 0; `out` then means nothing.
  virtual void solve(const Array& a, const Array& b, const Array& out, const Array& info) = 0;
  // The pivots of an LU, [batch, n], one of them with the sign of the permutation: their product is
  // the determinant.
  virtual void pivots(const Array& a, const Array& out) = 0;

  // x has q's shape and type, f32, f16 or bf16; q is not nested, and has its book.
  virtual void blockwise_quantize(const Array& x, const BlockwiseArray& q) = 0;
  virtual void blockwise_dequantize(const BlockwiseArray& q,
                                    const Array& out) = 0;  // f32, f16, bf16, f64
  // x is [batch, columns], out [batch, rows], both f32, f16 or bf16 alike, q [rows, columns];
  // `bias` [rows] is f32 or absent.
  virtual void blockwise_matmul(const Array& x, const BlockwiseArray& q, const Array* bias,
                                const Array& out) = 0;

  // x is [rows, columns], f32, f16 or bf16; codes i8 alike; absmax f32 [rows]; `outliers`, u8
  // [columns], is given where threshold > 0 and gets 1 for a column that holds one, else 0.
  virtual void int8_quantize_rows(const Array& x, float threshold, const Array& codes,
                                  const Array& absmax, const Array* outliers) = 0;
  // i8 [m, k] and [n, k] to i32 [m, n].
  virtual void int8_matmul(const Array& a, const Array& b, const Array& out) = 0;
  // i32 [m, n], f32 [m], [n] and [n] or absent, to f32, f16 or bf16 [m, n].
  virtual void int8_dequantize(const Array& sums, const Array& row_absmax,
                               const Array& column_absmax, const Array* bias, const Array& out) = 0;
};

}  // namespace bitmetal
