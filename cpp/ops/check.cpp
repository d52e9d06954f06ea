#include "ops/check.h"

#include <algorithm>

#include "core/backend.h"
#include "ops/perform.h"

namespace bitmetal {

Device& common_device(const char* op, std::initializer_list<Named> arrays) {
  const Named* first = nullptr;
  for (const Named& named : arrays) {
    if (!named.array) continue;
    if (!first) first = &named;
    if (&named.array->device() != &first->array->device()) {
      fail<DeviceError>(op, ": ", first->name, " is on '", first->array->device().kind(), "', ",
                        named.name, " on '", named.array->device().kind(),
                        "'; expected one device (see Array.to)");
    }
  }
  return first->array->device();
}

Device& common_device(const char* op, std::span<const Array> arrays) {
  Device& device = arrays[0].device();
  for (const Array& array : arrays) {
    if (&array.device() != &device) {
      fail<DeviceError>(op, ": one array is on '", device.kind(), "', another on '",
                        array.device().kind(), "'; expected one device (see Array.to)");
    }
  }
  return device;
}

void require_floating(const char* op, const char* name, const Array& array) {
  if (!is_floating(array.dtype())) {
    fail<TypeError>(op, ": ", name, " is ", name_of(array.dtype()),
                    ", expected a floating-point type");
  }
}

void require_single_or_half(const char* op, const char* name, const Array& array) {
  if (!is_floating(array.dtype()) || array.dtype() == DType::f64) {
    fail<TypeError>(op, ": ", name, " is ", name_of(array.dtype()),
                    ", expected float32, float16 or bfloat16");
  }
}

void require_shape(const char* op, const char* name, const Array& array, const Dims& shape) {
  if (array.shape() != shape) {
    fail<ValueError>(op, ": ", name, " has shape ", array.shape(), ", expected ", shape);
  }
}

void require_output(const char* op, const Array& out, const Dims& shape, DType dtype,
                    const Device& device) {
  require_shape(op, "out", out, shape);
  if (out.dtype() != dtype) {
    fail<TypeError>(op, ": out is ", name_of(out.dtype()), ", expected ", name_of(dtype));
  }
  if (&out.device() != &device) {
    fail<DeviceError>(op, ": out is on '", out.device().kind(), "', the inputs on '", device.kind(),
                      "'");
  }
  if (out.read_only()) fail<ValueError>(op, ": out is read-only");
}

void require_host_side(const Array& a) {
  if (a.host_visible()) return;
  fail<CapabilityError>(
      "an array of device '", a.device().kind(),
      "' lies in memory that the host cannot reach, and this operation is one for the host; use "
      "the cpu device");
}

int normalize_axis(const char* op, int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    fail<IndexError>(op, ": axis ", axis, " is out of range for an array of ", rank, " dimensions");
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Dims broadcast_batch(const char* op, const Array& a, const Array& b) {
  const int rank = std::max(a.rank(), b.rank()) - 2;
  Dims batch;
  for (int i = 0; i < rank; ++i) {
    const int in_a = i - (rank - (a.rank() - 2)), in_b = i - (rank - (b.rank() - 2));
    const int64_t from_a = in_a < 0 ? 1 : a.shape(in_a), from_b = in_b < 0 ? 1 : b.shape(in_b);
    if (from_a != from_b && from_a != 1 && from_b != 1) {
      fail<ValueError>(op, ": the leading dimensions of a ", a.shape(), " and b ", b.shape(),
                       " do not broadcast");
    }
    batch.push_back(from_a == 1 ? from_b : from_a);
  }
  return batch;
}

namespace {

Array choose_target(const char* op, const OptionalArray& out, const Dims& shape, DType dtype,
                    Device& device, std::initializer_list<const Array*> inputs) {
  if (!out) return Array(shape, dtype, device);
  require_output(op, *out, shape, dtype, device);
  const bool overlaps = std::any_of(inputs.begin(), inputs.end(), [&](const Array* input) {
    return input && may_overlap(*input, *out);
  });
  return overlaps || !out->row_major() ? Array(shape, dtype, device) : *out;
}

}  // namespace

Output::Output(const char* op, const OptionalArray& out, const Dims& shape, DType dtype,
               Device& device, std::initializer_list<const Array*> inputs)
    : requested_(out), target_(choose_target(op, out, shape, dtype, device, inputs)) {}

Array Output::finish() const {
  if (!requested_) return target_;
  if (requested_->data() != target_.data() && target_.size() > 0) {
    perform<&Backend::copy>(target_.device(), target_, *requested_);
  }
  return *requested_;
}

}  // namespace bitmetal
