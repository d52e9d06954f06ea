// Apple's metal-cpp, the only way to a GPU here. Every file of gpu/ includes it through this one.
#pragma once

#include <Foundation/Foundation.hpp>
#include <Metal/Metal.hpp>
