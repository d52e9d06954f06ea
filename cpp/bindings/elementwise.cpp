#include "bindings/elementwise.h"

#include <string>
#include <vector>

namespace bitmetal::python {
namespace {

constexpr const char* kOperandNames[] = {"a", "b"};
constexpr const char* kWhereNames[] = {"condition", "a", "b"};

const char* name_of_operand(Elementwise op, size_t i) {
  return op == Elementwise::where ? kWhereNames[i] : kOperandNames[i];
}

Traced* traced_of(nb::handle object) {
  static PyObject* const type = nb::type<Traced>().ptr();
  return object.type().ptr() == type ? nb::inst_ptr<Traced>(object) : nullptr;
}

// An array, or a number that takes its type from the others.
Operand to_operand(const char* op, const char* name, nb::handle object, Device& device) {
  Number number;
  if (number_of(object, number)) return number;
  return to_array(op, name, object, device);
}

ExpressionBuilder::Operand to_traced_operand(const char* op, nb::handle object,
                                             const Traced& first) {
  Number number;
  if (number_of(object, number)) return number;
  const Traced* traced = traced_of(object);
  if (traced && traced->trace == first.trace) return traced->value;
  fail<TypeError>(op, ": an operand is of type '", Py_TYPE(object.ptr())->tp_name,
                  "' inside a function given to fuse, which sees its own arguments and numbers "
                  "only; pass it as an argument");
}

nb::object trace(Elementwise op, std::initializer_list<nb::handle> operands, nb::handle out,
                 const Traced& first) {
  if (!out.is_none()) fail<TypeError>(name_of(op), ": no out inside a function given to fuse");
  ExpressionBuilder::Operand values[3];
  size_t count = 0;
  for (nb::handle operand : operands) {
    values[count++] = to_traced_operand(name_of(op), operand, first);
  }
  return nb::cast(Traced{first.trace, first.trace->builder.apply(op, {values, count})});
}

size_t bytes_of(std::span<const Operand> operands) {
  size_t bytes = 0;
  for (const Operand& operand : operands) {
    if (const auto* array = std::get_if<Array>(&operand)) bytes += array->bytes();
  }
  return bytes;
}

Device& device_of(std::span<const Operand> operands) {
  for (const Operand& operand : operands) {
    if (const auto* array = std::get_if<Array>(&operand)) return array->device();
  }
  return default_device();
}

bool has_array(std::span<const Operand> operands) {
  for (const Operand& operand : operands) {
    if (std::holds_alternative<Array>(operand)) return true;
  }
  return false;
}

nb::object clip_objects(nb::handle a, nb::handle low, nb::handle high, nb::handle out) {
  for (nb::handle given : {a, low, high}) {
    const Traced* first = traced_of(given);
    if (!first) continue;
    nb::object value = nb::borrow(a);
    if (!low.is_none()) value = trace(Elementwise::maximum, {value, low}, out, *first);
    if (!high.is_none()) value = trace(Elementwise::minimum, {value, high}, out, *first);
    return value;
  }
  Device& device = python::device_of({a, low, high});
  const Array in = to_array("clip", "a", a, device);
  std::optional<Operand> bounds[2];
  if (!low.is_none()) bounds[0] = to_operand("clip", "min", low, device);
  if (!high.is_none()) bounds[1] = to_operand("clip", "max", high, device);
  const auto target = to_output("clip", out);
  return result(
      out, without_gil(device, in.bytes(), [&] { return clip(in, bounds[0], bounds[1], target); }));
}

}  // namespace

bool number_of(nb::handle object, Number& number) {
  PyObject* p = object.ptr();
  if (PyFloat_CheckExact(p)) {  // numpy.float64 is a subclass with a type of its own
    number = {NumberKind::real, 0, PyFloat_AS_DOUBLE(p)};
    return true;
  }
  if (!PyLong_Check(p)) return false;
  int overflow = 0;
  const long long integer = PyLong_AsLongLongAndOverflow(p, &overflow);
  const double real = overflow ? PyLong_AsDouble(p) : static_cast<double>(integer);
  if (overflow && PyErr_Occurred()) nb::raise_python_error();
  number = {PyBool_Check(p) ? NumberKind::boolean : NumberKind::integer, integer, real,
            overflow == 0};
  return true;
}

nb::object apply(Elementwise op, std::initializer_list<nb::handle> objects, nb::handle out) {
  for (nb::handle object : objects) {
    if (const Traced* first = traced_of(object)) return trace(op, objects, out, *first);
  }
  const char* name = name_of(op);
  Device& device = python::device_of(objects);
  std::vector<Operand> operands;
  operands.reserve(3);
  size_t i = 0;
  for (nb::handle object : objects) {
    operands.push_back(to_operand(name, name_of_operand(op, i++), object, device));
  }
  if (!has_array(operands)) {  // numbers alone
    operands[objects.size() - 1] =
        to_array(name, name_of_operand(op, objects.size() - 1), *(objects.end() - 1), device);
  }
  const auto target = to_output(name, out);
  return result(out, without_gil(device_of(operands), bytes_of(operands),
                                 [&] { return elementwise(op, operands, target); }));
}

namespace {

const char* result_of(Rule rule) {
  switch (rule) {
    case Rule::comparison:
    case Rule::logical:
    case Rule::classification: return "Of bool, in the shape that the operands broadcast to.";
    case Rule::real:
      return "In the shape that the operands broadcast to, of their common floating-point type;\n"
             "    float32 for integers and booleans.";
    case Rule::rounding:
      return "Of the shape and type of `a`; integers and booleans are returned as they are.";
    default: return "In the shape that the operands broadcast to, of their common type.";
  }
}

struct Row {
  Elementwise op;
  const char* python;
  const char* summary;
  const char* notes;  // may be empty
};

using E = Elementwise;
constexpr Row kUnary[] = {
    {E::negative, "negative", "-a.", "Integers wrap. TypeError for bool."},
    {E::absolute, "absolute", "|a|.", "The least signed integer is its own absolute value."},
    {E::sign, "sign", "-1, 0 or 1 with the sign of a.", "NaN stays NaN. TypeError for bool."},
    {E::square, "square", "a * a.", ""},
    {E::reciprocal, "reciprocal", "1 / a.", ""},
    {E::sqrt, "sqrt", "Square root.", ""},
    {E::rsqrt, "rsqrt", "1 / sqrt(a).", ""},
    {E::exp, "exp", "e^a.", ""},
    {E::expm1, "expm1", "e^a - 1, exact near 0.", ""},
    {E::log, "log", "Natural logarithm.", ""},
    {E::log1p, "log1p", "log(1 + a), exact near 0.", ""},
    {E::sin, "sin", "Sine of radians of any size.", ""},
    {E::cos, "cos", "Cosine of radians of any size.", ""},
    {E::tanh, "tanh", "Hyperbolic tangent.", ""},
    {E::sigmoid, "sigmoid", "1 / (1 + e^-a).", ""},
    {E::erf, "erf", "Error function, 2 / sqrt(pi) times the integral of e^-t^2 from 0 to a.", ""},
    {E::relu, "relu", "max(a, 0).", "NaN stays NaN."},
    {E::silu, "silu", "a * sigmoid(a).", "Also called swish."},
    {E::floor, "floor", "The greatest integer that is not above a.", ""},
    {E::ceil, "ceil", "The least integer that is not below a.", ""},
    {E::round, "round", "The nearest integer, the even one of two.", ""},
    {E::trunc, "trunc", "a without its fraction.", ""},
    {E::isnan, "isnan", "Whether a is NaN.", ""},
    {E::isinf, "isinf", "Whether a is an infinity.", ""},
    {E::isfinite, "isfinite", "Whether a is neither NaN nor an infinity.", ""},
    {E::logical_not, "logical_not", "Whether a is 0.", ""},
    {E::bitwise_not, "bitwise_not", "~a.",
     "Of booleans: logical_not. TypeError for floating-point types."},
};
constexpr Row kBinary[] = {
    {E::add, "add", "a + b.", "Integers wrap. Of booleans: logical_or."},
    {E::subtract, "subtract", "a - b.", "Integers wrap. TypeError for booleans."},
    {E::multiply, "multiply", "a * b.", "Integers wrap. Of booleans: logical_and."},
    {E::divide, "divide", "a / b.",
     "Integers are divided in float32 (NumPy: float64, which no GPU has)."},
    {E::floor_divide, "floor_divide", "The greatest integer not above a / b.",
     "Integers: x // 0 is 0, and the least integer // -1 is itself."},
    {E::remainder, "remainder", "a - b * floor(a / b), with the sign of b.",
     "Integers: x % 0 is 0."},
    {E::power, "power", "a^b.",
     "Integers wrap; x^-n is the integer part of 1 / x^n, and 0 for x = 0."},
    {E::minimum, "minimum", "The lesser of a and b.", "NaN wins."},
    {E::maximum, "maximum", "The greater of a and b.", "NaN wins."},
    {E::equal, "equal", "a == b.", ""},
    {E::not_equal, "not_equal", "a != b.", ""},
    {E::less, "less", "a < b.", ""},
    {E::less_equal, "less_equal", "a <= b.", ""},
    {E::greater, "greater", "a > b.", ""},
    {E::greater_equal, "greater_equal", "a >= b.", ""},
    {E::logical_and, "logical_and", "Whether neither a nor b is 0.", ""},
    {E::logical_or, "logical_or", "Whether a or b is not 0.", ""},
    {E::logical_xor, "logical_xor", "Whether one of a and b is 0 and the other is not.", ""},
    {E::bitwise_and, "bitwise_and", "a & b.", "TypeError for floating-point types."},
    {E::bitwise_or, "bitwise_or", "a | b.", "TypeError for floating-point types."},
    {E::bitwise_xor, "bitwise_xor", "a ^ b.", "TypeError for floating-point types."},
    {E::left_shift, "left_shift", "a << b.",
     "Shifting by the type's bits or more, or by a negative number, shifts all of them out."},
    {E::right_shift, "right_shift", "a >> b, with copies of the sign.",
     "Shifting by the type's bits or more, or by a negative number, leaves copies of the sign."},
};

std::string doc(const Row& row, bool binary) {
  std::string text =
      cat(row.summary, R"(

Parameters
----------
a )",
          binary ? ", b : array-like\n    Any shapes that broadcast against each other"
                 : ": array-like\n    Any shape",
          R"(.
out : Array, optional
    Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

Returns
-------
Array
    )",
          result_of(rule_of(row.op)), '\n');
  if (binary) text.replace(text.find("a , b"), 5, "a, b");
  if (*row.notes) text += cat("\nNotes\n-----\n", row.notes, '\n');
  return text;
}

constexpr const char* kWhereDoc =
    R"(The elements of `a` where a condition holds, those of `b` elsewhere.

Parameters
----------
condition : array-like
    Booleans, or anything whose elements are tested against 0.
a, b : array-like
    What to choose from. The three broadcast against each other.
out : Array, optional
    Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

Returns
-------
Array
    In the shape that the operands broadcast to, of the common type of `a` and `b`.
)";

constexpr const char* kClipDoc = R"(min(max(a, lower bound), upper bound), in one pass.

Parameters
----------
a : array-like
    Any shape.
min, max : array-like, optional
    The bounds; they broadcast against `a`. At least one of them.
out : Array, optional
    Where to write the result: its shape must fit and its type be able to hold it. It may be an operand.

Returns
-------
Array
    In the shape that the operands broadcast to, of their common type.

Notes
-----
NaN stays NaN. Where the lower bound is above the upper one, the upper one is the result.
)";

constexpr const char* kGeluDoc =
    R"(Gaussian error linear unit: a times the normal distribution's integral up to a.

Parameters
----------
a : array-like
    Any shape.
approximate : {"none", "tanh"}
    "none" is exact; "tanh" is 0.5 a (1 + tanh(sqrt(2 / pi) (a + 0.044715 a^3))).
out : Array, optional
    Where to write the result: its shape must fit and its type be able to hold it. It may be `a`.

Returns
-------
Array
    Of the shape of `a` and its type; float32 for integers and booleans.

References
----------
Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
)";

// --- operators ----------------------------------------------------------------------------------

// Whether an operator is for us to answer: Python asks the other operand otherwise.
bool takes_part(nb::handle other) {
  PyObject* p = other.ptr();
  if (PyLong_Check(p) || PyFloat_Check(p) || nb::isinstance<Array>(other)) return true;
  if (other.is_none() || nb::isinstance<nb::str>(other) || PyBytes_Check(p)) return false;
  return nb::isinstance<Traced>(other) || PyObject_CheckBuffer(p) || PySequence_Check(p) ||
         nb::hasattr(other, "__array_interface__") || nb::hasattr(other, "__dlpack__");
}

nb::object not_implemented() { return nb::borrow(nb::handle(Py_NotImplemented)); }

// Powers that are cheaper than a power, as NumPy takes them.
nb::object power(nb::handle a, nb::handle b) {
  if (nb::isinstance<nb::float_>(b) || nb::isinstance<nb::int_>(b)) {
    Number n;
    if (number_of(b, n)) {
      if (n.real == 2 && n.kind == NumberKind::integer) return apply(E::square, {a}, nb::none());
      const Array* array = get_if<Array>(a);
      const bool floating = array && is_floating(array->dtype());
      if (floating && n.real == 2) return apply(E::square, {a}, nb::none());
      if (floating && n.real == 0.5) return apply(E::sqrt, {a}, nb::none());
      if (!floating && array && n.kind == NumberKind::integer && n.integer < 0) {
        fail<ValueError>("power: integers to the negative power ", n.integer,
                         "; convert to a floating-point type");
      }
    }
  }
  return apply(E::power, {a, b}, nb::none());
}

template <class T, E op>
void bind_binary(nb::class_<T>& cls, const char* forward, const char* reflected,
                 const char* in_place) {
  const std::string type = std::is_same_v<T, Array> ? "Array" : "Traced";
  const auto signature = [&](const char* name, const char* other) {
    return cat("def ", name, "(self, other: ", other, ", /) -> ", type);
  };
  cls.def(
      forward,
      [](nb::handle a, nb::handle b) {
        if (!takes_part(b)) return not_implemented();
        if constexpr (op == E::power) return power(a, b);
        return apply(op, {a, b}, nb::none());
      },
      "other"_a.none(), nb::sig(signature(forward, "ArrayLike").c_str()));
  if (reflected) {
    cls.def(
        reflected,
        [](nb::handle b, nb::handle a) {
          return takes_part(a) ? apply(op, {a, b}, nb::none()) : not_implemented();
        },
        "other"_a.none(), nb::sig(signature(reflected, "ArrayLike").c_str()));
  }
  if (in_place && std::is_same_v<T, Array>) {
    cls.def(
        in_place,
        [](nb::handle a, nb::handle b) {
          return takes_part(b) ? apply(op, {a, b}, a) : not_implemented();
        },
        "other"_a.none(), nb::sig(signature(in_place, "ArrayLike").c_str()));
  }
}

template <class T>
void bind_binary_operators(nb::class_<T>& cls) {
  bind_binary<T, E::add>(cls, "__add__", "__radd__", "__iadd__");
  bind_binary<T, E::subtract>(cls, "__sub__", "__rsub__", "__isub__");
  bind_binary<T, E::multiply>(cls, "__mul__", "__rmul__", "__imul__");
  bind_binary<T, E::divide>(cls, "__truediv__", "__rtruediv__", "__itruediv__");
  bind_binary<T, E::floor_divide>(cls, "__floordiv__", "__rfloordiv__", "__ifloordiv__");
  bind_binary<T, E::remainder>(cls, "__mod__", "__rmod__", "__imod__");
  bind_binary<T, E::power>(cls, "__pow__", "__rpow__", "__ipow__");
  bind_binary<T, E::bitwise_and>(cls, "__and__", "__rand__", "__iand__");
  bind_binary<T, E::bitwise_or>(cls, "__or__", "__ror__", "__ior__");
  bind_binary<T, E::bitwise_xor>(cls, "__xor__", "__rxor__", "__ixor__");
  bind_binary<T, E::left_shift>(cls, "__lshift__", "__rlshift__", "__ilshift__");
  bind_binary<T, E::right_shift>(cls, "__rshift__", "__rrshift__", "__irshift__");
  bind_binary<T, E::equal>(cls, "__eq__", nullptr, nullptr);
  bind_binary<T, E::not_equal>(cls, "__ne__", nullptr, nullptr);
  bind_binary<T, E::less>(cls, "__lt__", nullptr, nullptr);
  bind_binary<T, E::less_equal>(cls, "__le__", nullptr, nullptr);
  bind_binary<T, E::greater>(cls, "__gt__", nullptr, nullptr);
  bind_binary<T, E::greater_equal>(cls, "__ge__", nullptr, nullptr);
}

template <class T, E op>
void bind_unary(nb::class_<T>& cls, const char* name) {
  cls.def(
      name, [](nb::handle a) { return apply(op, {a}, nb::none()); },
      nb::sig(
          cat("def ", name, "(self) -> ", std::is_same_v<T, Array> ? "Array" : "Traced").c_str()));
}

template <class T>
void bind_all_operators(nb::class_<T>& cls) {
  bind_binary_operators(cls);
  bind_unary<T, E::negative>(cls, "__neg__");
  bind_unary<T, E::absolute>(cls, "__abs__");
  bind_unary<T, E::bitwise_not>(cls, "__invert__");
  cls.attr("__hash__") = nb::none();
}

}  // namespace

void bind_operators(nb::class_<Array>& cls) {
  bind_all_operators(cls);
  // NumPy's operators leave the answer to ours; its functions still take our arrays.
  cls.attr("__array_priority__") = 1000;
}

void bind_operators(nb::class_<Traced>& cls) {
  bind_all_operators(cls);
  cls.attr("__array_ufunc__") = nb::none();  // NumPy's functions refuse it
}

void bind_elementwise(nb::module_& m) {
  for (const Row& row : kUnary) {
    m.def(
        row.python, [op = row.op](nb::handle a, nb::handle out) { return apply(op, {a}, out); },
        "a"_a.none(), nb::kw_only(), "out"_a = nb::none(),
        nb::sig(cat("def ", row.python, "(a: ArrayLike, *, out: Array | None = None) -> Array")
                    .c_str()),
        doc(row, false).c_str());
  }
  for (const Row& row : kBinary) {
    m.def(
        row.python,
        [op = row.op](nb::handle a, nb::handle b, nb::handle out) {
          return apply(op, {a, b}, out);
        },
        "a"_a.none(), "b"_a.none(), nb::kw_only(), "out"_a = nb::none(),
        nb::sig(cat("def ", row.python,
                    "(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array")
                    .c_str()),
        doc(row, true).c_str());
  }
  m.def(
      "where",
      [](nb::handle condition, nb::handle a, nb::handle b, nb::handle out) {
        return apply(E::where, {condition, a, b}, out);
      },
      "condition"_a.none(), "a"_a.none(), "b"_a.none(), nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def where(condition: ArrayLike, a: ArrayLike, b: ArrayLike, *, "
              "out: Array | None = None) -> Array"),
      kWhereDoc);
  m.def("clip", &clip_objects, "a"_a.none(), "min"_a = nb::none(), "max"_a = nb::none(),
        nb::kw_only(), "out"_a = nb::none(),
        nb::sig("def clip(a: ArrayLike, min: ArrayLike | None = None, "
                "max: ArrayLike | None = None, *, out: Array | None = None) -> Array"),
        kClipDoc);
  m.def(
      "gelu",
      [](nb::handle a, std::string_view approximate, nb::handle out) {
        if (approximate != "none" && approximate != "tanh") {
          fail<ValueError>("gelu: approximate is '", approximate, "', expected 'none' or 'tanh'");
        }
        return apply(approximate == "tanh" ? E::gelu_tanh : E::gelu, {a}, out);
      },
      "a"_a.none(), "approximate"_a = "none", nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def gelu(a: ArrayLike, approximate: str = 'none', *, out: Array | None = None) -> "
              "Array"),
      kGeluDoc);
}

}  // namespace bitmetal::python
