// An Array's memory for other libraries: the buffer protocol (to the letter of PEP 3118), DLPack,
// __array_interface__ and __array__.
#include <memory>
#include <tuple>

#include "bindings/bindings.h"
#include "bindings/dlpack.h"
#include "core/backend.h"

namespace bitmetal::python {
namespace {

const char* buffer_format(DType t) {
  switch (t) {
    case DType::f32: return "f";
    case DType::f16: return "e";
    case DType::f64: return "d";
    case DType::i8: return "b";
    case DType::u8: return "B";
    case DType::i32: return "i";
    case DType::i64: return "q";
    case DType::boolean: return "?";
    default: return nullptr;  // bfloat16 has none
  }
}

const char* typestr(DType t) {
  switch (t) {
    case DType::f32: return "<f4";
    case DType::f16: return "<f2";
    case DType::f64: return "<f8";
    case DType::i8: return "|i1";
    case DType::u8: return "|u1";
    case DType::i32: return "<i4";
    case DType::i64: return "<i8";
    case DType::boolean: return "|b1";
    default: return "<V2";
  }
}

dlpack::DataType dlpack_type(DType t) {
  const auto bits = static_cast<uint8_t>(8 * size_of(t));
  switch (t) {
    case DType::bf16: return {dlpack::kBfloat, bits, 1};
    case DType::boolean: return {dlpack::kBool, bits, 1};
    case DType::u8: return {dlpack::kUInt, bits, 1};
    default: return {is_floating(t) ? dlpack::kFloat : dlpack::kInt, bits, 1};
  }
}

// Shape and byte strides that a Py_buffer points to.
struct BufferDims {
  Py_ssize_t shape[kMaxRank];
  Py_ssize_t strides[kMaxRank];
};

int refuse(Py_buffer* view, const char* why) {
  view->obj = nullptr;
  PyErr_SetString(PyExc_BufferError, why);
  return -1;
}

bool asks(int flags, int bits) { return (flags & bits) == bits; }

nb::tuple dims_tuple(const Dims& dims, int64_t factor = 1) {
  nb::object tuple = nb::steal(PyTuple_New(dims.size()));
  for (int i = 0; i < dims.size(); ++i) {
    PyTuple_SET_ITEM(tuple.ptr(), i, PyLong_FromLongLong(dims[i] * factor));
  }
  return nb::borrow<nb::tuple>(tuple);
}

// Before the memory is shown: whoever looks at it may write it, too.
void wait_for(const Array& a) {
  if (a.device().kind() == "cpu") return;
  nb::gil_scoped_release released;
  a.device().backend().host_reads(a);
  if (!a.read_only()) a.device().backend().host_writes(a);
}

constexpr const char* kNotForHost =
    "the array lies in memory that the host cannot read; numpy.asarray(a) copies it";

nb::dict interface_dict(const Array& a) {
  wait_for(a);
  nb::dict d;
  d["shape"] = dims_tuple(a.shape());
  d["typestr"] = typestr(a.dtype());
  d["data"] = nb::make_tuple(reinterpret_cast<uintptr_t>(a.data()), a.read_only());
  d["strides"] = dims_tuple(a.strides(), static_cast<int64_t>(size_of(a.dtype())));
  d["version"] = 3;
  return d;
}

dlpack::DeviceType device_type(const Array& a) {
  if (a.host_visible()) return dlpack::kCpu;
  return a.device().unified_memory() ? dlpack::kMetal : dlpack::kCuda;
}

// What a DLPack consumer holds: the array, so that the memory stays, and the dimensions.
template <class Managed>
struct Exported {
  Managed managed;
  Array array;
  Dims shape, strides;
};

template <class Managed>
nb::object make_capsule(const Array& array, dlpack::DeviceType where, bool copied,
                        const char* name) {
  auto* held = new Exported<Managed>{{}, array, array.shape(), array.strides()};
  void* data = array.data();
  size_t offset = 0;
  if (where == dlpack::kMetal) std::tie(data, offset) = array.device().backend().object_of(array);
  held->managed.tensor = {data,
                          {where, 0},
                          array.rank(),
                          dlpack_type(array.dtype()),
                          held->shape.begin(),
                          held->strides.begin(),
                          offset};
  held->managed.context = held;
  held->managed.deleter = [](Managed* m) { delete static_cast<Exported<Managed>*>(m->context); };
  if constexpr (std::is_same_v<Managed, dlpack::ManagedVersioned>) {
    held->managed.version = {1, 1};
    held->managed.flags =
        (array.read_only() ? dlpack::kReadOnly : 0) | (copied ? dlpack::kCopied : 0);
  }
  // A consumer renames the capsule and takes over; one that nobody consumed frees what it holds.
  nb::object capsule = nb::steal(PyCapsule_New(&held->managed, name, [](PyObject* c) {
    const char* current = PyCapsule_GetName(c);
    if (current && std::string_view(current).substr(0, 4) == "used") return;
    auto* m = static_cast<Managed*>(PyCapsule_GetPointer(c, current));
    if (m) m->deleter(m);
  }));
  if (!capsule) {
    delete held;
    nb::raise_python_error();
  }
  return capsule;
}

}  // namespace

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  const Array& a = nb::cast<Array&>(nb::handle(self));
  if (!a.host_visible()) return refuse(view, kNotForHost);
  const bool c = a.row_major(), fortran = a.column_major();
  if (asks(flags, PyBUF_WRITABLE) && a.read_only()) return refuse(view, "the array is read-only");
  if (asks(flags, PyBUF_C_CONTIGUOUS) && !c) return refuse(view, "the array is not C-contiguous");
  if (asks(flags, PyBUF_F_CONTIGUOUS) && !fortran) {
    return refuse(view, "the array is not Fortran-contiguous");
  }
  if (asks(flags, PyBUF_ANY_CONTIGUOUS) && !c && !fortran) {
    return refuse(view, "the array is not contiguous");
  }
  if (!asks(flags, PyBUF_STRIDES) && !c) {
    return refuse(view, "the array is not C-contiguous and the request has no strides");
  }
  const char* format = buffer_format(a.dtype());
  if (asks(flags, PyBUF_FORMAT) && !format) {
    return refuse(view, "bfloat16 has no buffer format; numpy.asarray gives a view");
  }
  try {
    wait_for(a);
  } catch (const DeviceError& e) {
    return refuse(view, e.what());
  }
  const auto item = static_cast<Py_ssize_t>(size_of(a.dtype()));
  auto* dims = new BufferDims;
  for (int i = 0; i < a.rank(); ++i) {
    dims->shape[i] = a.shape(i);
    dims->strides[i] = a.stride(i) * item;
  }
  view->buf = a.data();
  view->obj = Py_NewRef(self);
  view->len = static_cast<Py_ssize_t>(a.bytes());
  view->itemsize = item;
  view->readonly = a.read_only();
  view->ndim = a.rank();
  view->format = asks(flags, PyBUF_FORMAT) ? const_cast<char*>(format) : nullptr;
  view->shape = asks(flags, PyBUF_ND) ? dims->shape : nullptr;
  view->strides = asks(flags, PyBUF_STRIDES) ? dims->strides : nullptr;
  view->suboffsets = nullptr;
  view->internal = dims;
  return 0;
}

void release_buffer(PyObject*, Py_buffer* view) { delete static_cast<BufferDims*>(view->internal); }

nb::object array_interface(nb::handle_t<Array> self) {
  const Array& a = nb::cast<const Array&>(self);
  if (a.dtype() == DType::bf16) {
    throw nb::attribute_error("__array_interface__: bfloat16 has no type string");
  }
  if (!a.host_visible()) throw nb::attribute_error(kNotForHost);
  return interface_dict(a);
}

nb::object to_numpy(nb::handle_t<Array> self) {
  const Array& given = nb::cast<const Array&>(self);
  if (!given.host_visible()) {
    const Array near = without_gil(given.device(), given.bytes(), [&] { return on_host(given); });
    return to_numpy(nb::cast(near));
  }
  const Array& a = given;
  const nb::module_ numpy = nb::module_::import_("numpy");
  // An object that shows the memory and keeps the array alive; NumPy makes it the base of its view.
  nb::object holder = nb::module_::import_("types").attr("SimpleNamespace")();
  holder.attr("__array_interface__") = interface_dict(a);
  holder.attr("array") = self;
  nb::object view = numpy.attr("asarray")(holder);
  if (a.dtype() != DType::bf16) return view;
  return view.attr("view")(nb::module_::import_("ml_dtypes").attr("bfloat16"));
}

nb::tuple dlpack_device(const Array& a) {
  return nb::make_tuple(static_cast<int>(device_type(a)), 0);
}

nb::object to_dlpack(nb::handle_t<Array> self, bool waits, DLPackPair max_version,
                     DLPackPair dl_device, std::optional<bool> copy_requested) {
  Array a = nb::cast<const Array&>(self);
  bool copied = copy_requested == true;
  auto where = device_type(a);
  const auto is = [&](dlpack::DeviceType type) {
    return *dl_device == std::pair<int, int>(type, 0);
  };
  if (dl_device && is(dlpack::kMetal) && a.device().backend().object_of(a).first) {
    where = dlpack::kMetal;  // the same memory
  }
  const bool elsewhere = dl_device && !is(where);
  if (elsewhere && (!is(dlpack::kCpu) || copy_requested == false)) {
    throw nb::buffer_error(
        cat("__dlpack__: the array is on DLPack device (", static_cast<int>(device_type(a)), ", 0)")
            .c_str());
  }
  if (elsewhere) {
    a = without_gil(a.device(), a.bytes(), [&] { return on_host(a); });
    where = dlpack::kCpu;
    copied = true;
  } else if (copied) {
    a = copy(a);
  }
  if (waits || where == dlpack::kCpu) wait_for(a);
  if (max_version && max_version->first >= 1) {
    return make_capsule<dlpack::ManagedVersioned>(a, where, copied, "dltensor_versioned");
  }
  if (a.read_only()) {
    throw nb::buffer_error("__dlpack__: a read-only array needs a consumer of DLPack 1.0");
  }
  return make_capsule<dlpack::Managed>(a, where, copied, "dltensor");
}

}  // namespace bitmetal::python
