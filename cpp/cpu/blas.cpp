#include "cpu/blas.h"

#include <utility>

namespace bitmetal::cpu {
namespace {
std::string blas_path;
}

void set_blas_path(std::string path) { blas_path = std::move(path); }

}  // namespace bitmetal::cpu
