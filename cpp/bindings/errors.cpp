#include "bindings/bindings.h"

namespace bitmetal::python {
namespace {

// Kept for as long as the process lives: an error can be raised while the interpreter shuts down.
struct ErrorClasses {
  PyObject* device;
  PyObject* compile;
  PyObject* capability;
  PyObject* linalg;
};

void raise(const LinAlgError& e, nb::handle type) {
  nb::object error = type(e.what());
  nb::list matrix;
  for (int64_t index : e.matrix) matrix.append(index);
  error.attr("matrix") = nb::tuple(matrix);
  error.attr("index") = e.index;
  PyErr_SetObject(type.ptr(), error.ptr());
}

void translate(const std::exception_ptr& thrown, void* payload) {
  const auto& classes = *static_cast<const ErrorClasses*>(payload);
  try {
    std::rethrow_exception(thrown);
  } catch (const DeviceError& e) {
    PyErr_SetString(classes.device, e.what());
  } catch (const CompileError& e) {
    PyErr_SetString(classes.compile, e.what());
  } catch (const CapabilityError& e) {
    PyErr_SetString(classes.capability, e.what());
  } catch (const LinAlgError& e) {
    raise(e, classes.linalg);
  } catch (const ValueError& e) {
    PyErr_SetString(PyExc_ValueError, e.what());
  } catch (const TypeError& e) {
    PyErr_SetString(PyExc_TypeError, e.what());
  } catch (const IndexError& e) {
    PyErr_SetString(PyExc_IndexError, e.what());
  } catch (const OverflowError& e) {
    PyErr_SetString(PyExc_OverflowError, e.what());
  } catch (const OutOfMemory& e) {
    PyErr_SetString(PyExc_MemoryError, e.what());
  }
}

}  // namespace

void bind_errors(nb::module_&) {
  const nb::module_ classes = nb::module_::import_("bitmetal._errors");
  const auto take = [&](const char* name) {
    return nb::object(classes.attr(name)).release().ptr();
  };
  nb::register_exception_translator(translate,
                                    new ErrorClasses{take("DeviceError"), take("CompileError"),
                                                     take("CapabilityError"), take("LinAlgError")});
}

}  // namespace bitmetal::python
