#include <string>

#include "bindings/bindings.h"
#include "bindings/dlpack.h"
#include "bindings/elementwise.h"
#include "core/backend.h"
#include "ops/perform.h"

namespace bitmetal::python {
namespace {

nb::tuple to_tuple(const Dims& dims) {
  nb::list list;
  for (int64_t v : dims) list.append(v);
  return nb::tuple(list);
}

bool is_integer(nb::handle object) {
  return PyIndex_Check(object.ptr()) && !PyBool_Check(object.ptr());
}

// NumPy's basic indexing: integers, slices, None and one ellipsis. Always a view.
Array index_view(const Array& a, nb::handle key) {
  nb::tuple keys =
      nb::isinstance<nb::tuple>(key) ? nb::borrow<nb::tuple>(key) : nb::make_tuple(key);
  int used = 0, ellipses = 0;
  for (nb::handle k : keys) {
    if (k.is(nb::ellipsis())) {
      ++ellipses;
    } else if (is_integer(k) || PySlice_Check(k.ptr())) {
      ++used;
    } else if (!k.is_none()) {
      fail<TypeError>("index: ", nb::cast<std::string>(nb::repr(k)),
                      " is not an integer, a slice, None or an ellipsis");
    }
  }
  if (used > a.rank() || ellipses > 1) {
    fail<IndexError>("index: ", ellipses > 1 ? "more than one ellipsis" : "too many indices",
                     " for an array of ", a.rank(), " dimensions");
  }
  Dims shape, strides;
  int64_t offset = 0;
  int axis = 0;
  const auto take_all = [&](int count) {
    for (; count > 0; --count, ++axis) {
      shape.push_back(a.shape(axis));
      strides.push_back(a.stride(axis));
    }
  };
  for (nb::handle k : keys) {
    if (k.is_none()) {
      shape.push_back(1);
      strides.push_back(0);
    } else if (k.is(nb::ellipsis())) {
      take_all(a.rank() - used);
    } else if (PySlice_Check(k.ptr())) {
      Py_ssize_t start, stop, step;
      if (PySlice_Unpack(k.ptr(), &start, &stop, &step) != 0) nb::raise_python_error();
      const Py_ssize_t n = PySlice_AdjustIndices(a.shape(axis), &start, &stop, step);
      shape.push_back(n);
      strides.push_back(n > 1 ? a.stride(axis) * step : a.stride(axis));
      if (n > 0) offset += start * a.stride(axis);
      ++axis;
    } else {
      const Py_ssize_t i = PyNumber_AsSsize_t(k.ptr(), PyExc_IndexError);
      if (i == -1 && PyErr_Occurred()) nb::raise_python_error();
      const int64_t n = a.shape(axis);
      if (i < -n || i >= n) {
        fail<IndexError>("index: ", i, " is out of range for axis ", axis, " of size ", n);
      }
      offset += (i < 0 ? i + n : i) * a.stride(axis);
      ++axis;
    }
  }
  take_all(a.rank() - axis);
  return a.with(shape, strides, offset);
}

void assign(const Array& target, nb::handle value) {
  if (target.read_only()) fail<ValueError>("assignment: the array is read-only");
  Array source = to_array("assignment", "value", value, target.device());
  if (&source.device() != &target.device()) source = to_device(source, target.device());
  source = broadcast_to(source, target.shape());
  if (target.size() == 0) return;
  // a[key] += b assigns to the view what it already holds.
  if (source.data() == target.data() && source.dtype() == target.dtype() &&
      source.strides() == target.strides()) {
    return;
  }
  if (may_overlap(source, target)) source = copy(source);
  without_gil(target.device(), target.bytes(),
              [&] { perform<&Backend::copy>(target.device(), source, target); });
}

nb::object item(const Array& a) {
  if (a.size() != 1) {
    fail<ValueError>("item: the array has ", a.size(), " elements, expected one");
  }
  return nb::cast(a);
}

nb::object to_scalar(nb::handle_t<Array> self) {
  item(nb::cast<const Array&>(self));
  return to_numpy(self).attr("item")();
}

PyType_Slot kBufferSlots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
                              {Py_bf_releasebuffer, reinterpret_cast<void*>(release_buffer)},
                              {0, nullptr}};

}  // namespace

void bind_arrays(nb::module_& m) {
  nb::class_<Array> cls(m, "Array", nb::type_slots(kBufferSlots),
                        R"(An n-dimensional array on a device.

Made by `asarray`, `empty`, `zeros`, `ones`, `full` and by every operation. Views (``a[1:]``, ``a.T``,
`reshape` where strides allow) share memory. NumPy reads an array in place: ``numpy.asarray(a)``.
)");
  cls.def_prop_ro(
         "shape", [](const Array& a) { return to_tuple(a.shape()); },
         nb::sig("def shape(self) -> tuple[int, ...]"), "Sizes of the dimensions.")
      .def_prop_ro(
          "strides",
          [](const Array& a) {
            Dims bytes = a.strides();
            for (int64_t& s : bytes) s *= static_cast<int64_t>(size_of(a.dtype()));
            return to_tuple(bytes);
          },
          nb::sig("def strides(self) -> tuple[int, ...]"), "Bytes from one index to the next.")
      .def_prop_ro(
          "dtype", [](const Array& a) { return DTypeObject{a.dtype()}; }, "The element type.")
      .def_prop_ro("ndim", &Array::rank, "The number of dimensions.")
      .def_prop_ro("size", &Array::size, "The number of elements.")
      .def_prop_ro("nbytes", &Array::bytes, "Bytes of all elements.")
      .def_prop_ro(
          "itemsize", [](const Array& a) { return size_of(a.dtype()); }, "Bytes of one element.")
      .def_prop_ro(
          "device", [](const Array& a) { return &a.device(); }, nb::rv_policy::reference,
          "The device that it lives on.")
      .def_prop_ro("readonly", &Array::read_only, "Whether its memory must not be written.")
      .def_prop_ro(
          "shares_memory", [](const Array& a) { return a.storage()->foreign(); },
          "Whether its memory belongs to another library's object.")
      .def_prop_ro(
          "T", [](const Array& a) { return transpose(a); }, "A view with the axes reversed.")
      .def(
          "reshape",
          [](const Array& a, nb::args shape) {
            const bool one = shape.size() == 1 && !is_integer(shape[0]);
            return reshape(a, parse_dims("reshape", "shape", one ? shape[0] : nb::handle(shape)));
          },
          nb::sig("def reshape(self, *shape: int | Sequence[int]) -> Array"),
          "The same elements with another shape; one size may be -1. A view where strides allow "
          "it.")
      .def(
          "permute",
          [](const Array& a, nb::args axes) {
            const bool one = axes.size() == 1 && !is_integer(axes[0]);
            return permute(a, parse_dims("permute", "axes", one ? axes[0] : nb::handle(axes)));
          },
          nb::sig("def permute(self, *axes: int | Sequence[int]) -> Array"),
          "A view with the axes in another order.")
      .def(
          "transpose",
          [](const Array& a, nb::args axes) {
            if (axes.size() == 0) return transpose(a);
            const bool one = axes.size() == 1 && !is_integer(axes[0]);
            return transpose(a, parse_dims("transpose", "axes", one ? axes[0] : nb::handle(axes)));
          },
          nb::sig("def transpose(self, *axes: int | Sequence[int]) -> Array"),
          "A view with the axes reversed, or in the order given.")
      .def(
          "astype",
          [](const Array& a, nb::handle dtype) {
            const DType type = parse_dtype("astype", dtype);
            return without_gil(a.device(), a.bytes(), [&] { return astype(a, type); });
          },
          "dtype"_a, nb::sig("def astype(self, dtype: DTypeLike) -> Array"),
          "A copy with another element type: correctly rounded; floats truncate to integers.")
      .def(
          "copy",
          [](const Array& a) {
            return without_gil(a.device(), a.bytes(), [&] { return copy(a); });
          },
          "A row-major copy.")
      .def(
          "to",
          [](const Array& a, nb::handle device) { return to_device(a, parse_device(device)); },
          "device"_a, nb::sig("def to(self, device: DeviceLike) -> Array"),
          "The array on a device; the array itself if it is there.")
      .def(
          "wait",
          [](nb::handle_t<Array> self) {
            const Array& a = nb::cast<const Array&>(self);
            {
              nb::gil_scoped_release released;
              a.device().backend().host_reads(a);
            }
            return nb::borrow(self);
          },
          nb::sig("def wait(self) -> Array"),
          R"(Return the array once its elements are computed.

Raises
------
DeviceError
    If the device failed to compute them.
)")
      .def("numpy", &to_numpy, nb::sig("def numpy(self) -> NumpyArray"),
           "A NumPy view of the memory; nothing is copied.")
      .def("item", &to_scalar, nb::sig("def item(self) -> int | float | bool"),
           "The one element as a Python number.")
      .def(
          "tolist", [](nb::handle_t<Array> self) { return to_numpy(self).attr("tolist")(); },
          nb::sig("def tolist(self) -> Any"), "Nested lists of Python numbers.")
      .def("__getitem__", &index_view, "key"_a.none(),
           nb::sig("def __getitem__(self, key: Index, /) -> Array"))
      .def(
          "__setitem__",
          [](const Array& a, nb::handle key, nb::handle value) {
            assign(index_view(a, key), value);
          },
          "key"_a.none(), "value"_a,
          nb::sig("def __setitem__(self, key: Index, value: ArrayLike, /) -> None"))
      .def("__len__",
           [](const Array& a) {
             if (a.rank() == 0) fail<TypeError>("len: the array has no dimensions");
             return a.shape(0);
           })
      .def(
          "__matmul__",
          [](const Array& a, nb::handle b) {
            const Array other = to_array("matmul", "b", b, a.device());
            return without_gil(a.device(), a.bytes() + other.bytes(),
                               [&] { return matmul(a, other); });
          },
          nb::sig("def __matmul__(self, other: ArrayLike, /) -> Array"))
      .def(
          "__rmatmul__",
          [](const Array& b, nb::handle a) {
            const Array other = to_array("matmul", "a", a, b.device());
            return without_gil(b.device(), b.bytes() + other.bytes(),
                               [&] { return matmul(other, b); });
          },
          nb::sig("def __rmatmul__(self, other: ArrayLike, /) -> Array"))
      .def("__bool__",
           [](nb::handle_t<Array> self) {
             if (const Array& a = nb::cast<const Array&>(self); a.size() != 1) {
               fail<ValueError>("bool: an array of ", a.size(),
                                " elements is neither true nor false; expected one element");
             }
             return PyObject_IsTrue(to_scalar(self).ptr()) == 1;
           })
      .def("__float__",
           [](nb::handle_t<Array> self) { return PyFloat_AsDouble(to_scalar(self).ptr()); })
      .def(
          "__int__",
          [](nb::handle_t<Array> self) { return nb::steal(PyNumber_Long(to_scalar(self).ptr())); },
          nb::sig("def __int__(self) -> int"))
      .def("__repr__",
           [](nb::handle_t<Array> self) {
             const Array& a = nb::cast<const Array&>(self);
             const nb::object values = nb::module_::import_("numpy").attr("array2string")(
                 to_numpy(self), "separator"_a = ", ", "prefix"_a = "Array(");
             return nb::str(cat("Array(", nb::cast<std::string>(values), ", dtype=",
                                bitmetal::name_of(a.dtype()), ", device='", a.device().kind(), "')")
                                .c_str());
           })
      .def(
          "__array__",
          [](nb::handle_t<Array> self, nb::handle dtype, std::optional<bool> copy_requested) {
            nb::object view = to_numpy(self);
            const bool never = copy_requested == false;
            if (!dtype.is_none()) return view.attr("astype")(dtype, "copy"_a = !never);
            return copy_requested == true ? nb::object(view.attr("copy")()) : view;
          },
          "dtype"_a = nb::none(), "copy"_a = nb::none(),
          nb::sig(
              "def __array__(self, dtype: NumpyDType[Any] | None = None, copy: bool | None = None) "
              "-> NumpyArray"))
      .def_prop_ro("__array_interface__", &array_interface,
                   nb::sig("def __array_interface__(self) -> dict[str, object]"))
      .def(
          "__dlpack__",
          [](nb::handle_t<Array> self, nb::handle stream, DLPackPair max_version,
             DLPackPair dl_device, std::optional<bool> copy_requested) {
            int64_t number;
            const bool waits = !nb::try_cast(stream, number) || number != -1;
            return to_dlpack(self, waits, max_version, dl_device, copy_requested);
          },
          nb::kw_only(), "stream"_a = nb::none(), "max_version"_a = nb::none(),
          "dl_device"_a = nb::none(), "copy"_a = nb::none(),
          nb::sig("def __dlpack__(self, *, stream: object = None, "
                  "max_version: tuple[int, int] | None = None, "
                  "dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> object"))
      .def("__dlpack_device__", &dlpack_device,
           nb::sig("def __dlpack_device__(self) -> tuple[int, int]"));
  bind_operators(cls);
  bind_creation(m);
}

}  // namespace bitmetal::python
