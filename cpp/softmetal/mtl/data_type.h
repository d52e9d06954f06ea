// Sizes of MTL::DataType's scalars and vectors: what a function constant can be.
#pragma once

#include <Foundation/NSTypes.hpp>
#include <Metal/MTLDataType.hpp>
#include <cstddef>

namespace softmetal {

// 0 for a type that a function constant cannot have.
size_t data_type_size(MTL::DataType type);

}  // namespace softmetal
