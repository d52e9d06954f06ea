// Checks and result allocation that the operations share. Errors read "operation: argument ...".
#pragma once

#include <initializer_list>
#include <span>

#include "bitmetal/array.h"
#include "bitmetal/ops.h"
#include "core/backend.h"

namespace bitmetal {

struct Named {
  const char* name;
  const Array* array;  // nullptr for an optional argument that is absent
};

// All on one device, which is returned; throws DeviceError naming the two that differ.
Device& common_device(const char* op, std::initializer_list<Named> arrays);
// The same for arrays without names of their own, at least one.
Device& common_device(const char* op, std::span<const Array> arrays);

void require_floating(const char* op, const char* name, const Array& array);
// f32, f16 or bf16: what the quantized products take on every device.
void require_single_or_half(const char* op, const char* name, const Array& array);
void require_shape(const char* op, const char* name, const Array& array, const Dims& shape);
// What every `out` must be; strides are the operation's own affair.
void require_output(const char* op, const Array& out, const Dims& shape, DType dtype,
                    const Device& device);

// `axis` counted from the front; throws IndexError.
int normalize_axis(const char* op, int64_t axis, int rank);

// What the axes before the last two broadcast to.
Dims broadcast_batch(const char* op, const Array& a, const Array& b);

// Throws CapabilityError where the host cannot reach the elements in place (see on_host()).
void require_host_side(const Array& a);

// The elements of `a` for the host itself, once what is under way on its device allows it.
template <class T>
const T* read_on_host(const Array& a) {
  require_host_side(a);
  a.device().backend().host_reads(a);
  return a.data_as<T>();
}
template <class T>
T* write_on_host(const Array& a) {
  require_host_side(a);
  a.device().backend().host_writes(a);
  return a.data_as<T>();
}

// The array that an operation writes. Where the caller's `out` is strided or overlaps an input, the
// operation writes a temporary and finish() moves it.
class Output {
 public:
  Output(const char* op, const OptionalArray& out, const Dims& shape, DType dtype, Device& device,
         std::initializer_list<const Array*> inputs);

  const Array& target() const { return target_; }
  Array finish() const;

 private:
  OptionalArray requested_;
  Array target_;
};

}  // namespace bitmetal
