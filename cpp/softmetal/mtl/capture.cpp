#include "mtl/capture.h"

#include <Metal/MTLCaptureManager.hpp>

#include "foundation/error.h"

namespace softmetal {

namespace {

struct CaptureMethods : CaptureManager {
  static CaptureManager* shared() {
    static CaptureManager* const manager = [] {
      CaptureManager* out = make<CaptureManager>().leak();
      leave_uncounted(*out);
      return out;
    }();
    return manager;
  }

  bool supports(MTL::CaptureDestination) const { return false; }
  bool start(Object*, Error** error) {
    static constinit String domain("MTLCaptureError");
    report(error, make_error(domain, MTL::CaptureErrorNotSupported,
                             "captures are not supported by softmetal"));
    return false;
  }
  void stop() {}
  bool is_capturing() const { return false; }
  Object* default_scope() const { return nullptr; }
};

constexpr Method kMethods[] = {
    method<&CaptureMethods::supports>("supportsDestination:"),
    method<&CaptureMethods::start>("startCaptureWithDescriptor:error:"),
    method<&CaptureMethods::stop>("stopCapture"),
    method<&CaptureMethods::is_capturing>("isCapturing"),
    method<&CaptureMethods::default_scope>("defaultCaptureScope"),
};

constexpr Method kClassMethods[] = {
    method<&CaptureMethods::shared>("sharedCaptureManager"),
};

}  // namespace

constinit Type CaptureManager::type = Type::define<CaptureManager, Life::internal>(
    "MTLCaptureManager", &RootObject::type, kMethods, kClassMethods);

}  // namespace softmetal
