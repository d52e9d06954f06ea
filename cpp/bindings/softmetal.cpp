// softmetal's controls (softmetal/softmetal.h); bitmetal/softmetal.py gives them their shape.
#include <softmetal/softmetal.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "bindings/bindings.h"
#include "gpu/stream.h"

namespace bitmetal::python {

void bind_softmetal(nb::module_& m) {
  m.def(
      "softmetal_live_objects",
      [] {
        nb::dict counts;
        softmetal_visit_live_objects(
            [](void* context, const char* name, uint64_t count) {
              (*static_cast<nb::dict*>(context))[name] = count;
            },
            &counts);
        return counts;
      },
      nb::sig("def softmetal_live_objects() -> dict[str, int]"));
  m.def(
      "softmetal_take_reports",
      [] {
        nb::list reports;
        softmetal_take_reports(
            [](void* context, const char* text) { static_cast<nb::list*>(context)->append(text); },
            &reports);
        return reports;
      },
      nb::sig("def softmetal_take_reports() -> list[str]"));
  const char* check = std::getenv("SOFTMETAL_CHECK");
  gpu::Stream::mark_arrays(check && *check && std::string_view(check) != "0");
  m.def("softmetal_set_check", [](bool on) {
    gpu::Stream::mark_arrays(on);
    softmetal_set_check(on);
  });
  m.def("softmetal_check", [] { return softmetal_check() != 0; });
  m.def(
      "softmetal_order",
      [] {
        uint64_t seed = 0;
        const int order = softmetal_order(&seed);
        return nb::make_tuple(order, seed);
      },
      nb::sig("def softmetal_order() -> tuple[int, int]"));
  m.def("softmetal_set_order", [](int order, uint64_t seed) { softmetal_set_order(order, seed); });
  m.def("softmetal_set_threads", [](unsigned threads) { softmetal_set_threads(threads); });
  m.def("softmetal_fail_allocations",
        [](uint64_t skip, uint64_t count) { softmetal_fail_allocations(skip, count); });
  m.def("softmetal_fail_command_buffers", [](uint64_t skip, uint64_t count, int64_t code) {
    softmetal_fail_command_buffers(skip, count, code);
  });
  m.def("softmetal_lose_device", [](bool lost) { softmetal_lose_device(lost); });
  m.def("softmetal_delay_completion",
        [](uint64_t microseconds) { softmetal_delay_completion(microseconds); });
  m.def("softmetal_clear_faults", [] { softmetal_clear_faults(); });
  m.def(
      "softmetal_profiles",
      [] {
        nb::list names;
        for (const char* const* name = softmetal_profiles(); *name; ++name) names.append(*name);
        return names;
      },
      nb::sig("def softmetal_profiles() -> list[str]"));
  m.def("set_nvrtc_path", [](const char* path) { softmetal_set_nvrtc_path(path); });
  m.def(
      "softmetal_private_array",
      [](int64_t length) {
        return Array({length}, DType::f32, find_device("softmetal"), Memory::device);
      },
      "An array in memory that the device alone reaches, as another library's may be; for tests.");
  m.def("softmetal_profile", [] { return softmetal_profile(); });
  m.def("softmetal_set_profile", [](const char* name) { return softmetal_set_profile(name) != 0; });
}

}  // namespace bitmetal::python
