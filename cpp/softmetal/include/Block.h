// Stand-in for Apple's <Block.h>.
#pragma once

#include <softmetal/export.h>

extern "C" SOFTMETAL_API void* _Block_copy(const void* block);
extern "C" SOFTMETAL_API void _Block_release(const void* block);

#define Block_copy(...) ((__typeof(__VA_ARGS__))_Block_copy((const void*)(__VA_ARGS__)))
#define Block_release(...) _Block_release((const void*)(__VA_ARGS__))
