#include "mtl/data_type.h"

namespace softmetal {

namespace {

// A vector of three is as large as one of four.
constexpr size_t vector_size(size_t element, size_t count) {
  return element * (count == 3 ? 4 : count);
}

}  // namespace

size_t data_type_size(MTL::DataType type) {
  // The enumeration lists each family as T, T2, T3, T4.
  const auto family = [type](MTL::DataType first, size_t element) -> size_t {
    const auto at = static_cast<size_t>(type) - static_cast<size_t>(first);
    return static_cast<size_t>(type) >= static_cast<size_t>(first) && at < 4
               ? vector_size(element, at + 1)
               : 0;
  };
  struct Family {
    MTL::DataType first;
    size_t element;
  };
  constexpr Family kFamilies[] = {
      {MTL::DataTypeFloat, 4},  {MTL::DataTypeHalf, 2},  {MTL::DataTypeInt, 4},
      {MTL::DataTypeUInt, 4},   {MTL::DataTypeShort, 2}, {MTL::DataTypeUShort, 2},
      {MTL::DataTypeChar, 1},   {MTL::DataTypeUChar, 1}, {MTL::DataTypeBool, 1},
      {MTL::DataTypeBFloat, 2},
  };
  for (const Family& each : kFamilies) {
    if (const size_t size = family(each.first, each.element)) return size;
  }
  // A constant's value is at most 16 bytes: longs come alone or in pairs.
  if (type == MTL::DataTypeLong || type == MTL::DataTypeULong) return 8;
  if (type == MTL::DataTypeLong2 || type == MTL::DataTypeULong2) return 16;
  return 0;
}

}  // namespace softmetal
