// bm.Kernel: a program's own MSL on a Metal device; and what the pipeline cache counts.
#include <nanobind/stl/shared_ptr.h>

#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "bindings/bindings.h"
#include "gpu/backend.h"

namespace bitmetal::python {
namespace {

gpu::GpuBackend& gpu_of(const char* op, const Device& device) {
  if (gpu::GpuBackend* found = gpu::backend_of(device)) return *found;
  fail<CapabilityError>(op, ": device '", device.kind(), "' runs no Metal kernels");
}

std::string text_of(nb::handle object) { return nb::cast<std::string>(nb::repr(object)); }

template <class T>
std::vector<std::byte> bytes_of(T value) {
  std::vector<std::byte> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

template <class T>
std::vector<std::byte> number(nb::handle object) {
  if constexpr (std::is_floating_point_v<T>) {
    const double value = PyFloat_AsDouble(object.ptr());
    if (value == -1 && PyErr_Occurred()) nb::raise_python_error();
    return bytes_of(static_cast<T>(value));
  } else {
    const nb::object index = nb::steal(PyNumber_Index(object.ptr()));
    if (!index) nb::raise_python_error();
    T value;
    if (!nb::try_cast(index, value)) {
      fail<ValueError>("kernel: constant ", text_of(object), " does not fit its type");
    }
    return bytes_of(value);
  }
}

// A Python number as the type that the kernel declares.
std::vector<std::byte> constant_bytes(const char* name, MTL::DataType type, nb::handle value) {
  switch (type) {
    case MTL::DataTypeBool: return bytes_of(static_cast<uint8_t>(nb::cast<bool>(nb::bool_(value))));
    case MTL::DataTypeChar: return number<int8_t>(value);
    case MTL::DataTypeUChar: return number<uint8_t>(value);
    case MTL::DataTypeShort: return number<int16_t>(value);
    case MTL::DataTypeUShort: return number<uint16_t>(value);
    case MTL::DataTypeInt: return number<int32_t>(value);
    case MTL::DataTypeUInt: return number<uint32_t>(value);
    case MTL::DataTypeLong: return number<int64_t>(value);
    case MTL::DataTypeULong: return number<uint64_t>(value);
    case MTL::DataTypeFloat: return number<float>(value);
    default:
      fail<TypeError>("kernel: function constant '", name,
                      "' is neither a bool, an integer nor a float");
  }
}

MTL::Size to_size(const char* name, nb::handle object) {
  const Dims dims = parse_dims("kernel", name, object);
  if (dims.size() < 1 || dims.size() > 3) {
    fail<ValueError>("kernel: ", name, " is ", dims, ", expected 1 to 3 sizes");
  }
  NS::UInteger sizes[3] = {1, 1, 1};
  for (int i = 0; i < dims.size(); ++i) {
    if (dims[i] < 1) fail<ValueError>("kernel: ", name, " is ", dims, ", expected sizes above 0");
    sizes[i] = static_cast<NS::UInteger>(dims[i]);
  }
  return MTL::Size(sizes[0], sizes[1], sizes[2]);
}

class Kernel {
 public:
  Kernel(const std::string& source, std::string name, nb::dict constants, bool fast_math,
         nb::handle device)
      : device_(default_or(device)), backend_(gpu_of("kernel", device_)), library_([&] {
          nb::gil_scoped_release released;
          return backend_.pipelines().compile(source, fast_math);
        }()) {
    const gpu::FunctionConstants values = convert(name, constants);
    nb::gil_scoped_release released;
    pipeline_ = &library_->pipeline(name, values, true);
  }

  void call(nb::args given, nb::handle grid, nb::handle threadgroup, nb::dict memory) const {
    const std::string& name = pipeline_->name;
    Values values;
    std::vector<gpu::Argument> arguments;
    for (size_t i = 0; i < given.size(); ++i) {
      arguments.push_back(argument(i, given[i], values));
    }
    std::vector<size_t> threadgroup_bytes;
    for (auto [index, bytes] : memory) {
      const size_t at = parse_count("threadgroup_memory", "an index", index);
      if (at >= 31) fail<ValueError>("kernel '", name, "': threadgroup_memory has index ", at);
      if (at >= threadgroup_bytes.size()) threadgroup_bytes.resize(at + 1);
      threadgroup_bytes[at] =
          (parse_count("threadgroup_memory", "a size", bytes) + 15) / 16 * 16;  // Metal's unit
    }
    for (const gpu::PipelineArgument& wanted : pipeline_->arguments) {
      const bool there =
          wanted.threadgroup
              ? wanted.index < threadgroup_bytes.size() && threadgroup_bytes[wanted.index] > 0
              : wanted.index < arguments.size() &&
                    arguments[wanted.index].kind() != gpu::Argument::Kind::none;
      if (!there) {
        fail<TypeError>("kernel '", name, "': argument ", wanted.index, " ('", wanted.name,
                        wanted.threadgroup ? "') needs threadgroup_memory" : "') is missing");
      }
    }
    const gpu::Grid shape{to_size("grid", grid), to_size("threadgroup", threadgroup), true};
    const uint64_t threads = shape.threads.width * shape.threads.height * shape.threads.depth;
    if (threads > pipeline_->max_threads) {
      fail<ValueError>("kernel '", name, "': threadgroup has ", threads, " threads, at most ",
                       pipeline_->max_threads, " can run");
    }
    size_t memory_bytes = pipeline_->threadgroup_bytes;
    for (size_t bytes : threadgroup_bytes) memory_bytes += bytes;
    if (memory_bytes > backend_.capabilities().max_threadgroup_bytes) {
      fail<ValueError>("kernel '", name, "': ", memory_bytes,
                       " bytes of threadgroup memory, the device has ",
                       backend_.capabilities().max_threadgroup_bytes);
    }
    nb::gil_scoped_release released;
    backend_.stream().dispatch(*pipeline_, arguments, shape, threadgroup_bytes);
  }

  const gpu::Pipeline& pipeline() const { return *pipeline_; }

 private:
  // What the arguments point to until they are recorded.
  struct Values {
    std::deque<Array> arrays;
    std::deque<std::string> bytes;
  };

  static Device& default_or(nb::handle device) {
    if (!device.is_none()) return parse_device(device);
    if (gpu::backend_of(default_device())) return default_device();
    for (Device* found : devices()) {
      if (gpu::backend_of(*found)) return *found;
    }
    return default_device();
  }

  gpu::FunctionConstants convert(const std::string& kernel, nb::dict given) const {
    gpu::FunctionConstants values;
    if (given.size() == 0) return values;
    const std::vector<gpu::DeclaredConstant> declared = library_->constants(kernel);
    for (auto [key, value] : given) {
      const gpu::DeclaredConstant* found = nullptr;
      for (const gpu::DeclaredConstant& c : declared) {
        const bool match = nb::isinstance<nb::str>(key) ? nb::cast<std::string>(key) == c.name
                                                        : key.equal(nb::int_(c.index));
        if (match) found = &c;
      }
      if (!found) {
        fail<ValueError>("kernel '", kernel, "': has no function constant ", text_of(key));
      }
      values.emplace_back(found->index, found->type,
                          constant_bytes(found->name.c_str(), found->type, value));
    }
    return values;
  }

  gpu::Argument argument(size_t index, nb::handle given, Values& values) const {
    if (given.is_none()) return gpu::Argument::none();
    const gpu::PipelineArgument* wanted = nullptr;
    for (const gpu::PipelineArgument& a : pipeline_->arguments) {
      if (a.index == index && !a.threadgroup) wanted = &a;
    }
    if (!wanted) return gpu::Argument::none();  // one that the compiler found unused
    if (const Array* array = get_if<Array>(given)) {
      if (&array->device() != &device_) {
        fail<DeviceError>("kernel '", pipeline_->name, "': argument ", index, " ('", wanted->name,
                          "') is on '", array->device().kind(), "', the kernel on '",
                          device_.kind(), "'");
      }
      if (array->read_only() && !wanted->read_only) {
        fail<ValueError>("kernel '", pipeline_->name, "': argument ", index, " ('", wanted->name,
                         "') is written and the array is read-only");
      }
      values.arrays.push_back(*array);
      return wanted->read_only ? gpu::Argument::in(values.arrays.back())
                               : gpu::Argument::in_out(values.arrays.back());
    }
    if (!wanted->read_only) {
      fail<TypeError>("kernel '", pipeline_->name, "': argument ", index, " ('", wanted->name,
                      "') is written, expected a bitmetal.Array");
    }
    values.bytes.push_back(scalar(index, given));
    return gpu::Argument::bytes(values.bytes.back().data(), values.bytes.back().size());
  }

  // Bytes, a NumPy scalar or record, or a Python number: int as 32 bits, float as float32.
  std::string scalar(size_t index, nb::handle given) const {
    if (nb::isinstance<nb::bytes>(given)) {
      const auto bytes = nb::cast<nb::bytes>(given);
      return {bytes.c_str(), bytes.size()};
    }
    if (PyBool_Check(given.ptr())) return std::string(1, nb::cast<bool>(given) ? '\1' : '\0');
    if (PyLong_Check(given.ptr())) {
      int64_t value;
      if (!nb::try_cast(given, value) || value < INT32_MIN || value > UINT32_MAX) {
        fail<ValueError>("kernel '", pipeline_->name, "': argument ", index, " is ", text_of(given),
                         ", which does not fit 32 bits; pass a NumPy scalar");
      }
      const auto bits = static_cast<uint32_t>(value);
      return {reinterpret_cast<const char*>(&bits), sizeof bits};
    }
    if (PyFloat_Check(given.ptr())) {
      const auto value = static_cast<float>(nb::cast<double>(given));
      return {reinterpret_cast<const char*>(&value), sizeof value};
    }
    if (nb::hasattr(given, "tobytes")) {
      const auto bytes = nb::cast<nb::bytes>(given.attr("tobytes")());
      return {bytes.c_str(), bytes.size()};
    }
    fail<TypeError>("kernel '", pipeline_->name, "': argument ", index, " is of type '",
                    Py_TYPE(given.ptr())->tp_name,
                    "', expected an Array, a number, bytes or a NumPy scalar or record");
  }

  Device& device_;
  gpu::GpuBackend& backend_;
  std::shared_ptr<gpu::Library> library_;
  const gpu::Pipeline* pipeline_ = nullptr;  // of library_
};

}  // namespace

void bind_kernels(nb::module_& m) {
  nb::class_<Kernel>(m, "Kernel", R"(A kernel of your own, in the Metal Shading Language.

Parameters
----------
source : str
    A whole MSL file.
name : str
    The kernel's name in it (``host_name`` where it has one).
constants : dict, optional
    Values of function constants, by name or by index.
fast_math : bool
    Let the compiler reorder floating-point arithmetic and forget NaN.
device : Device or str, optional
    A Metal device; the default device where that is one, else the first that the machine has.

Raises
------
CompileError
    If the source is wrong. The message is the compiler's log; ``program_source`` is `source`.
CapabilityError
    If the device, or the machine, runs no Metal kernels.
)")
      .def(nb::init<const std::string&, std::string, nb::dict, bool, nb::handle>(), "source"_a,
           "name"_a, "constants"_a = nb::dict(), nb::kw_only(), "fast_math"_a = false,
           "device"_a = nb::none(),
           nb::sig("def __init__(self, source: str, name: str, "
                   "constants: Mapping[str | int, bool | int | float] = {}, *, "
                   "fast_math: bool = False, device: DeviceLike | None = None) -> None"))
      .def("__call__", &Kernel::call, "arguments"_a, nb::kw_only(), "grid"_a, "threadgroup"_a,
           "threadgroup_memory"_a = nb::dict(),
           nb::sig("def __call__(self, *arguments: object, grid: ShapeLike, "
                   "threadgroup: ShapeLike, threadgroup_memory: Mapping[int, int] = {}) -> None"),
           R"(Run the kernel.

Parameters
----------
*arguments
    By buffer index: an Array; or, where the kernel does not write, a number (32 bits), bytes, or a NumPy
    scalar or record; None where the kernel declares nothing.
grid : int or sequence of int
    Threads, in up to 3 dimensions.
threadgroup : int or sequence of int
    Threads of a threadgroup. Those at the edge of the grid may be smaller.
threadgroup_memory : dict, optional
    Bytes of ``[[threadgroup(i)]]`` arguments, by index.
)")
      .def_prop_ro(
          "name", [](const Kernel& k) { return nb::str(k.pipeline().name.c_str()); },
          "The kernel's name.")
      .def_prop_ro(
          "max_threads", [](const Kernel& k) { return k.pipeline().max_threads; },
          "Most threads that a threadgroup of it can have.")
      .def_prop_ro(
          "simd_width", [](const Kernel& k) { return k.pipeline().simd_width; },
          "Threads of a SIMD-group.");

  m.def(
      "pipelines_stats",
      [](nb::handle device) {
        const gpu::PipelineStats stats =
            gpu_of("pipelines.stats", parse_device(device)).pipelines().stats();
        nb::dict d;
        d["libraries"] = stats.libraries;
        d["pipelines"] = stats.pipelines;
        d["hits"] = stats.hits;
        d["archived"] = stats.archived;
        d["compile_seconds"] = stats.compile_seconds;
        return d;
      },
      "device"_a = nb::none(),
      nb::sig("def pipelines_stats(device: DeviceLike | None = None) -> dict[str, float]"));
  // For Python's exit: no device is opened for it.
  m.def("pipelines_save", [] { gpu::save_archives(); });
  m.def(
      "pipelines_archive",
      [](nb::handle device) {
        return nb::str(
            gpu_of("pipelines.archive", parse_device(device)).pipelines().archive().path().c_str());
      },
      "device"_a = nb::none(),
      nb::sig("def pipelines_archive(device: DeviceLike | None = None) -> str"));
  m.def(
      "stream_stats",
      [](nb::handle device) {
        const gpu::StreamStats stats =
            gpu_of("stream_stats", parse_device(device)).stream().stats();
        nb::dict d;
        d["dispatches"] = stats.dispatches;
        d["barriers"] = stats.barriers;
        d["command_buffers"] = stats.command_buffers;
        d["failed_command_buffers"] = stats.failed_command_buffers;
        d["gpu_seconds"] = stats.gpu_seconds;
        d["resident_bytes"] = gpu_of("stream_stats", parse_device(device)).residency().bytes();
        return d;
      },
      "device"_a = nb::none(),
      nb::sig("def stream_stats(device: DeviceLike | None = None) -> dict[str, float]"));
}

}  // namespace bitmetal::python
