// What metal-cpp's headers name of CoreGraphics' colours.
#pragma once

using CGColorSpaceRef = struct CGColorSpace*;
