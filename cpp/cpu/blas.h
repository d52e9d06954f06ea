// Matrix products of float32 and float64 from the system's BLAS.
#pragma once

#include <string>

namespace bitmetal::cpu {

// Where the library is, for its first use; Python knows where scipy-openblas32 was installed.
void set_blas_path(std::string path);

}  // namespace bitmetal::cpu
