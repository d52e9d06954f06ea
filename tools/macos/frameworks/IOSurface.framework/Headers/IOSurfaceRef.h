// What metal-cpp's headers name of IOSurface.
#pragma once

using IOSurfaceRef = struct __IOSurface*;
