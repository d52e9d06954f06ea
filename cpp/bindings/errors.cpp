#include "bindings/bindings.h"

namespace bitmetal::python {
namespace {

// The Python classes live as long as the module that made them, in whichever interpreter that is.
struct ErrorClasses {
  PyObject* device;
  PyObject* compile;
  PyObject* capability;
};

PyObject* new_class(nb::module_& m, const char* name, PyObject* base, const char* doc) {
  PyObject* type =
      PyErr_NewExceptionWithDoc((std::string("bitmetal.") + name).c_str(), doc, base, nullptr);
  m.attr(name) = nb::borrow(type);
  return type;
}

void translate(const std::exception_ptr& thrown, void* payload) {
  const auto& classes = *static_cast<const ErrorClasses*>(payload);
  PyObject* type = nullptr;
  try {
    std::rethrow_exception(thrown);
  } catch (const DeviceError& e) {
    PyErr_SetString(type = classes.device, e.what());
  } catch (const CompileError& e) {
    PyErr_SetString(type = classes.compile, e.what());
  } catch (const CapabilityError& e) {
    PyErr_SetString(type = classes.capability, e.what());
  } catch (const ValueError& e) {
    PyErr_SetString(type = PyExc_ValueError, e.what());
  } catch (const TypeError& e) {
    PyErr_SetString(type = PyExc_TypeError, e.what());
  } catch (const IndexError& e) {
    PyErr_SetString(type = PyExc_IndexError, e.what());
  } catch (const OutOfMemory& e) {
    PyErr_SetString(type = PyExc_MemoryError, e.what());
  }
}

}  // namespace

void bind_errors(nb::module_& m) {
  auto* classes = new ErrorClasses{
      new_class(
          m, "DeviceError", PyExc_RuntimeError,
          "A device is absent, was lost, or reported a fault; or arrays are on different ones."),
      new_class(m, "CompileError", PyExc_RuntimeError,
                "A kernel's source was rejected. The message is the compiler's log."),
      new_class(m, "CapabilityError", PyExc_NotImplementedError,
                "The device cannot do this (float64 on a GPU, for example)."),
  };
  nb::register_exception_translator(translate, classes);
}

}  // namespace bitmetal::python
