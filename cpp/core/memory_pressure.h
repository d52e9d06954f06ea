// What becomes of kept memory when the system has little left.
#pragma once

namespace bitmetal {

// Pools of all devices give back the older half of what they keep, or all of it. From any thread.
void relieve_pressure(bool critical);

// Has the system call that, where it tells (macOS). Called once, when devices are there.
void watch_pressure();

}  // namespace bitmetal
