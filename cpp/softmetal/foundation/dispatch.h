// The objects behind <dispatch/dispatch.h>: serial queues and blocks of bytes.
#pragma once

#include <dispatch/dispatch.h>

#include <string>
#include <string_view>

#include "runtime/class.h"
#include "runtime/lane.h"

namespace softmetal {

class DispatchQueue : public Object {
 public:
  static Type type;

  explicit DispatchQueue(const char* name) : label(name == nullptr ? "" : name) {}

  static DispatchQueue* from(dispatch_queue_t queue) {
    return reinterpret_cast<DispatchQueue*>(queue);
  }
  dispatch_queue_t handle() { return reinterpret_cast<dispatch_queue_t>(this); }

  const std::string label;
  Lane lane;
};

class DispatchData : public Object {
 public:
  static Type type;

  explicit DispatchData(std::string_view text) : bytes(text) {}

  static const DispatchData* from(dispatch_data_t data) {
    return reinterpret_cast<const DispatchData*>(data);
  }

  const std::string bytes;
};

}  // namespace softmetal
