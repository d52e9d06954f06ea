#include "core/memory_pressure.h"

#include "bitmetal/device.h"
#include "core/buffer_pool.h"

#ifdef __APPLE__
#include <dispatch/dispatch.h>
#endif

namespace bitmetal {

void relieve_pressure(bool critical) {
  for (Device* device : devices()) {
    BufferPool& pool = device->pool();
    pool.trim(critical ? 0 : pool.stats().cached_bytes / 2);
  }
}

#ifdef __APPLE__

void watch_pressure() {
  const dispatch_source_t source =
      dispatch_source_create(DISPATCH_SOURCE_TYPE_MEMORYPRESSURE, 0,
                             DISPATCH_MEMORYPRESSURE_WARN | DISPATCH_MEMORYPRESSURE_CRITICAL,
                             dispatch_get_global_queue(QOS_CLASS_UTILITY, 0));
  if (!source) return;
  dispatch_set_context(source, source);
  dispatch_source_set_event_handler_f(source, [](void* context) {
    const auto level = dispatch_source_get_data(static_cast<dispatch_source_t>(context));
    relieve_pressure(level & DISPATCH_MEMORYPRESSURE_CRITICAL);
  });
  dispatch_resume(source);  // kept for the life of the process
}

#else

void watch_pressure() {}

#endif

}  // namespace bitmetal
