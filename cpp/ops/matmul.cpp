#include "bitmetal/promotion.h"
#include "core/backend.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {
namespace {

Dims with_matrix(Dims batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}

Array as_type(const Array& a, DType dtype) { return a.dtype() == dtype ? a : astype(a, dtype); }

}  // namespace

Array matmul(const Array& a_in, const Array& b_in, const OptionalArray& out) {
  Device& device = common_device("matmul", {{"a", &a_in}, {"b", &b_in}});
  require_floating("matmul", "a", a_in);
  require_floating("matmul", "b", b_in);
  if (a_in.rank() == 0 || b_in.rank() == 0) {
    fail<ValueError>("matmul: ", a_in.rank() == 0 ? "a" : "b",
                     " has no dimensions, expected at least 1");
  }
  const DType dtype = promote(a_in.dtype(), b_in.dtype());
  Array a = as_type(a_in, dtype), b = as_type(b_in, dtype);
  // A vector is a row on the left and a column on the right; that dimension is dropped from the
  // result.
  if (a_in.rank() == 1) a = reshape(a, {1, a.shape(0)});
  if (b_in.rank() == 1) b = reshape(b, {b.shape(0), 1});
  if (a.shape(-1) != b.shape(-2)) {
    fail<ValueError>("matmul: a ", a_in.shape(), " has ", a.shape(-1), " columns, b ", b_in.shape(),
                     " has ", b.shape(-2), " rows");
  }
  const Dims batch = broadcast_batch("matmul", a, b);
  const Dims full = with_matrix(batch, a.shape(-2), b.shape(-1));
  Dims shape = full;
  if (b_in.rank() == 1) shape.pop_back();
  if (a_in.rank() == 1) shape.erase(shape.size() - (b_in.rank() == 1 ? 1 : 2));

  Output output("matmul", out, shape, dtype, device, {&a, &b});
  if (output.target().size() > 0) {
    perform<&Backend::matmul>(device, broadcast_to(a, with_matrix(batch, a.shape(-2), a.shape(-1))),
                              broadcast_to(b, with_matrix(batch, b.shape(-2), b.shape(-1))),
                              output.target().with(full, row_major_strides(full)));
  }
  return output.finish();
}

}  // namespace bitmetal
