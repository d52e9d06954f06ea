#include <string>

#include "bindings/bindings.h"

namespace bitmetal::python {
namespace {

struct Alias {
  std::string_view name;
  DType value;
};
// NumPy's names are in name_of(); these are Metal's short ones and Python's own types.
constexpr Alias kAliases[] = {
    {"f32", DType::f32}, {"f16", DType::f16},       {"half", DType::f16},  {"bf16", DType::bf16},
    {"f64", DType::f64}, {"i8", DType::i8},         {"u8", DType::u8},     {"i32", DType::i32},
    {"i64", DType::i64}, {"bool_", DType::boolean}, {"float", DType::f32}, {"int", DType::i64}};

// The name of anything that denotes an element type: "float32", np.dtype, np.float32,
// torch.float32.
std::string denoted_name(nb::handle object) {
  nb::object name;
  if (nb::isinstance<nb::str>(object)) {
    name = nb::borrow(object);
  } else if (nb::hasattr(object, "name")) {
    name = object.attr("name");
  } else if (nb::hasattr(object, "__name__")) {
    name = object.attr("__name__");
  } else {
    name = nb::str(object);
  }
  std::string text = nb::cast<std::string>(nb::str(name));
  return text.substr(text.rfind('.') + 1);  // "torch.float32"
}

bool find_dtype(nb::handle object, DType& found) {
  if (const DTypeObject* known = get_if<DTypeObject>(object)) {
    found = known->value;
    return true;
  }
  const std::string name = denoted_name(object);
  for (DType t : kDTypes) {
    if (name == name_of(t)) return found = t, true;
  }
  for (const Alias& alias : kAliases) {
    if (name == alias.name) return found = alias.value, true;
  }
  return false;
}

}  // namespace

DType parse_dtype(const char* op, nb::handle object) {
  DType found;
  if (find_dtype(object, found)) return found;
  std::string known;
  for (DType t : kDTypes) known += (known.empty() ? "" : ", ") + std::string(name_of(t));
  fail<TypeError>(op, ": dtype is ", nb::cast<std::string>(nb::repr(object)), ", expected one of ",
                  known);
}

DType parse_dtype(const char* op, nb::handle object, DType fallback) {
  return object.is_none() ? fallback : parse_dtype(op, object);
}

void bind_dtypes(nb::module_& m) {
  nb::class_<DTypeObject>(m, "DType", "An element type. Equal to NumPy's dtype of that name.")
      .def(
          "__init__",
          [](DTypeObject* self, nb::handle name) {
            new (self) DTypeObject{parse_dtype("DType", name)};
          },
          "name"_a, nb::sig("def __init__(self, name: DTypeLike) -> None"),
          "From a name (\"float32\", \"f32\") or another library's type.")
      .def_prop_ro(
          "name", [](const DTypeObject& t) { return nb::str(name_of(t.value).data()); },
          "NumPy's name of the type; \"bfloat16\" is ml_dtypes'.")
      .def_prop_ro(
          "itemsize", [](const DTypeObject& t) { return size_of(t.value); }, "Bytes an element.")
      .def_prop_ro(
          "dtype",
          [](const DTypeObject& t) {
            if (t.value == DType::bf16) nb::module_::import_("ml_dtypes");
            return nb::module_::import_("numpy").attr("dtype")(name_of(t.value).data());
          },
          nb::sig("def dtype(self) -> NumpyDType[Any]"),
          "The numpy.dtype, so that NumPy takes this type.")
      .def("__repr__",
           [](const DTypeObject& t) { return nb::str(cat("bitmetal.", name_of(t.value)).c_str()); })
      .def("__hash__", [](const DTypeObject& t) { return static_cast<int64_t>(t.value); })
      .def(
          "__eq__",
          [](const DTypeObject& t, nb::handle other) {
            DType found;
            return find_dtype(other, found) && found == t.value;
          },
          nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def(
          "__reduce__",
          [](nb::handle self) {
            return nb::make_tuple(self.type(), nb::make_tuple(self.attr("name")));
          },
          nb::sig("def __reduce__(self) -> tuple[type[DType], tuple[str]]"));
  for (DType t : kDTypes) {
    m.attr(t == DType::boolean ? "bool_" : name_of(t).data()) = nb::cast(DTypeObject{t});
  }
}

}  // namespace bitmetal::python
