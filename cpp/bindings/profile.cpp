// What bitmetal/profile.py builds on.
#include "core/profile.h"

#include "bindings/bindings.h"
#include "bitmetal/device.h"
#include "core/backend.h"

namespace bitmetal::python {

void bind_profile(nb::module_& m) {
  nb::class_<Profile>(m, "ProfileRecorder", "Records events from its construction until stop().")
      .def(nb::init<>())
      .def(
          "stop",
          [](Profile& profile) {
            nb::gil_scoped_release released;
            for (Device* device : devices()) device->backend().drain();
            profile.stop();
          },
          "Wait for what is under way, and record no more.")
      .def(
          "events",
          [](const Profile& profile) {
            nb::list rows;
            for (const ProfileEvent& e : profile.events()) {
              rows.append(nb::make_tuple(e.name.c_str(), e.device.c_str(), e.begin, e.end, e.bytes,
                                         e.thread));
            }
            return rows;
          },
          nb::sig("def events(self) -> list[tuple[str, str, float, float, int, int]]"),
          "Name, kind of device, begin and end in seconds, bytes, and thread (0: the GPU).");
}

}  // namespace bitmetal::python
