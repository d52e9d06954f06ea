// What metal-cpp's headers name of CoreGraphics' geometry.
#pragma once

struct CGSize {
  double width, height;
};
