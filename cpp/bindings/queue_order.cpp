// The order between a Metal device's work and PyTorch's, for bitmetal/_tensors.py.
#include "gpu/queue_order.h"

#include "bindings/bindings.h"
#include "gpu/backend.h"

namespace bitmetal::python {
namespace {

using gpu::QueueOrder;

template <class Function>
Function at_address(const char* name, uintptr_t address) {
  if (!address) fail<ValueError>("QueueOrder: ", name, " is 0, expected a function's address");
  return reinterpret_cast<Function>(address);
}

}  // namespace

void bind_queue_order(nb::module_& m) {
  nb::class_<QueueOrder>(m, "QueueOrder", "See gpu/queue_order.h.")
      .def(
          "__init__",
          [](QueueOrder* self, nb::handle device, uintptr_t dispatch_queue,
             uintptr_t command_buffer, uintptr_t commit) {
            const Device& found = parse_device(device);
            gpu::GpuBackend* backend = gpu::backend_of(found);
            if (!backend || !found.unified_memory()) {
              fail<CapabilityError>("QueueOrder: device '", found.kind(),
                                    "' shares no buffers with other libraries");
            }
            new (self) QueueOrder(backend->metal(), backend->stream(),
                                  {at_address<void* (*)()>("dispatch_queue", dispatch_queue),
                                   at_address<void* (*)()>("command_buffer", command_buffer),
                                   at_address<void (*)()>("commit", commit)});
          },
          "device"_a, "dispatch_queue"_a, "command_buffer"_a, "commit"_a,
          nb::sig("def __init__(self, device: DeviceLike, dispatch_queue: int, "
                  "command_buffer: int, commit: int) -> None"),
          "The other library's functions by their addresses.")
      .def("wait_for_other", &QueueOrder::wait_for_other, nb::call_guard<nb::gil_scoped_release>())
      .def("make_other_wait", &QueueOrder::make_other_wait,
           nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace bitmetal::python
