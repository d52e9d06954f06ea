#include "core/backend.h"

namespace bitmetal {
namespace {

[[noreturn]] void no_kernel(const char* op) {
  fail<CapabilityError>(op, ": the device has no kernel for it");
}

}  // namespace

void Backend::cholesky(const Array&, bool, const Array&, const Array&) { no_kernel("cholesky"); }
void Backend::qr(const Array&, const Array*, const Array&) { no_kernel("qr"); }
void Backend::svd(const Array&, const Array*, const Array&, const Array*, const Array&) {
  no_kernel("svd");
}
void Backend::eigh(const Array&, bool, const Array&, const Array*, const Array&) {
  no_kernel("eigh");
}
void Backend::solve_triangular(const Array&, const Array&, bool, bool, bool, const Array&,
                               const Array&) {
  no_kernel("solve_triangular");
}
void Backend::solve(const Array&, const Array&, const Array&, const Array&) { no_kernel("solve"); }
void Backend::pivots(const Array&, const Array&) { no_kernel("pivots"); }

}  // namespace bitmetal
