#include <vector>

#include "bindings/bindings.h"

namespace bitmetal::python {
namespace {

struct Sequence {
  std::vector<Array> arrays;
  size_t bytes = 0;
};

Sequence parse_arrays(const char* op, nb::handle objects) {
  if (!PySequence_Check(objects.ptr()) || nb::isinstance<Array>(objects)) {
    fail<TypeError>(op, ": arrays is of type '", Py_TYPE(objects.ptr())->tp_name,
                    "', expected a sequence of arrays");
  }
  Device* device = nullptr;
  const size_t n = nb::len(objects);
  for (size_t i = 0; i < n && !device; ++i) {
    if (nb::object item = objects[i]; nb::isinstance<Array>(item)) device = &device_of({item});
  }
  if (!device) device = &default_device();
  Sequence found;
  for (size_t i = 0; i < n; ++i) {
    found.arrays.push_back(to_array(op, "an array", nb::object(objects[i]), *device));
    found.bytes += found.arrays.back().bytes();
  }
  return found;
}

}  // namespace

void bind_joining(nb::module_& m) {
  m.def(
      "concatenate",
      [](nb::handle arrays, nb::handle axis, nb::handle out) {
        Sequence given = parse_arrays("concatenate", arrays);
        if (axis.is_none()) {
          for (Array& array : given.arrays) array = reshape(array, {-1});
        }
        const int64_t along = axis.is_none() ? 0 : parse_dims("concatenate", "axis", axis)[0];
        const auto target = to_output("concatenate", out);
        Device& device = given.arrays.empty() ? default_device() : given.arrays[0].device();
        return result(out, without_gil(device, given.bytes,
                                       [&] { return concatenate(given.arrays, along, target); }));
      },
      "arrays"_a, nb::arg("axis").none() = 0, nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def concatenate(arrays: Sequence[ArrayLike], axis: int | None = 0, *, "
              "out: Array | None = None) -> Array"),
      R"(Arrays one after another along an axis.

Parameters
----------
arrays : sequence of array-like
    At least one; equal shapes but for that axis.
axis : int, optional
    The axis; None joins the elements of all arrays in row-major order.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    Of the arrays' common type.
)");
  m.def(
      "stack",
      [](nb::handle arrays, int64_t axis, nb::handle out) {
        const Sequence given = parse_arrays("stack", arrays);
        const auto target = to_output("stack", out);
        Device& device = given.arrays.empty() ? default_device() : given.arrays[0].device();
        return result(out, without_gil(device, given.bytes,
                                       [&] { return stack(given.arrays, axis, target); }));
      },
      "arrays"_a, "axis"_a = 0, nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def stack(arrays: Sequence[ArrayLike], axis: int = 0, *, out: Array | None = None) "
              "-> Array"),
      R"(Arrays of one shape along a new axis.

Parameters
----------
arrays : sequence of array-like
    At least one; of equal shapes.
axis : int
    Where the new axis stands in the result.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    Of the arrays' common type.
)");
  m.def(
      "take",
      [](nb::handle a, nb::handle indices, nb::handle axis, nb::handle out) {
        Device& device = device_of({a, indices});
        Array in = to_array("take", "a", a, device);
        if (axis.is_none()) in = reshape(in, {-1});
        const int64_t along = axis.is_none() ? 0 : parse_dims("take", "axis", axis)[0];
        const Array at = to_array("take", "indices", indices, device);
        const auto target = to_output("take", out);
        return result(out, without_gil(device, in.bytes() + at.bytes(),
                                       [&] { return take(in, at, along, target); }));
      },
      "a"_a, "indices"_a, "axis"_a = nb::none(), nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def take(a: ArrayLike, indices: ArrayLike, axis: int | None = None, *, "
              "out: Array | None = None) -> Array"),
      R"(The elements with given indices along an axis.

Parameters
----------
a : array-like
    Any shape.
indices : array-like
    int64 or int32, any shape; negative ones count from the end.
axis : int, optional
    The axis; None takes from all elements in row-major order.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    The shape of `a` with that of `indices` in place of the axis.

Raises
------
IndexError
    If an index is out of range. The host looks at the indices, and so waits for them.
)");
  m.def(
      "expand_dims",
      [](nb::handle a, nb::handle axis) {
        return expand_dims(to_array("expand_dims", "a", a, device_of({a})),
                           parse_dims("expand_dims", "axis", axis));
      },
      "a"_a, "axis"_a, nb::sig("def expand_dims(a: ArrayLike, axis: int | Sequence[int]) -> Array"),
      R"(A view with new axes of size 1.

Parameters
----------
a : array-like
    Any shape.
axis : int or sequence of int
    Where they stand in the result.

Returns
-------
Array
)");
  m.def(
      "squeeze",
      [](nb::handle a, nb::handle axis) {
        std::optional<Dims> axes;
        if (!axis.is_none()) axes = parse_dims("squeeze", "axis", axis);
        return squeeze(to_array("squeeze", "a", a, device_of({a})), axes);
      },
      "a"_a, "axis"_a = nb::none(),
      nb::sig("def squeeze(a: ArrayLike, axis: int | Sequence[int] | None = None) -> Array"),
      R"(A view without axes of size 1.

Parameters
----------
a : array-like
    Any shape.
axis : int or sequence of int, optional
    Which of them; all if None.

Returns
-------
Array

Raises
------
ValueError
    If one of them has another size.
)");
}

}  // namespace bitmetal::python
