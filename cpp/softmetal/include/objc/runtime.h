// Stand-in for Apple's <objc/runtime.h>: the part of it that metal-cpp uses.
#pragma once

#include <softmetal/export.h>

// metal-cpp picks code by Apple's name for the architecture, which Linux compilers do not define.
#if defined(__aarch64__) && !defined(__arm64__)
#define __arm64__ 1
#endif

// Makes metal-cpp refer to the string constants (NSLocalizedDescriptionKey, ...) as symbols.
// Otherwise it asks dlsym for them, which cannot see into an executable or into a Python extension.
#ifndef __MAC_26_0
#define __MAC_26_0 260000
#endif

// The oldest macOS that a program must run on: metal-cpp leaves functions out below some version.
#ifndef __MAC_OS_X_VERSION_MIN_REQUIRED
#define __MAC_OS_X_VERSION_MIN_REQUIRED 140000
#endif

struct objc_object {};
struct objc_class;
struct objc_selector;

typedef objc_object* id;
typedef objc_class* Class;
typedef objc_selector* SEL;
typedef void (*IMP)(void);

extern "C" {

// Never null: a class that softmetal lacks answers every message with a UsageError naming it, as
// late as that. (metal-cpp asks for all classes when a program starts, whether it uses them or
// not.)
SOFTMETAL_API Class objc_lookUpClass(const char* name);
SOFTMETAL_API void* objc_getProtocol(const char* name);
SOFTMETAL_API SEL sel_registerName(const char* name);
SOFTMETAL_API const char* sel_getName(SEL selector);
SOFTMETAL_API const char* object_getClassName(const void* object);

SOFTMETAL_API void* objc_autoreleasePoolPush(void);
SOFTMETAL_API void objc_autoreleasePoolPop(void* pool);

}  // extern "C"
