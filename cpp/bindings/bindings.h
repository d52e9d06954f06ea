// What the files of the Python module share. One file binds one subject.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include "bitmetal/array.h"
#include "bitmetal/ops.h"
#include "bitmetal/ternary.h"

namespace bitmetal::python {

namespace nb = nanobind;
using namespace nb::literals;

void bind_errors(nb::module_& m);
void bind_dtypes(nb::module_& m);
void bind_devices(nb::module_& m);
void bind_memory(nb::module_& m);
void bind_profile(nb::module_& m);
void bind_arrays(nb::module_& m);
void bind_ops(nb::module_& m);
void bind_elementwise(nb::module_& m);
void bind_linalg(nb::module_& m);
void bind_fuse(nb::module_& m);
void bind_creation(nb::module_& m);
void bind_joining(nb::module_& m);
void bind_reductions(nb::module_& m);
void bind_ternary(nb::module_& m);
void bind_blockwise(nb::module_& m);
void bind_int8(nb::module_& m);
#ifdef BITMETAL_METAL
void bind_kernels(nb::module_& m);
void bind_queue_order(nb::module_& m);
#endif
#ifdef BITMETAL_SOFTMETAL
void bind_softmetal(nb::module_& m);
void bind_softmetal_neighbour(nb::module_& m);
#endif

// A DType as Python sees it.
struct DTypeObject {
  DType value;
};

// The T that `object` is, or null: nanobind's casts to pointers take None for one.
template <class T>
T* get_if(nb::handle object) {
  T* found = nullptr;
  return nb::try_cast(object, found) ? found : nullptr;
}

DType parse_dtype(const char* op, nb::handle object);
// `fallback` for None.
DType parse_dtype(const char* op, nb::handle object, DType fallback);
// A Device, a kind's name, or None for the default device.
Device& parse_device(nb::handle object);
// A whole number from 0 up.
size_t parse_count(const char* op, const char* name, nb::handle object);
// An int or a sequence of ints.
Dims parse_dims(const char* op, const char* name, nb::handle object);

// `object` as an Array, sharing its memory where that is possible: itself where it is one, else on
// the cpu device. Throws TypeError, ValueError or DeviceError naming `op` and `name`.
Array to_shared_array(const char* op, const char* name, nb::handle object);

// An operation's argument. What is no Array becomes one on `device`, by a copy where the device may
// read it after the call has returned.
Array to_array(const char* op, const char* name, nb::handle object, Device& device);
std::optional<Array> to_optional_array(const char* op, const char* name, nb::handle object,
                                       Device& device);
// The device of the first Array among an operation's arguments, else the default device.
Device& device_of(std::initializer_list<nb::handle> arguments);
// None, or an Array to write to.
std::optional<Array> to_output(const char* op, nb::handle object);

// Exports (export.cpp).
int get_buffer(PyObject* self, Py_buffer* view, int flags);
void release_buffer(PyObject* self, Py_buffer* view);
nb::object to_numpy(nb::handle_t<Array> self);
nb::object array_interface(nb::handle_t<Array> self);
nb::tuple dlpack_device(const Array& a);
using DLPackPair = std::optional<std::pair<int, int>>;  // a version, or a device's type and number
nb::object to_dlpack(nb::handle_t<Array> self, bool waits, DLPackPair max_version,
                     DLPackPair dl_device, std::optional<bool> copy_requested);

// Runs `work` with the GIL released where that pays: on the cpu device, below this many bytes the
// release costs more than a waiting thread loses. On others any work may compile or wait.
inline constexpr size_t kReleaseGilBytes = 1 << 15;

template <class Work>
decltype(auto) without_gil(const Device& device, size_t bytes, Work work) {
  if (bytes < kReleaseGilBytes && device.kind() == "cpu") return work();
  nb::gil_scoped_release released;
  return work();
}

// The caller's `out` object itself where one was given.
inline nb::object result(nb::handle out, Array&& array) {
  return out.is_none() ? nb::cast(std::move(array)) : nb::borrow(out);
}

}  // namespace bitmetal::python
