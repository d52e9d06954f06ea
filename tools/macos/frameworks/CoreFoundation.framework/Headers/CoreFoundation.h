// What metal-cpp's headers name of CoreFoundation.
#pragma once

using CFTimeInterval = double;  // seconds
