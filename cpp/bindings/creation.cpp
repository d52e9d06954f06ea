// New arrays, and other libraries' memory as one.
#include <cmath>
#include <string>

#include "bindings/bindings.h"
#include "bindings/elementwise.h"
#include "core/backend.h"
#include "ops/perform.h"

namespace bitmetal::python {
namespace {

Array create(const char* op, nb::handle shape, double value, nb::handle dtype, nb::handle device) {
  const Dims dims = parse_dims(op, "shape", shape);
  const DType type = parse_dtype(op, dtype, DType::f32);
  Device& where = parse_device(device);
  return without_gil(where, checked_size(dims, type) * size_of(type),
                     [&] { return full(dims, value, type, where); });
}

Array asarray(nb::handle object, nb::handle dtype, nb::handle device,
              std::optional<bool> copy_requested) {
  const char* op = "asarray";
  Array a = to_shared_array(op, "object", object);
  const bool never = copy_requested == false;
  const bool always = copy_requested == true;
  const std::byte* given = a.data();
  const bool made_here = !a.storage()->foreign() && !nb::isinstance<Array>(object);
  if (never && made_here) {
    fail<ValueError>(op, ": object cannot be shown without a copy (copy=False)");
  }
  if (!dtype.is_none()) {
    const DType type = parse_dtype(op, dtype);
    if (type != a.dtype()) a = without_gil(a.device(), a.bytes(), [&] { return astype(a, type); });
  }
  // Without a request an Array stays where it is; anything else goes to the default device.
  if (!device.is_none() || !nb::isinstance<Array>(object)) a = to_device(a, parse_device(device));
  if (never && a.data() != given) {
    fail<ValueError>(op, ": the conversion needs a copy (copy=False)");
  }
  return always && a.data() == given && !made_here
             ? without_gil(a.device(), a.bytes(), [&] { return copy(a); })
             : a;
}

constexpr const char* kCreationDoc = R"(%s

Parameters
----------
shape : int or sequence of int
    Sizes of the dimensions, at most 16 of them.
dtype : dtype-like
    The element type.
device : Device or str, optional
    Where the array lives; the default device if None.

Returns
-------
Array
    Row-major; its memory is page-aligned and comes from the device's pool.

Raises
------
MemoryError
    If there is no memory left, or the limit set with `bitmetal.memory.set_limit` would be passed.
)";

std::string creation_doc(const char* first) {
  std::string text = kCreationDoc;
  return text.replace(text.find("%s"), 2, first);
}

// Every element is `value`, or what it broadcasts to.
Array filled(const char* op, const Dims& shape, nb::handle value, DType dtype, Device& device) {
  constexpr int64_t kExact = int64_t{1} << 53;  // integers beyond are not all doubles
  Number number;
  if (number_of(value, number) && (number.kind == NumberKind::real ||
                                   (-kExact <= number.integer && number.integer <= kExact))) {
    return without_gil(device, checked_size(shape, dtype) * size_of(dtype),
                       [&] { return full(shape, number.real, dtype, device); });
  }
  const Array source = broadcast_to(to_array(op, "fill_value", value, device), shape);
  const Array out(shape, dtype, device);
  if (out.size() > 0) {
    without_gil(device, out.bytes(), [&] { perform<&Backend::copy>(device, source, out); });
  }
  return out;
}

struct Like {
  Dims shape;
  DType dtype;
  Device* device;
};
Like parse_like(const char* op, nb::handle a, nb::handle dtype, nb::handle device) {
  const Array like = to_shared_array(op, "a", a);
  return {like.shape(), parse_dtype(op, dtype, like.dtype()),
          device.is_none() ? &device_of({a}) : &parse_device(device)};
}

std::string like_doc(const char* first) {
  return cat(first, R"(

Parameters
----------
a : array-like
    Gives the shape, and what is not given.
dtype : dtype-like, optional
    The element type; that of `a` if None.
device : Device or str, optional
    Where the array lives; where `a` does if None.

Returns
-------
Array
    Row-major.
)");
}

template <class Make>
void bind_like(nb::module_& m, const char* name, const char* first, Make make) {
  m.def(
      name,
      [name, make](nb::handle a, nb::handle dtype, nb::handle device) {
        const Like like = parse_like(name, a, dtype, device);
        return without_gil(*like.device, checked_size(like.shape, like.dtype),
                           [&] { return make(like.shape, like.dtype, *like.device); });
      },
      "a"_a, "dtype"_a = nb::none(), nb::kw_only(), "device"_a = nb::none(),
      nb::sig(cat("def ", name,
                  "(a: ArrayLike, dtype: DTypeLike | None = None, *, "
                  "device: DeviceLike | None = None) -> Array")
                  .c_str()),
      like_doc(first).c_str());
}

Number parse_number(const char* op, const char* name, nb::handle object) {
  Number number;
  if (number_of(object, number)) return number;
  if (nb::object index = nb::steal(PyNumber_Index(object.ptr())); index) {
    number_of(index, number);
    return number;
  }
  PyErr_Clear();
  const double real = PyFloat_AsDouble(object.ptr());
  if (real == -1.0 && PyErr_Occurred()) {
    PyErr_Clear();
    fail<TypeError>(op, ": ", name, " is of type '", Py_TYPE(object.ptr())->tp_name,
                    "', expected a number");
  }
  return {NumberKind::real, 0, real};
}

Array arange(nb::handle start, nb::handle stop, nb::handle step, nb::handle dtype, Device& device) {
  const char* op = "arange";
  Number first = parse_number(op, "start", start), last;
  if (stop.is_none()) {
    last = first;
    first = {NumberKind::integer, 0, 0};
  } else {
    last = parse_number(op, "stop", stop);
  }
  const Number by = parse_number(op, "step", step);
  if (by.real == 0) fail<ValueError>("arange: step is 0");
  const bool real = first.kind == NumberKind::real || last.kind == NumberKind::real ||
                    by.kind == NumberKind::real;
  const DType type = parse_dtype(op, dtype, real ? DType::f32 : DType::i64);
  const double count = std::max(std::ceil((last.real - first.real) / by.real), 0.0);
  if (!(count < 0x1p62)) fail<ValueError>("arange: the range has ", count, " elements");
  if (real) {
    return range(first.real, by.real, static_cast<int64_t>(count), type, device);
  }
  if (!first.fits_int64 || !last.fits_int64 || !by.fits_int64) {
    fail<OverflowError>("arange: a bound is out of range for int64");
  }
  const __int128 span = static_cast<__int128>(last.integer) - first.integer;
  const __int128 steps =
      span / by.integer + (span % by.integer != 0 && (span < 0) == (by.integer < 0));
  return range(first.integer, by.integer, std::max<int64_t>(0, static_cast<int64_t>(steps)), type,
               device);
}

}  // namespace

void bind_creation(nb::module_& m) {
  m.def(
      "empty",
      [](nb::handle shape, nb::handle dtype, nb::handle device) {
        return Array(parse_dims("empty", "shape", shape), parse_dtype("empty", dtype, DType::f32),
                     parse_device(device));
      },
      "shape"_a, "dtype"_a = nb::none(), nb::kw_only(), "device"_a = nb::none(),
      nb::sig("def empty(shape: ShapeLike, dtype: DTypeLike | None = None, *, "
              "device: DeviceLike | None = None) -> Array"),
      creation_doc("A new array with arbitrary contents.").c_str());
  m.def(
      "zeros",
      [](nb::handle shape, nb::handle dtype, nb::handle device) {
        return create("zeros", shape, 0.0, dtype, device);
      },
      "shape"_a, "dtype"_a = nb::none(), nb::kw_only(), "device"_a = nb::none(),
      nb::sig("def zeros(shape: ShapeLike, dtype: DTypeLike | None = None, *, "
              "device: DeviceLike | None = None) -> Array"),
      creation_doc("A new array of zeros.").c_str());
  m.def(
      "ones",
      [](nb::handle shape, nb::handle dtype, nb::handle device) {
        return create("ones", shape, 1.0, dtype, device);
      },
      "shape"_a, "dtype"_a = nb::none(), nb::kw_only(), "device"_a = nb::none(),
      nb::sig("def ones(shape: ShapeLike, dtype: DTypeLike | None = None, *, "
              "device: DeviceLike | None = None) -> Array"),
      creation_doc("A new array of ones.").c_str());
  m.def(
      "full",
      [](nb::handle shape, nb::handle value, nb::handle dtype, nb::handle device) {
        const Dims dims = parse_dims("full", "shape", shape);
        return filled("full", dims, value, parse_dtype("full", dtype, DType::f32),
                      parse_device(device));
      },
      "shape"_a, "fill_value"_a, "dtype"_a = nb::none(), nb::kw_only(), "device"_a = nb::none(),
      nb::sig("def full(shape: ShapeLike, fill_value: ArrayLike, dtype: DTypeLike | None = None, "
              "*, device: DeviceLike | None = None) -> Array"),
      creation_doc("A new array of one value, rounded to the element type; of several, where they "
                   "broadcast to the shape.")
          .c_str());
  bind_like(
      m, "empty_like", "A new array with arbitrary contents, in the shape of another one.",
      [](const Dims& shape, DType dtype, Device& device) { return Array(shape, dtype, device); });
  bind_like(m, "zeros_like", "A new array of zeros in the shape of another one.",
            [](const Dims& shape, DType dtype, Device& device) {
              return full(shape, 0.0, dtype, device);
            });
  bind_like(m, "ones_like", "A new array of ones in the shape of another one.",
            [](const Dims& shape, DType dtype, Device& device) {
              return full(shape, 1.0, dtype, device);
            });
  m.def(
      "full_like",
      [](nb::handle a, nb::handle value, nb::handle dtype, nb::handle device) {
        const Like like = parse_like("full_like", a, dtype, device);
        return filled("full_like", like.shape, value, like.dtype, *like.device);
      },
      "a"_a, "fill_value"_a, "dtype"_a = nb::none(), nb::kw_only(), "device"_a = nb::none(),
      nb::sig("def full_like(a: ArrayLike, fill_value: ArrayLike, dtype: DTypeLike | None = None, "
              "*, device: DeviceLike | None = None) -> Array"),
      like_doc("A new array of one value in the shape of another one.").c_str());
  m.def(
      "arange",
      [](nb::handle start, nb::handle stop, nb::handle step, nb::handle dtype, nb::handle device) {
        return arange(start, stop, step, dtype, parse_device(device));
      },
      "start"_a, "stop"_a = nb::none(), "step"_a = 1, "dtype"_a = nb::none(), nb::kw_only(),
      "device"_a = nb::none(),
      nb::sig("def arange(start: float, stop: float | None = None, step: float = 1, "
              "dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array"),
      R"(start, start + step, ... up to, and without, stop.

Parameters
----------
start, stop, step : int or float
    With one of them, from 0 to it. `step` is not 0.
dtype : dtype-like, optional
    int64 where all three are ints, else float32.
device : Device or str, optional
    Where the array lives; the default device if None.

Returns
-------
Array
    ceil((stop - start) / step) elements, none if that is negative.
)");
  m.def(
      "linspace",
      [](double start, double stop, int64_t num, bool endpoint, nb::handle dtype,
         nb::handle device) {
        if (num < 0) fail<ValueError>("linspace: num is ", num, ", expected 0 or more");
        const double intervals = static_cast<double>(endpoint ? num - 1 : num);
        const double step = intervals > 0 ? (stop - start) / intervals : 0;
        const Array out = range(start, step, num, parse_dtype("linspace", dtype, DType::f32),
                                parse_device(device));
        if (endpoint && num > 1) {
          const Array last = out.with({}, {}, num - 1);
          perform<&Backend::fill>(last.device(), last, stop);
        }
        return out;
      },
      "start"_a, "stop"_a, "num"_a = 50, "endpoint"_a = true, "dtype"_a = nb::none(), nb::kw_only(),
      "device"_a = nb::none(),
      nb::sig("def linspace(start: float, stop: float, num: int = 50, endpoint: bool = True, "
              "dtype: DTypeLike | None = None, *, device: DeviceLike | None = None) -> Array"),
      R"(Numbers at equal distances from start to stop.

Parameters
----------
start, stop : float
    The first one, and the last one or its successor.
num : int
    How many.
endpoint : bool
    Whether `stop` is the last one.
dtype : dtype-like, optional
    float32 if None.
device : Device or str, optional
    Where the array lives; the default device if None.

Returns
-------
Array
)");
  m.def("asarray", &asarray, "object"_a.none(), "dtype"_a = nb::none(), nb::kw_only(),
        "device"_a = nb::none(), "copy"_a = nb::none(),
        nb::sig("def asarray(object: ArrayLike, dtype: DTypeLike | None = None, *, "
                "device: DeviceLike | None = None, copy: bool | None = None) -> Array"),
        R"(An array from anything that holds numbers.

Memory is shared, not copied, for objects with the buffer protocol, ``__array_interface__`` or DLPack
(NumPy, PyTorch, MLX, memoryview, ...), as long as it is aligned to its elements; `Array.shares_memory`
tells. Python floats become float32 and ints int64.

Parameters
----------
object : array-like
    What to read.
dtype : dtype-like, optional
    Convert to this type.
device : Device or str, optional
    Where the array is to live; if None, an Array stays where it is and anything else goes to the default
    device.
copy : bool, optional
    True always copies; False raises where a copy is needed; None copies where it must.

Returns
-------
Array

Raises
------
TypeError
    If the elements have no counterpart here (complex numbers, big-endian, strings, ...).
ValueError
    If ``copy=False`` and a copy is needed.
)");
  m.def(
      "from_dlpack",
      [](nb::handle object) {
        if (!nb::hasattr(object, "__dlpack__")) {
          fail<TypeError>("from_dlpack: object is of type '", Py_TYPE(object.ptr())->tp_name,
                          "', which has no __dlpack__");
        }
        return to_shared_array("from_dlpack", "object", object);
      },
      "object"_a.none(), nb::sig("def from_dlpack(object: SupportsDLPack) -> Array"),
      R"(An array over the memory of an object with ``__dlpack__``; nothing is copied.

Parameters
----------
object : object with ``__dlpack__``
    Its memory is the host's, or a buffer of one of the Metal devices (PyTorch's ``mps`` tensors). What
    others have under way on a buffer must be done before it is used here: synchronize them first.

Returns
-------
Array
    On the cpu device, or on the buffer's.
)");
}

}  // namespace bitmetal::python
