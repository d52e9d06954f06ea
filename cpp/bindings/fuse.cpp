// bm.fuse: a Python function traced into one expression for each combination of operand types.
#include <memory>
#include <mutex>
#include <vector>

#include "bindings/elementwise.h"

namespace bitmetal::python {
namespace {

// What an argument contributes to the signature: an array its type, a number its value.
struct ArgumentKey {
  bool is_number;
  DType dtype;
  Number number;

  friend bool operator==(const ArgumentKey& a, const ArgumentKey& b) {
    if (a.is_number != b.is_number) return false;
    if (!a.is_number) return a.dtype == b.dtype;
    return a.number.kind == b.number.kind && a.number.integer == b.number.integer &&
           a.number.fits_int64 == b.number.fits_int64 &&
           std::bit_cast<uint64_t>(a.number.real) == std::bit_cast<uint64_t>(b.number.real);
  }
};

struct Compiled {
  std::vector<ArgumentKey> key;
  Expression expression;
};

// Numbers that differ from call to call must not fill the memory: past this the oldest goes.
constexpr size_t kMostSignatures = 64;

class Fused {
 public:
  explicit Fused(nb::object function) : function_(std::move(function)) {
    if (!PyCallable_Check(function_.ptr())) {
      fail<TypeError>("fuse: function is of type '", Py_TYPE(function_.ptr())->tp_name,
                      "', expected a callable");
    }
  }

  nb::handle function() const { return function_; }

  nb::object call(nb::args arguments, nb::handle out) {
    Device* device = nullptr;
    for (nb::handle argument : arguments) {
      if (const Array* array = get_if<Array>(argument)) {
        device = &array->device();
        break;
      }
    }
    if (!device) device = &default_device();
    std::vector<ArgumentKey> key;
    std::vector<Array> arrays;
    key.reserve(arguments.size());
    arrays.reserve(arguments.size());
    size_t bytes = 0;
    for (nb::handle argument : arguments) {
      ArgumentKey part{};
      part.is_number = number_of(argument, part.number);
      if (!part.is_number) {
        arrays.push_back(to_array("fuse", "an argument", argument, *device));
        part.dtype = arrays.back().dtype();
        bytes += arrays.back().bytes();
      }
      key.push_back(part);
    }
    if (arrays.empty()) fail<TypeError>("fuse: expected at least one array among the arguments");
    const std::shared_ptr<const Compiled> compiled = find(key, arguments);
    const auto target = to_output("fuse", out);
    return result(out, without_gil(*device, bytes, [&] {
                    return evaluate("fuse", compiled->expression, arrays, target);
                  }));
  }

 private:
  std::shared_ptr<const Compiled> find(const std::vector<ArgumentKey>& key, nb::args arguments) {
    {
      const std::lock_guard guard(mutex_);
      for (const auto& known : compiled_) {
        if (known->key == key) return known;
      }
    }
    auto made = std::make_shared<Compiled>(Compiled{key, trace(key, arguments)});
    const std::lock_guard guard(mutex_);
    if (compiled_.size() == kMostSignatures) compiled_.erase(compiled_.begin());
    compiled_.push_back(made);
    return made;
  }

  Expression trace(const std::vector<ArgumentKey>& key, nb::args arguments) const {
    const auto trace = std::make_shared<Trace>();
    nb::list values;
    for (size_t i = 0; i < key.size(); ++i) {
      if (key[i].is_number) {
        values.append(arguments[i]);
      } else {
        values.append(nb::cast(Traced{trace, trace->builder.input(key[i].dtype)}));
      }
    }
    const nb::object value = function_(*nb::tuple(values));
    const Traced* traced = get_if<Traced>(value);
    if (!traced || traced->trace != trace) {
      fail<TypeError>("fuse: the function returned an object of type '",
                      Py_TYPE(value.ptr())->tp_name,
                      "', expected one value computed from its arguments");
    }
    return trace->builder.finish(traced->value, traced->value.dtype);
  }

  nb::object function_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Compiled>> compiled_;
};

int visit_fused(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  if (!nb::inst_ready(self)) return 0;
  Py_VISIT(nb::inst_ptr<Fused>(self)->function().ptr());
  return 0;
}
PyType_Slot kFusedSlots[] = {{Py_tp_traverse, reinterpret_cast<void*>(visit_fused)}, {0, nullptr}};

[[noreturn]] void refuse(const char* what) {
  fail<TypeError>("fuse: the function ", what,
                  "; only element-wise operations can be fused, whatever the values are");
}

}  // namespace

void bind_fuse(nb::module_& m) {
  nb::class_<Traced> traced(m, "Traced",
                            "What stands for an array in a function that `fuse` traces.");
  traced
      .def_prop_ro(
          "dtype", [](const Traced& t) { return DTypeObject{t.value.dtype}; }, "The element type.")
      .def(
          "astype",
          [](const Traced& t, nb::handle dtype) {
            return Traced{t.trace, t.trace->builder.cast(t.value, parse_dtype("astype", dtype))};
          },
          "dtype"_a, nb::sig("def astype(self, dtype: DTypeLike) -> Traced"),
          "The value converted to another element type.")
      .def("__bool__", [](const Traced&) -> bool { refuse("asks whether a value is true"); })
      .def("__float__", [](const Traced&) -> double { refuse("makes a number of a value"); })
      .def("__int__", [](const Traced&) -> int64_t { refuse("makes a number of a value"); })
      .def("__index__", [](const Traced&) -> int64_t { refuse("makes a number of a value"); })
      .def("__len__", [](const Traced&) -> size_t { refuse("asks for a length"); })
      .def(
          "__iter__", [](const Traced&) -> nb::object { refuse("walks along a value"); },
          nb::sig("def __iter__(self) -> NoReturn"))
      .def(
          "__getitem__", [](const Traced&, nb::handle) -> nb::object { refuse("indexes a value"); },
          "key"_a.none(), nb::sig("def __getitem__(self, key: object, /) -> NoReturn"))
      .def(
          "__getattr__",
          [](const Traced&, std::string_view name) -> nb::object {
            // Python itself asks for names with underscores, and takes an AttributeError for no.
            if (!name.empty() && name[0] != '_') {
              refuse(cat("uses '", name, "' of a value").c_str());
            }
            throw nb::attribute_error(std::string(name).c_str());
          },
          "name"_a, nb::sig("def __getattr__(self, name: str, /) -> NoReturn"));
  bind_operators(traced);

  nb::class_<Fused>(m, "Fused", nb::type_slots(kFusedSlots),
                    "A function of arrays that runs as one pass; made by `fuse`.")
      .def(
          "__call__",
          [](Fused& self, nb::args arguments, nb::handle out) { return self.call(arguments, out); },
          "arguments"_a, "out"_a = nb::none(),
          nb::sig("def __call__(self, *arguments: ArrayLike, out: Array | None = None) -> Array"))
      .def_prop_ro(
          "function", [](const Fused& self) { return nb::borrow(self.function()); },
          nb::sig("def function(self) -> Callable[..., Any]"), "The function that was traced.");
  m.def(
      "fuse", [](nb::object function) { return new Fused(std::move(function)); }, "function"_a,
      nb::sig("def fuse(function: Callable[..., Any]) -> Fused"),
      R"(Make one pass of a function that combines arrays element by element.

The function is called with stand-ins for the arrays, once for each combination of element types; what
it does with them becomes one expression, which every later call computes in one pass over memory.

Parameters
----------
function : callable
    Takes arrays and returns one value computed from them with operators, the element-wise functions of
    this module, `where`, `clip` and `astype`. It must not depend on the elements' values.

Returns
-------
Fused
    To be called with arrays that broadcast against each other, and with numbers, which become part of
    the expression (give what changes with every call as a 0-d array); ``out=`` takes the result.

Raises
------
TypeError
    At the call, for what cannot be traced: control flow on values, reductions, indexing, arrays that
    are not arguments, more than 12 arrays or 64 operations.

Notes
-----
float16 and bfloat16 are computed in float32 and rounded once, in the result or by `astype`; operation
by operation they are rounded each time.

Examples
--------
>>> axpy = bm.fuse(lambda a, x, y: a * x + y)
>>> axpy(2.0, bm.ones((3,)), bm.ones((3,))).tolist()
[3.0, 3.0, 3.0]
)");
}

}  // namespace bitmetal::python
