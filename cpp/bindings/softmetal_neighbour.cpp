// A double of PyTorch, for tests: a library with a command queue of its own on softmetal's device,
// which encodes copies and is known by the three functions that gpu/queue_order.h wants.
#include <dispatch/dispatch.h>

#include "bindings/bindings.h"
#include "gpu/backend.h"
#include "gpu/buffer.h"

namespace bitmetal::python {
namespace {

class Neighbour {
 public:
  Neighbour()
      : device_(gpu::backend_of(find_device("softmetal"))->metal()),
        queue_(device_.newCommandQueue()),
        gate_(device_.newSharedEvent()),
        serial_(dispatch_queue_create("neighbour", DISPATCH_QUEUE_SERIAL)) {
    here_ = this;
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;
  ~Neighbour() {
    finish();
    dispatch_release(serial_);
    here_ = nullptr;
  }

  nb::tuple functions() const {
    return nb::make_tuple(
        reinterpret_cast<uintptr_t>(+[]() -> void* { return here_->serial_; }),
        reinterpret_cast<uintptr_t>(+[]() -> void* { return &here_->commands(); }),
        reinterpret_cast<uintptr_t>(+[] { here_->commit(); }));
  }

  // The elements of one array, which are neighbours, to another; nothing is committed.
  void copy(const Array& from, const Array& to) {
    for (const Array* a : {&from, &to}) {
      if (a->device().kind() == "softmetal" && a->bytes() == from.bytes()) continue;
      fail<ValueError>("copy: ", a == &from ? "source" : "target", " has ", a->bytes(),
                       " bytes on '", a->device().kind(), "', expected ", from.bytes(),
                       " on 'softmetal'");
    }
    const gpu::Buffer &source = gpu::buffer_of(from), &target = gpu::buffer_of(to);
    const auto begin = static_cast<size_t>(from.data() - source.base);
    const auto end = static_cast<size_t>(to.data() - target.base);
    dispatch_sync(serial_, ^{
      const gpu::AutoreleaseScope scope;
      MTL::BlitCommandEncoder* encoder = commands().blitCommandEncoder();
      encoder->copyFromBuffer(source.metal.get(), begin, target.metal.get(), end, from.bytes());
      encoder->endEncoding();
    });
  }
  // What is encoded from now on waits until open() is called.
  void close() {
    dispatch_sync(serial_, ^{
      const gpu::AutoreleaseScope scope;
      commands().encodeWait(gate_.get(), ++closed_);
    });
  }
  void open() { gate_->setSignaledValue(closed_); }

  // Returns when everything has run.
  void finish() {
    open();
    dispatch_sync(serial_, ^{
      const gpu::AutoreleaseScope scope;
      commands();
      commit();
    });
    last_->waitUntilCompleted();
    last_ = {};
  }

 private:
  MTL::CommandBuffer& commands() {
    if (!buffer_) buffer_ = gpu::Ref<MTL::CommandBuffer>::retain(queue_->commandBuffer());
    return *buffer_.get();
  }
  void commit() {
    if (!buffer_) return;
    last_ = std::exchange(buffer_, {});
    last_->commit();
  }

  static inline Neighbour* here_ = nullptr;
  MTL::Device& device_;
  gpu::Ref<MTL::CommandQueue> queue_;
  gpu::Ref<MTL::SharedEvent> gate_;
  dispatch_queue_t serial_;
  gpu::Ref<MTL::CommandBuffer> buffer_, last_;
  uint64_t closed_ = 0;
};

}  // namespace

void bind_softmetal_neighbour(nb::module_& m) {
  const nb::call_guard<nb::gil_scoped_release> waits;
  nb::class_<Neighbour>(m, "SoftmetalNeighbour", "Another library on the device; for tests.")
      .def(nb::init<>())
      .def("functions", &Neighbour::functions,
           nb::sig("def functions(self) -> tuple[int, int, int]"))
      .def("copy", &Neighbour::copy, "source"_a, "target"_a, waits)
      .def("close", &Neighbour::close, waits)
      .def("open", &Neighbour::open)
      .def("finish", &Neighbour::finish, waits);
}

}  // namespace bitmetal::python
