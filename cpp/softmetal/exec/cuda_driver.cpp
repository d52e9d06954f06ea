#include "cuda_driver.h"

#include <dlfcn.h>

namespace softmetal::cuda {

std::string Driver::describe(Result result) const {
  const char *name = nullptr, *text = nullptr;
  error_name(result, &name);
  error_text(result, &text);
  return std::string(name ? name : "CUDA error " + std::to_string(result)) +
         (text ? std::string(": ") + text : "");
}

const Driver* find_driver(std::string& reason) {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    reason = "NVIDIA's driver (libcuda.so.1) was not found";
    return nullptr;
  }
  static Driver driver;
  const char* absent = nullptr;
#define SOFTMETAL_FIND(member, symbol, parameters)                                \
  driver.member = reinterpret_cast<Result(*) parameters>(dlsym(library, symbol)); \
  if (!driver.member) absent = symbol;
  SOFTMETAL_CUDA_CALLS(SOFTMETAL_FIND)
#undef SOFTMETAL_FIND
  if (absent) {
    reason = std::string("NVIDIA's driver is too old: it has no ") + absent;
    return nullptr;
  }
  return &driver;
}

}  // namespace softmetal::cuda
