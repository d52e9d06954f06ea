// NVIDIA's run-time compiler, found when it is first needed. It takes no GPU and no driver.
#pragma once

#include <string>

namespace softmetal {

// Immutable and thread-safe.
class Nvrtc {
 public:
  // Null, with what is missing in `reason`, where there is none: it is looked for at the path that
  // set_nvrtc_path() was given, in $SOFTMETAL_NVRTC, where the loader looks and in /usr/local/cuda.
  static const Nvrtc* instance(std::string& reason);

  // Its version and path.
  const std::string& identity() const { return identity_; }

  // Machine code for a GPU of this compute capability (90 for 9.0). Throws CompileError.
  std::string compile(const std::string& text, int capability) const;

 private:
  struct Calls;
  Nvrtc(const Calls& calls, std::string identity) : calls_(calls), identity_(std::move(identity)) {}

  const Calls& calls_;
  std::string identity_;
};

// To be called before the compiler is first needed; has no effect later.
void set_nvrtc_path(const std::string& path);

}  // namespace softmetal
