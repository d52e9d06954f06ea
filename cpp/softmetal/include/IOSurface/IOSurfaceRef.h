// Stand-in for Apple's <IOSurface/IOSurfaceRef.h>: textures over it are not supported by softmetal.
#pragma once

typedef struct __IOSurface* IOSurfaceRef;
