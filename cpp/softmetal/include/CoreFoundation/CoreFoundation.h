// Stand-in for Apple's <CoreFoundation/CoreFoundation.h>: the part of it that metal-cpp uses.
#pragma once

// Apple's includes these, and metal-cpp counts on it.
#include <math.h>
#include <objc/runtime.h>
#include <stdint.h>

typedef double CFTimeInterval;

// What a constant string's first word points at: clang emits MTLSTR("...") as such an object.
extern "C" SOFTMETAL_API int __CFConstantStringClassReference[];

// An NSString that lives as long as the process; equal texts give the same one.
extern "C" SOFTMETAL_API const void* __CFStringMakeConstantString(const char* text);
