// Work that Metal does on threads of its own: compiling with a completion handler.
#pragma once

#include <functional>

#include "foundation/error.h"
#include "runtime/block_ref.h"

namespace softmetal {

// Runs the task on a thread of the process, one task after another.
void run_in_background(std::function<void()> task);

// Makes an object in the background and hands it to the block, or the error that prevented it.
template <class T, class Make>
void answer_later(void (^handler)(T*, Error*), Make make_object) {
  run_in_background([handler = BlockRef(handler), make_object] {
    Error* error = nullptr;
    Ref<T> object = Ref<T>::adopt(make_object(&error));
    handler.get()(object.get(), error);
  });
}

}  // namespace softmetal
