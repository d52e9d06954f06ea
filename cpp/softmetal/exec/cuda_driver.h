// NVIDIA's driver, found when it is first needed: what this library calls of it, as its
// documentation has it. Objects are opaque; addresses of device memory are integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace softmetal::cuda {

using Result = int;  // 0 for success
using Address = uint64_t;
using Handle = void*;  // a context, module, function, stream or event

inline constexpr Result kOutOfMemory = 2;
inline constexpr Result kNotReady = 600;
inline constexpr Result kAlreadyRegistered = 712;

// CUdevice_attribute and CUfunction_attribute.
inline constexpr int kCapabilityMajor = 75, kCapabilityMinor = 76;
inline constexpr int kMaxThreadsPerBlock = 0, kSharedBytes = 1;

inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr unsigned kHostPortable = 1, kHostMapped = 2;

#define SOFTMETAL_CUDA_CALLS(CALL)                                                            \
  CALL(init, "cuInit", (unsigned))                                                            \
  CALL(device_count, "cuDeviceGetCount", (int*))                                              \
  CALL(device, "cuDeviceGet", (int*, int))                                                    \
  CALL(device_name, "cuDeviceGetName", (char*, int, int))                                     \
  CALL(device_memory, "cuDeviceTotalMem_v2", (size_t*, int))                                  \
  CALL(device_attribute, "cuDeviceGetAttribute", (int*, int, int))                            \
  CALL(retain_context, "cuDevicePrimaryCtxRetain", (Handle*, int))                            \
  CALL(set_context, "cuCtxSetCurrent", (Handle))                                              \
  CALL(allocate, "cuMemAlloc_v2", (Address*, size_t))                                         \
  CALL(free, "cuMemFree_v2", (Address))                                                       \
  CALL(allocate_host, "cuMemHostAlloc", (void**, size_t, unsigned))                           \
  CALL(free_host, "cuMemFreeHost", (void*))                                                   \
  CALL(register_host, "cuMemHostRegister_v2", (void*, size_t, unsigned))                      \
  CALL(unregister_host, "cuMemHostUnregister", (void*))                                       \
  CALL(copy, "cuMemcpyAsync", (Address, Address, size_t, Handle))                             \
  CALL(fill, "cuMemsetD8Async", (Address, unsigned char, size_t, Handle))                     \
  CALL(create_stream, "cuStreamCreate", (Handle*, unsigned))                                  \
  CALL(wait_for_stream, "cuStreamSynchronize", (Handle))                                      \
  CALL(create_event, "cuEventCreate", (Handle*, unsigned))                                    \
  CALL(record_event, "cuEventRecord", (Handle, Handle))                                       \
  CALL(elapsed, "cuEventElapsedTime", (float*, Handle, Handle))                               \
  CALL(load_module, "cuModuleLoadData", (Handle*, const void*))                               \
  CALL(unload_module, "cuModuleUnload", (Handle))                                             \
  CALL(module_function, "cuModuleGetFunction", (Handle*, Handle, const char*))                \
  CALL(module_global, "cuModuleGetGlobal_v2", (Address*, size_t*, Handle, const char*))       \
  CALL(function_attribute, "cuFuncGetAttribute", (int*, int, Handle))                         \
  CALL(launch, "cuLaunchKernel",                                                              \
       (Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, \
        void**, void**))                                                                      \
  CALL(error_name, "cuGetErrorName", (Result, const char**))                                  \
  CALL(error_text, "cuGetErrorString", (Result, const char**))

struct Driver {
#define SOFTMETAL_DECLARE(member, symbol, parameters) Result(*member) parameters = nullptr;
  SOFTMETAL_CUDA_CALLS(SOFTMETAL_DECLARE)
#undef SOFTMETAL_DECLARE

  // "CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered"
  std::string describe(Result result) const;
};

// Null, with what is missing in `reason`, where there is none. Its functions may be called then.
const Driver* find_driver(std::string& reason);

}  // namespace softmetal::cuda
