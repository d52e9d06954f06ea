#include "mtl/background.h"

#include "runtime/lane.h"

namespace softmetal {

void run_in_background(std::function<void()> task) {
  static Lane& lane = *new Lane();  // never destroyed: a task may be running while the process ends
  lane.post(std::move(task));
}

}  // namespace softmetal
