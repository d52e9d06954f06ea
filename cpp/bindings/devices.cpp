#include <string>

#include "bindings/bindings.h"
#include "bitmetal/device.h"
#include "core/backend.h"
#include "core/buffer_pool.h"
#include "core/thread_pool.h"
#include "cpu/blas.h"
#include "cpu/isa/isa.h"
#include "cpu/limits.h"

namespace bitmetal::python {
namespace {

nb::str to_str(std::string_view text) { return nb::str(text.data(), text.size()); }

nb::dict stats_dict(const PoolStats& stats) {
  nb::dict d;
  d["active_bytes"] = stats.active_bytes;
  d["active_blocks"] = stats.active_blocks;
  d["cached_bytes"] = stats.cached_bytes;
  d["cached_blocks"] = stats.cached_blocks;
  d["peak_bytes"] = stats.peak_bytes;
  d["hits"] = stats.hits;
  d["misses"] = stats.misses;
  d["evictions"] = stats.evictions;
  d["limit_bytes"] = stats.limit_bytes;
  d["cache_limit_bytes"] = stats.cache_limit_bytes;
  return d;
}

size_t parse_bytes(const char* op, const char* name, nb::handle object) {
  int64_t n;
  if (!nb::try_cast(object, n)) {
    fail<TypeError>(op, ": ", name, " is ", nb::cast<std::string>(nb::repr(object)),
                    ", expected a whole number");
  }
  if (n < 0) fail<ValueError>(op, ": ", name, " is ", n, ", expected 0 or more");
  return static_cast<size_t>(n);
}

void bind_memory(nb::module_& m) {
  m.def(
      "memory_stats",
      [](nb::handle device) { return stats_dict(parse_device(device).pool().stats()); },
      "device"_a = nb::none(),
      nb::sig("def memory_stats(device: DeviceLike | None = None) -> dict[str, int]"),
      R"(Counters of a device's buffer pool.

Parameters
----------
device : Device or str, optional
    The device; the default one if None.

Returns
-------
dict
    ``active_bytes``, ``active_blocks``: in use by arrays. ``cached_bytes``, ``cached_blocks``: kept for
    reuse. ``peak_bytes``: the most ever in use. ``hits``, ``misses``, ``evictions``: requests served from
    the cache, served by the system, and blocks given back to it. ``limit_bytes``, ``cache_limit_bytes``:
    see `set_limit` and `set_cache_limit`.
)");
  m.def(
      "memory_set_limit",
      [](nb::handle bytes, nb::handle device) {
        parse_device(device).pool().set_limit(parse_bytes("memory.set_limit", "bytes", bytes));
      },
      "bytes"_a, "device"_a = nb::none(),
      nb::sig("def memory_set_limit(bytes: int, device: DeviceLike | None = None) -> None"),
      R"(Bound the bytes that the pool holds, in use and cached together.

Cached blocks are freed first; where the arrays alone would pass the limit, allocation raises
MemoryError. The default is the machine's memory (the container's limit where that is lower).

Parameters
----------
bytes : int
    The limit.
device : Device or str, optional
    The device; the default one if None.
)");
  m.def(
      "memory_set_cache_limit",
      [](nb::handle bytes, nb::handle device) {
        parse_device(device).pool().set_cache_limit(
            parse_bytes("memory.set_cache_limit", "bytes", bytes));
      },
      "bytes"_a, "device"_a = nb::none(),
      nb::sig("def memory_set_cache_limit(bytes: int, device: DeviceLike | None = None) -> None"),
      R"(Bound the bytes that are kept for reuse; the default is an eighth of the memory.

Parameters
----------
bytes : int
    The limit.
device : Device or str, optional
    The device; the default one if None.
)");
  m.def(
      "memory_trim",
      [](nb::handle keep, nb::handle device) {
        parse_device(device).pool().trim(parse_bytes("memory.trim", "keep", keep));
      },
      "keep"_a = 0, "device"_a = nb::none(),
      nb::sig("def memory_trim(keep: int = 0, device: DeviceLike | None = None) -> None"),
      R"(Give cached memory back to the system.

Parameters
----------
keep : int
    Bytes that may stay cached.
device : Device or str, optional
    The device; the default one if None.
)");
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
  if (Device* device; nb::try_cast(object, device) && device) return *device;
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
  bind_memory(m);
  bind_batches(m);
  bind_cpu(m);
}

}  // namespace bitmetal::python
