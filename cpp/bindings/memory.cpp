// The buffer pool, as bitmetal/memory.py shows it.
#include "core/buffer_pool.h"

#include "bindings/bindings.h"
#include "bitmetal/device.h"
#include "core/memory_pressure.h"

namespace bitmetal::python {
namespace {

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
  d["object_limit"] = stats.object_limit;
  d["private_bytes"] = stats.private_bytes;
  return d;
}

}  // namespace

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
    the cache, served by the system, and blocks given back to it. ``limit_bytes``, ``cache_limit_bytes``,
    ``object_limit``: see `set_limit`, `set_cache_limit` and `set_object_limit`. ``private_bytes``: of
    those in use and kept, what the device alone reaches.
)");
  m.def(
      "memory_set_limit",
      [](nb::handle bytes, nb::handle device) {
        parse_device(device).pool().set_limit(parse_count("memory.set_limit", "bytes", bytes));
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
            parse_count("memory.set_cache_limit", "bytes", bytes));
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
      "memory_set_object_limit",
      [](nb::handle count, nb::handle device) {
        parse_device(device).pool().set_object_limit(
            parse_count("memory.set_object_limit", "count", count));
      },
      "count"_a, "device"_a = nb::none(),
      nb::sig("def memory_set_object_limit(count: int, device: DeviceLike | None = None) -> None"),
      R"(Bound the number of blocks, in use and cached together, past which none is kept for reuse.

The default is half of the 499,000 at which Apple's driver gives up.

Parameters
----------
count : int
    The limit.
device : Device or str, optional
    The device; the default one if None.
)");
  m.def("memory_pressure", &relieve_pressure, "critical"_a,
        "What happens when the system says that memory is short; for tests.");
  m.def(
      "memory_trim",
      [](nb::handle keep, nb::handle device) {
        parse_device(device).pool().trim(parse_count("memory.trim", "keep", keep));
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

}  // namespace bitmetal::python
