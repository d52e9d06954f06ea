// Stand-in for Apple's <dispatch/dispatch.h>: serial queues, for MTL::SharedEventListener, and
// data, for MTL::Device::newLibrary. Both are objects: dispatch_retain and dispatch_release, or
// NS::Object's.
#pragma once

#include <objc/runtime.h>

#include <cstddef>

typedef struct dispatch_queue_s* dispatch_queue_t;
typedef struct dispatch_queue_attr_s* dispatch_queue_attr_t;
typedef const struct dispatch_data_s* dispatch_data_t;
typedef void (^dispatch_block_t)(void);

#define DISPATCH_QUEUE_SERIAL nullptr
#define DISPATCH_DATA_DESTRUCTOR_DEFAULT nullptr

extern "C" {

// `attributes` must be DISPATCH_QUEUE_SERIAL.
SOFTMETAL_API dispatch_queue_t dispatch_queue_create(const char* label,
                                                     dispatch_queue_attr_t attributes);
SOFTMETAL_API void dispatch_async(dispatch_queue_t queue, dispatch_block_t block);
SOFTMETAL_API void dispatch_sync(dispatch_queue_t queue, dispatch_block_t block);

// Copies the bytes: `destructor` must be DISPATCH_DATA_DESTRUCTOR_DEFAULT.
SOFTMETAL_API dispatch_data_t dispatch_data_create(const void* bytes, size_t size,
                                                   dispatch_queue_t queue,
                                                   dispatch_block_t destructor);

SOFTMETAL_API void dispatch_retain(const void* object);
SOFTMETAL_API void dispatch_release(const void* object);

}  // extern "C"
