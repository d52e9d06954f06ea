#include <string>

#include "bindings/bindings.h"
#include "bitmetal/device.h"
#include "core/backend.h"
#include "core/thread_pool.h"
#include "cpu/blas.h"
#include "cpu/isa/isa.h"
#include "cpu/limits.h"

namespace bitmetal::python {
namespace {

nb::str to_str(std::string_view text) { return nb::str(text.data(), text.size()); }

nb::object to_object(const Capability& value) {
  if (const auto* names = std::get_if<std::vector<std::string>>(&value)) {
    nb::list list;
    for (const std::string& name : *names) list.append(to_str(name));
    return list;
  }
  if (const auto* yes = std::get_if<bool>(&value)) return nb::bool_(*yes);
  return nb::int_(std::get<uint64_t>(value));
}

// What bitmetal/batch.py builds on: a batch is a device and two marks.
void bind_batches(nb::module_& m) {
  m.def("batch_begin", [](const Device& d) { return d.backend().begin_batch(); });
  m.def("batch_end", [](const Device& d) { return d.backend().end_batch(); });
  m.def("batch_wait", [](const Device& d, uint64_t first, uint64_t last) {
    nb::gil_scoped_release released;
    d.backend().wait_for_batch(first, last);
  });
  m.def("batch_done", [](const Device& d, uint64_t last) { return d.backend().batch_done(last); });
  m.def("batch_seconds", [](const Device& d, uint64_t first, uint64_t last) {
    return d.backend().batch_seconds(first, last);
  });
}

void bind_cpu(nb::module_& m) {
  m.def("num_threads", &thread_count, R"(The number of threads that the cpu device uses.

The default is one a processor that this process may use (its affinity mask, and the container's CPU
quota rounded up), or ``BITMETAL_NUM_THREADS``.
)");
  m.def("set_num_threads", &set_thread_count, "count"_a,
        R"(Set the number of threads of the cpu device.

Parameters
----------
count : int
    From 1 to 4096; 0 puts back the default.
)");
  m.def(
      "cpu_isa", [] { return to_str(cpu::name_of(cpu::active_isa())); },
      "The instruction set that the cpu device uses (see ``BITMETAL_CPU_ISA``).");
  m.def(
      "cpu_isas",
      [] {
        nb::list names;
        for (cpu::Isa isa : cpu::supported_isas()) names.append(to_str(cpu::name_of(isa)));
        return names;
      },
      nb::sig("def cpu_isas() -> list[str]"), "The instruction sets that this processor supports.");
  m.def(
      "set_cpu_isa", [](const char* name) { cpu::set_active_isa(cpu::isa_named(name)); }, "name"_a,
      "Use another instruction set from now on; for tests. No operation may be running.");
  m.def(
      "cpu_limits",
      [] {
        double copy, read, multiply;
        {
          nb::gil_scoped_release released;
          copy = cpu::copy_rate();
          read = cpu::read_rate(int64_t{256} << 20);
          multiply = cpu::multiply_rate();
        }
        return nb::make_tuple(copy, read, multiply);
      },
      nb::sig("def cpu_limits() -> tuple[float, float, float]"),
      R"(Measure what the cpu device can do at most with its threads and instruction set.

Returns
-------
tuple of float
    Bytes a second of a copy (read plus written) and of reading, both from memory, and 8-bit
    multiplications and additions a second (0 for the generic instruction set).
)");
  m.def(
      "set_blas_path", [](const char* path) { cpu::set_blas_path(path); }, "path"_a,
      "Where the BLAS library lies; read when the first matrix product asks for it.");
}

}  // namespace

Device& parse_device(nb::handle object) {
  if (object.is_none()) return default_device();
  if (Device* device = get_if<Device>(object)) return *device;
  if (nb::isinstance<nb::str>(object)) return find_device(nb::cast<std::string>(object));
  fail<TypeError>("device: ", nb::cast<std::string>(nb::repr(object)),
                  " is neither a Device nor the name of one");
}

void bind_devices(nb::module_& m) {
  nb::class_<Device>(m, "Device",
                     R"(A device: where arrays live and operations run.

``with device:`` makes it the default for this thread until the block is left.
)")
      .def_prop_ro(
          "kind", [](const Device& d) { return to_str(d.kind()); },
          "\"metal\", \"cuda\", \"cpu\" or \"softmetal\".")
      .def_prop_ro(
          "name", [](const Device& d) { return to_str(d.name()); },
          "What the hardware calls itself.")
      .def_prop_ro("unified_memory", &Device::unified_memory,
                   "Whether the host reads and writes its arrays in place.")
      .def_prop_ro(
          "capabilities",
          [](const Device& d) {
            nb::dict found;
            for (const auto& [name, value] : d.backend().list_capabilities()) {
              found[to_str(name)] = to_object(value);
            }
            return found;
          },
          nb::sig("def capabilities(self) -> dict[str, bool | int | list[str]]"),
          R"(What the device can do, as it was found by asking it.

Every device: ``memory_bytes``, of which arrays get no more. The cpu device: ``instruction_sets``,
worst first. A GPU: ``families`` (``"apple7"``, ``"metal3"``, ...), ``simd_width``,
``simdgroup_matrix``, ``bfloat16``, ``tensors`` (Metal 4's), ``residency_sets``,
``max_buffer_bytes``, ``max_threadgroup_bytes``, ``max_threads_per_threadgroup`` and
``working_set_bytes``, which the system recommends to stay below.

Raises
------
CompileError
    If the GPU cannot build a kernel, of which ``simd_width`` is asked.
)")
      .def(
          "synchronize",
          [](const Device& d) {
            nb::gil_scoped_release released;
            d.backend().synchronize();
          },
          R"(Wait for everything that was started on the device.

Raises
------
DeviceError
    If a command buffer failed that nobody waited for before.
)")
      .def(
          "__repr__",
          [](const Device& d) { return to_str(cat("Device('", d.kind(), "', '", d.name(), "')")); })
      .def(
          "__enter__",
          [](nb::handle self) {
            enter_device(nb::cast<Device&>(self));
            return nb::borrow(self);
          },
          nb::sig("def __enter__(self) -> Device"))
      .def(
          "__exit__", [](Device&, nb::args) { leave_device(); },
          nb::sig("def __exit__(self, *args: object) -> None"));

  m.def(
      "devices",
      [] {
        nb::list list;
        for (Device* device : devices()) list.append(nb::cast(device, nb::rv_policy::reference));
        return list;
      },
      nb::sig("def devices() -> list[Device]"), "The devices of this machine, best first.");
  m.def(
      "device", [](nb::handle kind) { return &parse_device(kind); }, "kind"_a = nb::none(),
      nb::rv_policy::reference, nb::sig("def device(kind: DeviceLike | None = None) -> Device"),
      R"(Find a device.

Parameters
----------
kind : str or Device, optional
    "metal", "cuda", "cpu" or "softmetal"; the default device if None.

Returns
-------
Device
    Also a context manager: ``with bitmetal.device("cpu"):``.

Raises
------
DeviceError
    If the machine has no such device; the message says why.
)");
  m.def(
      "set_default_device", [](nb::handle kind) { set_default_device(parse_device(kind)); },
      "device"_a, nb::sig("def set_default_device(device: DeviceLike) -> None"),
      "Set the device that new arrays of this process get.");
  m.def(
      "availability",
      [] {
        nb::list rows;
        for (const Availability& row : availability()) {
          rows.append(nb::make_tuple(row.kind.c_str(), row.available, row.reason.c_str()));
        }
        return rows;
      },
      nb::sig("def availability() -> list[tuple[str, bool, str]]"),
      "Each kind of device, whether it is available, and why.");
  bind_batches(m);
  bind_cpu(m);
}

}  // namespace bitmetal::python
