// SOFTMETAL_API marks what a client may call. A shared softmetal exports it; a static one hides it,
// so that two extensions in one process that each carry softmetal never meet.
#pragma once

#if defined(SOFTMETAL_SHARED)
#define SOFTMETAL_API __attribute__((visibility("default")))
#else
#define SOFTMETAL_API __attribute__((visibility("hidden")))
#endif
