/* softmetal's controls: what a program that runs on Metal-in-software can ask beyond Metal's own
 * API.
 *
 * Metal reports failures in three ways, and softmetal keeps to them:
 *  - an NSError, or a command buffer whose status is Error, where Metal gives one;
 *  - nil, where Metal gives nil: softmetal_last_error() then says why;
 *  - a C++ exception, softmetal::UsageError (softmetal/error.h), out of the very call, where
 * Apple's API validation would stop the program. It names the method and the argument.
 *
 * All functions may be called from any thread, and at any time. */
#pragma once

#include <softmetal/export.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Objects alive now: of all classes, or of one by its Metal name ("MTLBuffer"). */
SOFTMETAL_API uint64_t softmetal_live_objects(void);
SOFTMETAL_API uint64_t softmetal_live_objects_of(const char* class_name);
/* Calls `visit` for each class that has some. */
SOFTMETAL_API void softmetal_visit_live_objects(void (*visit)(void* context, const char* class_name,
                                                              uint64_t count),
                                                void* context);

/* Why the last call on this thread that answered nil did so; "" before the first. */
SOFTMETAL_API const char* softmetal_last_error(void);

/* The Apple GPU whose name, families and limits a device shows. "apple7" (M1), "apple8" (M2),
 * "apple9" (M3), "apple3" (A9, with half of their threads and threadgroup memory), "paravirtual"
 * (that of a virtual machine: an old family, and newer features that only asking finds); the names
 * end with NULL. The environment variable SOFTMETAL_PROFILE sets the first. Setting one decides for
 * devices created later and answers 0 for a name that there is none of. All handles to one device
 * show one profile. */
SOFTMETAL_API const char* const* softmetal_profiles(void);
SOFTMETAL_API int softmetal_set_profile(const char* name);
SOFTMETAL_API const char* softmetal_profile(void);

/* Faults. After `skip` that succeed, the next `count` fail; then all succeed again.
 * A failed allocation is a nil buffer or heap. A failed command buffer has the status Error, `code`
 * of MTLCommandBufferErrorDomain, and has run nothing. */
SOFTMETAL_API void softmetal_fail_allocations(uint64_t skip, uint64_t count);
SOFTMETAL_API void softmetal_fail_every_nth_allocation(uint64_t n); /* 0: none */
SOFTMETAL_API void softmetal_fail_command_buffers(uint64_t skip, uint64_t count, int64_t code);
/* While lost, every command buffer fails with DeviceRemoved and every allocation is nil. */
SOFTMETAL_API void softmetal_lose_device(int lost);
/* Each command buffer takes this much longer to complete. */
SOFTMETAL_API void softmetal_delay_completion(uint64_t microseconds);
SOFTMETAL_API void softmetal_clear_faults(void);

/* The order in which a kernel's threads run, and in which the dispatches of a concurrent encoder do
 * that no barrier separates. Every order is one that a GPU might take. */
enum softmetal_order {
  SOFTMETAL_ORDER_FORWARD = 0,
  SOFTMETAL_ORDER_REVERSE = 1,
  SOFTMETAL_ORDER_SHUFFLED = 2
};
/* Answers 0 for an order that there is none of. */
SOFTMETAL_API int softmetal_set_order(int order, uint64_t seed);
SOFTMETAL_API int softmetal_order(uint64_t* seed); /* `seed` may be NULL */
SOFTMETAL_API void softmetal_set_threads(
    unsigned threads); /* 0: as many as the machine has cores */

/* The checker: races, accesses out of bounds, reads of threadgroup memory never written. What it
 * finds fails the command buffer, with the finding as the error's text, and is kept as a report.
 * A buffer's bounds are its length; for one that is bound where a debug marker of it starts
 * (addDebugMarker:range:), those of the marker. */
SOFTMETAL_API void softmetal_set_check(int on);
SOFTMETAL_API int softmetal_check(void);
/* Hands out and forgets the reports, oldest first. At most the newest 1000 are kept. */
SOFTMETAL_API void softmetal_take_reports(void (*visit)(void* context, const char* text),
                                          void* context);

/* What keeps kernels from running on an NVIDIA GPU; "" where nothing does, and MTLCopyAllDevices()
 * then has a second device, without unified memory. */
SOFTMETAL_API const char* softmetal_cuda_missing(void);
/* Where NVIDIA's compiler is, for a program that knows. To be called before devices are asked for.
 */
SOFTMETAL_API void softmetal_set_nvrtc_path(const char* path);

/* Every method of every class: '+' for the class's own, '-' for its instances'. Signatures are
 * Objective-C type encodings (softmetal/signature.h). */
SOFTMETAL_API void softmetal_visit_methods(void (*visit)(void* context, char kind,
                                                         const char* class_name,
                                                         const char* selector,
                                                         const char* signature),
                                           void* context);

#ifdef __cplusplus
}
#endif
