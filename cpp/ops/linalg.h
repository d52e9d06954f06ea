// What the operations of linear algebra share.
#pragma once

#include "bitmetal/linalg.h"
#include "core/backend.h"
#include "ops/check.h"

namespace bitmetal {

// Checks rank and type; float32 or float64 (`dtype` where it is given), row-major.
Array as_matrices(const char* op, const char* name, const Array& a,
                  std::optional<DType> dtype = std::nullopt);
Array as_square_matrices(const char* op, const char* name, const Array& a);
// The type in which the two meet: float64 where one is, else float32.
DType common_type(const Array& a, const Array& b);

Dims batch_of(const Array& a);  // the axes before the last two
Dims with(Dims batch, std::initializer_list<int64_t> sizes);
// As the backend takes it: [batch, ...] with the last `rank` axes of `a`, over the same memory.
Array stacked(const Array& a, int rank = 2);

// Matrices of all batches with ones on the diagonal.
Array identity(const Dims& batch, int64_t n, DType dtype, Device& device);

// int32 [batch], for a backend's `info`.
Array new_info(const Array& a);
// Throws LinAlgError for the first matrix whose info is not 0, in the words that `say` finds for
// it.
void require_success(const char* op, const Array& info, const Dims& batch,
                     std::string (*say)(int info));
std::string not_converged(int info);
std::string zero_pivot(int info);

}  // namespace bitmetal
