// Other libraries' memory as an Array: the buffer protocol, __array_interface__, DLPack, and
// whatever else NumPy can make an array of.
#include <cstring>
#include <memory>
#include <string>

#include "bindings/bindings.h"
#include "bindings/dlpack.h"
#include "bindings/elementwise.h"
#include "core/backend.h"

namespace bitmetal::python {
namespace {

// Memory as its owner describes it. Strides are in bytes; what cannot be shown with strides in
// elements, or lies misaligned, is copied.
struct Foreign {
  std::byte* data = nullptr;
  Dims shape;
  Dims byte_strides;
  DType dtype{};
  bool read_only = false;
  std::function<void()> release;
};

// Runs `release` with the GIL, or not at all once the interpreter is gone.
std::function<void()> with_gil(std::function<void()> release) {
  return [release = std::move(release)] {
    if (!Py_IsInitialized()) return;
    nb::gil_scoped_acquire acquired;
    release();
  };
}

std::function<void()> keep_alive(nb::object owner) {
  PyObject* held = owner.release().ptr();
  return with_gil([held] { Py_DECREF(held); });
}

// The bytes that a view touches, counted from its first element.
struct Reach {
  int64_t low, high;
};

Reach reach_of(const Foreign& f) {
  Reach reach{0, static_cast<int64_t>(size_of(f.dtype))};
  for (int i = 0; i < f.shape.size(); ++i) {
    const int64_t bytes = std::max<int64_t>(f.shape[i] - 1, 0) * f.byte_strides[i];
    (bytes < 0 ? reach.low : reach.high) += bytes;
  }
  return reach;
}

Dims element_strides(const Foreign& f) {
  Dims strides = f.byte_strides;
  for (int64_t& stride : strides) stride /= static_cast<int64_t>(size_of(f.dtype));
  return strides;
}

Array wrap(Foreign f) {
  Device& device = find_device("cpu");
  const auto item = static_cast<int64_t>(size_of(f.dtype));
  bool aligned = reinterpret_cast<uintptr_t>(f.data) % item == 0;
  for (int64_t stride : f.byte_strides) aligned &= stride % item == 0;

  if (!aligned) {  // copied as bytes: shape [..., itemsize] of u8
    Dims bytes_shape = f.shape, strides = f.byte_strides;
    bytes_shape.push_back(item);
    strides.push_back(1);
    Storage* storage = Storage::adopt(device, {f.data, 0, nullptr}, true, std::move(f.release));
    const Array bytes = copy(Array(StorageRef(storage), 0, bytes_shape, strides, DType::u8));
    return Array(bytes.storage(), 0, f.shape, row_major_strides(f.shape), f.dtype);
  }
  // The storage starts at the lowest address that the view touches.
  const Reach reach = reach_of(f);
  const Block block{f.data + reach.low, static_cast<size_t>(reach.high - reach.low)};
  Storage* storage = Storage::adopt(device, block, f.read_only, std::move(f.release));
  return Array(StorageRef(storage), static_cast<size_t>(-reach.low), f.shape, element_strides(f),
               f.dtype);
}

// --- buffer protocol ----------------------------------------------------------------------------

std::optional<DType> type_of_format(const char* format, Py_ssize_t item) {
  if (!format) format = "B";
  const bool standard = *format == '=' || *format == '<';
  if (*format == '@' || standard) ++format;
  if (!*format || format[1]) return std::nullopt;
  switch (*format) {
    case 'f': return DType::f32;
    case 'e': return DType::f16;
    case 'd': return DType::f64;
    case 'b': return DType::i8;
    case 'B': return DType::u8;
    case '?': return DType::boolean;
    case 'i': return DType::i32;
    case 'l': return item == 8 ? DType::i64 : DType::i32;
    case 'q': return DType::i64;
    default: return std::nullopt;
  }
}

std::optional<Array> from_buffer(const char* op, const char* name, nb::handle object) {
  if (!PyObject_CheckBuffer(object.ptr())) return std::nullopt;
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object.ptr(), view.get(), PyBUF_RECORDS_RO) != 0) {
    PyErr_Clear();  // NumPy refuses for ml_dtypes' types; another protocol may serve
    return std::nullopt;
  }
  const std::optional<DType> dtype = type_of_format(view->format, view->itemsize);
  if (!dtype || static_cast<Py_ssize_t>(size_of(*dtype)) != view->itemsize) {
    const std::string format = view->format ? view->format : "B";
    PyBuffer_Release(view.get());
    fail<TypeError>(op, ": ", name, " has elements of the buffer format '", format,
                    "', which has no counterpart here");
  }
  Foreign f;
  f.data = static_cast<std::byte*>(view->buf);
  f.dtype = *dtype;
  f.read_only = view->readonly;
  if (view->ndim > kMaxRank) {
    PyBuffer_Release(view.get());
    fail<ValueError>(op, ": ", name, " has more than ", kMaxRank, " dimensions");
  }
  for (int i = 0; i < view->ndim; ++i) {
    f.shape.push_back(view->shape[i]);
    f.byte_strides.push_back(view->strides[i]);
  }
  f.release = with_gil([held = view.release()] {
    PyBuffer_Release(held);
    delete held;
  });
  return wrap(std::move(f));
}

// --- __array_interface__ ------------------------------------------------------------------------

std::optional<DType> type_of_typestr(const std::string& text, nb::handle object) {
  for (auto [typestr, dtype] : {std::pair{"<f4", DType::f32},
                                {"<f2", DType::f16},
                                {"<f8", DType::f64},
                                {"|i1", DType::i8},
                                {"|u1", DType::u8},
                                {"<i4", DType::i32},
                                {"<i8", DType::i64},
                                {"|b1", DType::boolean}}) {
    if (text == typestr) return dtype;
  }
  if (text == "<V2" || text == "|V2") {  // an extension type: its own name tells which
    const nb::object name =
        nb::getattr(nb::getattr(object, "dtype", nb::none()), "name", nb::none());
    if (nb::isinstance<nb::str>(name) && nb::cast<std::string>(name) == "bfloat16") {
      return DType::bf16;
    }
  }
  return std::nullopt;
}

std::optional<Array> from_array_interface(const char* op, const char* name, nb::handle object) {
  nb::object interface = nb::getattr(object, "__array_interface__", nb::none());
  nb::dict fields;
  if (!nb::try_cast(interface, fields) || !fields.contains("typestr") ||
      !fields.contains("shape") || !fields.contains("data")) {
    return std::nullopt;
  }
  nb::tuple data;
  if (!nb::try_cast(fields["data"], data) || data.size() != 2) return std::nullopt;
  const auto typestr = nb::cast<std::string>(fields["typestr"]);
  Foreign f;
  const std::optional<DType> dtype = type_of_typestr(typestr, object);
  if (!dtype) {
    fail<TypeError>(op, ": ", name, " has elements of type '", typestr,
                    "', which has no counterpart here");
  }
  f.dtype = *dtype;
  f.shape = parse_dims(op, name, fields["shape"]);
  f.data = reinterpret_cast<std::byte*>(nb::cast<uintptr_t>(data[0]));
  f.read_only = nb::cast<bool>(data[1]);
  if (fields.contains("strides") && !nb::object(fields["strides"]).is_none()) {
    f.byte_strides = parse_dims(op, name, fields["strides"]);
  } else {
    f.byte_strides = row_major_strides(f.shape);
    for (int64_t& stride : f.byte_strides) stride *= static_cast<int64_t>(size_of(f.dtype));
  }
  if (f.byte_strides.size() != f.shape.size()) {
    fail<ValueError>(op, ": ", name, " has ", f.shape.size(), " dimensions but ",
                     f.byte_strides.size(), " strides");
  }
  f.release = keep_alive(nb::borrow(object));
  return wrap(std::move(f));
}

// --- DLPack -------------------------------------------------------------------------------------

std::optional<DType> type_of_dlpack(dlpack::DataType t) {
  if (t.lanes != 1) return std::nullopt;
  switch (t.code << 8 | t.bits) {
    case dlpack::kFloat << 8 | 32: return DType::f32;
    case dlpack::kFloat << 8 | 16: return DType::f16;
    case dlpack::kFloat << 8 | 64: return DType::f64;
    case dlpack::kBfloat << 8 | 16: return DType::bf16;
    case dlpack::kInt << 8 | 8: return DType::i8;
    case dlpack::kUInt << 8 | 8: return DType::u8;
    case dlpack::kInt << 8 | 32: return DType::i32;
    case dlpack::kInt << 8 | 64: return DType::i64;
    case dlpack::kBool << 8 | 8: return DType::boolean;
    default: return std::nullopt;
  }
}

// Elements of an MTL::Buffer, from its byte `offset` on.
Array wrap_buffer(const char* op, const char* name, void* object, uint64_t offset, Foreign f) {
  if (!object)
    return Array(f.shape, f.dtype, find_device("metal"));  // of an array without elements
  for (Device* device : devices()) {
    const Block block = device->backend().wrap_object(object);
    if (!block.handle) continue;
    const StorageRef storage(Storage::adopt(*device, block, f.read_only, std::move(f.release)));
    require_type(f.dtype, *device);
    const Reach reach = reach_of(f);
    const auto begin = static_cast<int64_t>(offset);
    if (begin + reach.low < 0 || begin + reach.high > static_cast<int64_t>(block.bytes)) {
      fail<ValueError>(op, ": ", name, " reaches over its Metal buffer of ", block.bytes, " bytes");
    }
    return Array(storage, offset, f.shape, element_strides(f), f.dtype);
  }
  f.release();
  fail<DeviceError>(op, ": ", name, " lies in a Metal buffer of no device of this process");
}

Array from_tensor(const char* op, const char* name, const dlpack::Tensor& t, bool read_only,
                  std::function<void()> release) {
  const std::unique_ptr<std::function<void()>, void (*)(std::function<void()>*)> on_error(
      &release, [](std::function<void()>* r) {
        if (*r) (*r)();
      });
  if (t.device.type != dlpack::kCpu && t.device.type != dlpack::kMetal) {
    fail<DeviceError>(op, ": ", name, " lies on DLPack device type ", t.device.type,
                      ", expected 1 (the host's memory) or 8 (Metal)");
  }
  const std::optional<DType> dtype = type_of_dlpack(t.dtype);
  if (!dtype) {
    fail<TypeError>(op, ": ", name, " has DLPack type code ", static_cast<int>(t.dtype.code),
                    " with ", static_cast<int>(t.dtype.bits),
                    " bits, which has no counterpart here");
  }
  Foreign f;
  f.dtype = *dtype;
  f.read_only = read_only;
  for (int i = 0; i < t.ndim; ++i) f.shape.push_back(t.shape[i]);
  f.byte_strides = row_major_strides(f.shape);
  for (int i = 0; i < t.ndim; ++i) {
    if (t.strides) f.byte_strides[i] = t.strides[i];
    f.byte_strides[i] *= static_cast<int64_t>(size_of(f.dtype));
  }
  f.release = std::exchange(release, nullptr);
  if (t.device.type == dlpack::kMetal) {
    return wrap_buffer(op, name, t.data, t.byte_offset, std::move(f));
  }
  f.data = static_cast<std::byte*>(t.data) + t.byte_offset;
  return wrap(std::move(f));
}

template <class Managed>
std::optional<Array> from_capsule(const char* op, const char* name, nb::handle capsule,
                                  const char* fresh, const char* used) {
  if (!PyCapsule_IsValid(capsule.ptr(), fresh)) return std::nullopt;
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), fresh));
  bool read_only = false;
  if constexpr (std::is_same_v<Managed, dlpack::ManagedVersioned>) {
    if (managed->version.major != 1) {
      fail<ValueError>(op, ": ", name, " comes as DLPack version ", managed->version.major,
                       ", expected 1");
    }
    read_only = managed->flags & dlpack::kReadOnly;
  }
  if (PyCapsule_SetName(capsule.ptr(), used) != 0) nb::raise_python_error();
  return from_tensor(op, name, managed->tensor, read_only, with_gil([managed] {
                       if (managed->deleter) managed->deleter(managed);
                     }));
}

std::optional<Array> from_dlpack(const char* op, const char* name, nb::handle object) {
  const nb::object method = nb::getattr(object, "__dlpack__", nb::none());
  if (method.is_none()) return std::nullopt;
  nb::object capsule;
  try {
    capsule = method("max_version"_a = nb::make_tuple(1, 1));
  } catch (nb::python_error& e) {
    if (!e.matches(PyExc_TypeError)) throw;
    capsule = method();  // an exporter from before version 1.0
  }
  if (auto array = from_capsule<dlpack::ManagedVersioned>(op, name, capsule, "dltensor_versioned",
                                                          "used_dltensor_versioned")) {
    return array;
  }
  if (auto array = from_capsule<dlpack::Managed>(op, name, capsule, "dltensor", "used_dltensor")) {
    return array;
  }
  fail<ValueError>(op, ": ", name, " gave a DLPack capsule that was used already");
}

// --- everything else ----------------------------------------------------------------------------

// Numbers and nested sequences. Python's floats become float32, its ints int64.
Array from_values(const char* op, const char* name, nb::handle object) {
  if (nb::isinstance<Traced>(object)) {
    fail<TypeError>(op, ": ", name,
                    " is a value inside a function given to fuse, which takes element-wise "
                    "operations only");
  }
  if (!PyNumber_Check(object.ptr()) && !PySequence_Check(object.ptr()) &&
      !nb::hasattr(object, "__array__")) {
    fail<TypeError>(op, ": ", name, " is of type '", Py_TYPE(object.ptr())->tp_name,
                    "', expected an array, a number or a nested sequence of numbers");
  }
  nb::object values;
  try {
    values = nb::module_::import_("numpy").attr("asarray")(object);
  } catch (nb::python_error& e) {
    fail<TypeError>(op, ": ", name, " cannot be read as an array: ", e.what());
  }
  std::optional<Array> array = from_buffer(op, name, values);
  if (!array) array = from_array_interface(op, name, values);
  if (!array) fail<TypeError>(op, ": ", name, " cannot be read as an array of numbers");
  const bool typed = nb::hasattr(object, "dtype");
  return array->dtype() == DType::f64 && !typed ? astype(*array, DType::f32) : *array;
}

}  // namespace

Array to_shared_array(const char* op, const char* name, nb::handle object) {
  if (const Array* array = get_if<Array>(object)) return *array;
  if (auto array = from_buffer(op, name, object)) return *array;
  if (auto array = from_array_interface(op, name, object)) return *array;
  if (auto array = from_dlpack(op, name, object)) return *array;
  return from_values(op, name, object);
}

Array to_array(const char* op, const char* name, nb::handle object, Device& device) {
  Array a = to_shared_array(op, name, object);
  if (nb::isinstance<Array>(object) || &a.device() == &device) return a;
  return without_gil(device, a.bytes(), [&] { return copy_to_device(a, device); });
}

std::optional<Array> to_optional_array(const char* op, const char* name, nb::handle object,
                                       Device& device) {
  if (object.is_none()) return std::nullopt;
  return to_array(op, name, object, device);
}

Device& device_of(std::initializer_list<nb::handle> arguments) {
  for (nb::handle argument : arguments) {
    if (const Array* array = get_if<Array>(argument)) return array->device();
  }
  return default_device();
}

std::optional<Array> to_output(const char* op, nb::handle object) {
  if (object.is_none()) return std::nullopt;
  if (const Array* array = get_if<Array>(object)) return *array;
  fail<TypeError>(op, ": out is of type '", Py_TYPE(object.ptr())->tp_name,
                  "', expected a bitmetal.Array");
}

size_t parse_count(const char* op, const char* name, nb::handle object) {
  int64_t n;
  if (!nb::try_cast(object, n)) {
    fail<TypeError>(op, ": ", name, " is ", nb::cast<std::string>(nb::repr(object)),
                    ", expected a whole number");
  }
  if (n < 0) fail<ValueError>(op, ": ", name, " is ", n, ", expected 0 or more");
  return static_cast<size_t>(n);
}

Dims parse_dims(const char* op, const char* name, nb::handle object) {
  const auto one = [&](nb::handle item) {
    const nb::object index = nb::steal(PyNumber_Index(item.ptr()));
    if (!index) {
      PyErr_Clear();
      fail<TypeError>(op, ": ", name, " is ", nb::cast<std::string>(nb::repr(object)),
                      ", expected an int or a sequence of ints");
    }
    int64_t value;
    if (!nb::try_cast(index, value)) {
      fail<ValueError>(op, ": ", name, " is ", nb::cast<std::string>(nb::repr(object)),
                       ", which does not fit 64 bits");
    }
    return value;
  };
  if (PyIndex_Check(object.ptr())) return {one(object)};
  if (!PySequence_Check(object.ptr()) || nb::isinstance<nb::str>(object)) {
    return {one(object)};  // for its error
  }
  Dims dims;
  const size_t n = nb::len(object);
  for (size_t i = 0; i < n; ++i) dims.push_back(one(object[i]));
  return dims;
}

}  // namespace bitmetal::python
