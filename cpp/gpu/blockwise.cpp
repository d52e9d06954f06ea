#include "bitmetal/blockwise.h"

#include "gpu/backend.h"

namespace bitmetal::gpu {
namespace {

[[noreturn]] void missing(const char* op, const Array& a) {
  fail<CapabilityError>(op, ": '", a.device().kind(), "' cannot do that yet; 'cpu' can");
}

}  // namespace

void GpuBackend::blockwise_quantize(const Array& x, const BlockwiseArray&) {
  missing("blockwise.quantize", x);
}
void GpuBackend::blockwise_dequantize(const BlockwiseArray&, const Array& out) {
  missing("dequantize", out);
}
void GpuBackend::blockwise_matmul(const Array& x, const BlockwiseArray&, const Array*,
                                  const Array&) {
  missing("blockwise.matmul", x);
}
void GpuBackend::int8_quantize_rows(const Array& x, float, const Array&, const Array&,
                                    const Array*) {
  missing("blockwise.int8_quantize_rows", x);
}
void GpuBackend::int8_matmul(const Array& a, const Array&, const Array&) {
  missing("blockwise.int8_matmul", a);
}
void GpuBackend::int8_dequantize(const Array& sums, const Array&, const Array&, const Array*,
                                 const Array&) {
  missing("blockwise.int8_dequantize", sums);
}

}  // namespace bitmetal::gpu
