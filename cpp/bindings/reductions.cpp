#include <cmath>

#include "bindings/bindings.h"

namespace bitmetal::python {
namespace {

constexpr const char* kAxes = "int | tuple[int, ...] | None";

std::string with_parameters(const char* first, const std::string& parameters, const char* notes) {
  return cat(first, R"(

Parameters
----------
a : array-like
    Any shape.
)",
             parameters, R"(out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array

Notes
-----
)",
             notes, '\n');
}

constexpr const char* kAxesDoc =
    "axis : int or tuple of int, optional\n    The axes to reduce; all of them if None.\n";
constexpr const char* kAxisDoc =
    "axis : int, optional\n    The axis to reduce; all of them, in row-major order, if None.\n";
constexpr const char* kDTypeDoc =
    "dtype : dtype, optional\n    Elements are converted to it first; also that of the result.\n";
constexpr const char* kDdofDoc =
    "ddof : float\n    Taken from the number of elements that the squares are divided by.\n";
constexpr const char* kKeepdimsDoc =
    "keepdims : bool\n    Leave reduced axes in the result with size 1.\n";

// An operation's input, of the type that was asked for.
Array input_of(const char* name, nb::handle a, nb::handle dtype) {
  const Array in = to_array(name, "a", a, device_of({a}));
  const DType type = parse_dtype(name, dtype, in.dtype());
  if (type == in.dtype()) return in;
  return without_gil(in.device(), in.bytes(), [&] { return astype(in, type); });
}

// The result of an operation whose own type may be wider than the one that was asked for.
template <class Run>
nb::object result_of(const char* name, const Array& in, nb::handle dtype, nb::handle out, Run run) {
  const auto target = to_output(name, out);
  return result(out, without_gil(in.device(), in.bytes(), [&] {
                  if (dtype.is_none() || target) return run(target);
                  const Array whole = run(target);
                  return whole.dtype() == in.dtype() ? whole : astype(whole, in.dtype());
                }));
}

nb::object run_reduction(Reduction op, nb::handle a, nb::handle axis, nb::handle dtype, double ddof,
                         bool keepdims, nb::handle out) {
  const char* name = bitmetal::name_of(op);
  const Array in = input_of(name, a, dtype);
  std::optional<Dims> axes;
  if (!axis.is_none()) axes = parse_dims(name, "axis", axis);
  return result_of(name, in, dtype, out, [&](const OptionalArray& target) {
    return reduce(op, in, axes, keepdims, target, ddof);
  });
}

// Binds one function as a method too: what the module calls `a` is `self` there.
template <class F, class... Extra>
void bind_both(nb::module_& m, const char* name, F f, const std::string& parameters,
               const std::string& doc, const Extra&... extra) {
  const nb::object array = m.attr("Array");
  m.def(name, f, "a"_a.none(), extra...,
        nb::sig(cat("def ", name, "(a: ArrayLike, ", parameters, ") -> Array").c_str()),
        doc.c_str());
  nb::cpp_function_def(f, nb::scope(array), nb::name(name), nb::is_method(), extra...,
                       nb::sig(cat("def ", name, "(self, ", parameters, ") -> Array").c_str()),
                       cat("As `bitmetal.", name, "`.").c_str());
}

template <Reduction op>
void bind_reduction(nb::module_& m, const char* first, const char* notes) {
  bind_both(
      m, bitmetal::name_of(op),
      [](nb::handle a, nb::handle axis, bool keepdims, nb::handle out) {
        return run_reduction(op, a, axis, nb::none(), 0, keepdims, out);
      },
      cat("axis: ", op == Reduction::argmax || op == Reduction::argmin ? "int | None" : kAxes,
          " = None, *, keepdims: bool = False, out: Array | None = None"),
      with_parameters(first,
                      cat(op == Reduction::argmax || op == Reduction::argmin ? kAxisDoc : kAxesDoc,
                          kKeepdimsDoc),
                      notes),
      "axis"_a = nb::none(), nb::kw_only(), "keepdims"_a = false, "out"_a = nb::none());
}

// Those that sum or multiply, and so can do it in another type.
template <Reduction op>
void bind_total(nb::module_& m, const char* first, const char* notes) {
  bind_both(
      m, bitmetal::name_of(op),
      [](nb::handle a, nb::handle axis, nb::handle dtype, bool keepdims, nb::handle out) {
        return run_reduction(op, a, axis, dtype, 0, keepdims, out);
      },
      cat("axis: ", kAxes,
          " = None, *, dtype: DTypeLike | None = None, keepdims: bool = False, "
          "out: Array | None = None"),
      with_parameters(first, cat(kAxesDoc, kDTypeDoc, kKeepdimsDoc), notes), "axis"_a = nb::none(),
      nb::kw_only(), "dtype"_a = nb::none(), "keepdims"_a = false, "out"_a = nb::none());
}

template <Reduction op>
void bind_variance(nb::module_& m, const char* first, const char* notes) {
  bind_both(
      m, bitmetal::name_of(op),
      [](nb::handle a, nb::handle axis, nb::handle dtype, double ddof, bool keepdims,
         nb::handle out) { return run_reduction(op, a, axis, dtype, ddof, keepdims, out); },
      cat("axis: ", kAxes,
          " = None, *, dtype: DTypeLike | None = None, ddof: float = 0, keepdims: bool = False, "
          "out: Array | None = None"),
      with_parameters(first, cat(kAxesDoc, kDTypeDoc, kDdofDoc, kKeepdimsDoc), notes),
      "axis"_a = nb::none(), nb::kw_only(), "dtype"_a = nb::none(), "ddof"_a = 0.0,
      "keepdims"_a = false, "out"_a = nb::none());
}

template <Scan op>
void bind_scan(nb::module_& m, const char* name, const char* first) {
  bind_both(
      m, name,
      [name](nb::handle a, nb::handle axis, nb::handle dtype, nb::handle out) {
        Array in = input_of(name, a, dtype);
        int64_t along = 0;
        if (axis.is_none()) {
          in = reshape(in, {-1});
        } else {
          const Dims axes = parse_dims(name, "axis", axis);
          if (axes.size() != 1) {
            fail<ValueError>(name, ": axis ", axes, " names ", axes.size(), " axes, expected one");
          }
          along = axes[0];
        }
        return result_of(name, in, dtype, out,
                         [&](const OptionalArray& target) { return scan(op, in, along, target); });
      },
      "axis: int | None = None, *, dtype: DTypeLike | None = None, out: Array | None = None",
      with_parameters(first,
                      cat("axis : int, optional\n    The axis to run along; over all elements in "
                          "row-major order, as a vector, if None.\n",
                          kDTypeDoc),
                      "Integers and booleans are accumulated in int64 (modulo 2^64), floating "
                      "types in float64 on\n"
                      "the cpu device and in float32 on a GPU, sums there in two float32."),
      "axis"_a = nb::none(), nb::kw_only(), "dtype"_a = nb::none(), "out"_a = nb::none());
}

Reduction norm_of_order(nb::handle order) {
  double value = 0;
  if (!nb::try_cast(order, value)) {
    fail<TypeError>("norm: ord is ", nb::cast<std::string>(nb::repr(order)),
                    ", expected 1, 2 or inf");
  }
  if (value == 1) return Reduction::norm1;
  if (value == 2) return Reduction::norm2;
  if (std::isinf(value) && value > 0) return Reduction::norm_inf;
  fail<ValueError>("norm: ord is ", value, ", expected 1, 2 or inf");
}

}  // namespace

void bind_reductions(nb::module_& m) {
  constexpr const char* kNoEmpty =
      "NaN wins. Raises ValueError where there is nothing to reduce over.";
  constexpr const char* kFirst = "The first of equals; the first NaN where there is one.";

  bind_total<Reduction::sum>(
      m, "Sum of elements.",
      "Integers and booleans are summed in int64 (modulo 2^64). float16, bfloat16 and float32 are\n"
      "accumulated in float32 by blocks (pairwise) or better, the same bits for any number of "
      "threads.");
  bind_total<Reduction::prod>(m, "Product of elements.",
                              "Integers and booleans are multiplied in int64 (modulo 2^64). Of "
                              "nothing, 1.");
  bind_total<Reduction::mean>(
      m, "Arithmetic mean of elements.",
      "Accumulates as `sum` does. The mean of integers is float32; of nothing, NaN.");
  bind_reduction<Reduction::max>(m, "Largest element.", kNoEmpty);
  bind_reduction<Reduction::min>(m, "Smallest element.", kNoEmpty);
  bind_reduction<Reduction::argmax>(m, "Index of the largest element (int64).", kFirst);
  bind_reduction<Reduction::argmin>(m, "Index of the smallest element (int64).", kFirst);
  constexpr const char* kSpread =
      "Squares of distances from the mean of each block; blocks are joined by T. F. Chan's "
      "formula,\n"
      "so that no large sums are subtracted. Of integers float32, computed from float64 on the "
      "cpu\n"
      "device and from float32 on a GPU. Of nothing, NaN.";
  bind_variance<Reduction::var>(m, "Variance: sum((a - mean(a))^2) / (n - ddof).", kSpread);
  bind_variance<Reduction::std>(m, "Standard deviation: the square root of `var`.", kSpread);
  bind_reduction<Reduction::all>(m, "Whether every element is nonzero (bool).",
                                 "NaN is not zero. Of nothing, True.");
  bind_reduction<Reduction::any>(m, "Whether some element is nonzero (bool).",
                                 "NaN is not zero. Of nothing, False.");
  bind_scan<Scan::sum>(m, "cumsum", "Running sum.");
  bind_scan<Scan::prod>(m, "cumprod", "Running product.");

  constexpr const char* kTail =
      "axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False, "
      "out: Array | None = None) -> Array";
  m.def(
      "logsumexp",
      [](nb::handle a, nb::handle axis, bool keepdims, nb::handle out) {
        return run_reduction(Reduction::logsumexp, a, axis, nb::none(), 0, keepdims, out);
      },
      "a"_a.none(), "axis"_a = nb::none(), nb::kw_only(), "keepdims"_a = false,
      "out"_a = nb::none(), nb::sig(cat("def logsumexp(a: ArrayLike, ", kTail).c_str()),
      with_parameters("log(sum(exp(a))), without overflow.", cat(kAxesDoc, kKeepdimsDoc),
                      "top + log(sum(exp(a - top))), where top is the largest element. Of nothing, "
                      "-inf. Integers\n"
                      "give float32.")
          .c_str());
  m.def(
      "count_nonzero",
      [](nb::handle a, nb::handle axis, bool keepdims, nb::handle out) {
        return run_reduction(Reduction::count_nonzero, a, axis, nb::none(), 0, keepdims, out);
      },
      "a"_a.none(), "axis"_a = nb::none(), nb::kw_only(), "keepdims"_a = false,
      "out"_a = nb::none(), nb::sig(cat("def count_nonzero(a: ArrayLike, ", kTail).c_str()),
      with_parameters("The number of nonzero elements (int64).", cat(kAxesDoc, kKeepdimsDoc),
                      "NaN is not zero.")
          .c_str());
  m.def(
      "norm",
      [](nb::handle a, nb::handle axis, nb::handle ord, bool keepdims, nb::handle out) {
        return run_reduction(norm_of_order(ord), a, axis, nb::none(), 0, keepdims, out);
      },
      "a"_a.none(), "axis"_a = nb::none(), nb::kw_only(), "ord"_a = 2, "keepdims"_a = false,
      "out"_a = nb::none(),
      nb::sig("def norm(a: ArrayLike, axis: int | tuple[int, ...] | None = None, *, "
              "ord: float = 2, keepdims: bool = False, out: Array | None = None) -> Array"),
      with_parameters(
          "Vector norm over all reduced axes together.",
          cat(kAxesDoc,
              "ord : 1, 2 or inf\n    Sum of magnitudes, square root of the sum of squares, or "
              "greatest magnitude.\n",
              kKeepdimsDoc),
          "No square overflows or vanishes: large and small elements are scaled. NaN wins. Of "
          "nothing, 0.\n"
          "Integers give float32.")
          .c_str());
}

}  // namespace bitmetal::python
