#include <Metal/MTLFunctionConstantValues.hpp>
#include <algorithm>
#include <cstring>

#include "mtl/data_type.h"
#include "mtl/library.h"
#include "mtl/misuse.h"

namespace softmetal {

namespace {

struct ConstantValuesMethods : FunctionConstantValues {
  void set_at(const void* value, MTL::DataType data_type, uint64_t index) {
    put("-[MTLFunctionConstantValues setConstantValue:type:atIndex:]", value, data_type, "", index);
  }

  void set_named(const void* value, MTL::DataType data_type, String* name) {
    constexpr const char* kName = "-[MTLFunctionConstantValues setConstantValue:type:withName:]";
    if (view(name).empty()) misuse(kName, "name is empty");
    put(kName, value, data_type, view(name), 0);
  }

  void set_range(const void* list, MTL::DataType data_type, NS::Range range) {
    constexpr const char* kName = "-[MTLFunctionConstantValues setConstantValues:type:withRange:]";
    const auto* bytes = static_cast<const std::byte*>(list);
    for (uint64_t i = 0; i < range.length; ++i) {
      put(kName, bytes + i * data_type_size(data_type), data_type, "", range.location + i);
    }
  }

  void reset() { values.clear(); }

 private:
  // Metal's limit on [[function_constant(N)]].
  static constexpr uint64_t kMaxIndex = 65535;

  void put(const char* method, const void* bytes, MTL::DataType data_type, std::string_view name,
           uint64_t index) {
    const size_t size = data_type_size(data_type);
    if (bytes == nullptr) misuse(method, "value is null");
    if (size == 0)
      misuse(method, "type: a function constant is a scalar or vector of 16 bytes at most");
    if (index > kMaxIndex) misuse(method, "index is above 65535");
    ConstantValue value;
    value.name = name;
    value.index = static_cast<uint32_t>(index);
    value.type = static_cast<uint32_t>(data_type);
    std::memcpy(value.bytes.data(), bytes, size);
    auto same = std::find_if(values.begin(), values.end(), [&](const ConstantValue& each) {
      return each.name == value.name && each.index == value.index;
    });
    if (same != values.end()) {
      *same = value;
    } else {
      values.push_back(value);
    }
  }
};

constexpr Method kMethods[] = {
    method<&ConstantValuesMethods::set_at>("setConstantValue:type:atIndex:"),
    method<&ConstantValuesMethods::set_named>("setConstantValue:type:withName:"),
    method<&ConstantValuesMethods::set_range>("setConstantValues:type:withRange:"),
    method<&ConstantValuesMethods::reset>("reset"),
};

}  // namespace

constinit Type FunctionConstantValues::type = Type::define<FunctionConstantValues, Life::copied>(
    "MTLFunctionConstantValues", &RootObject::type, kMethods);

}  // namespace softmetal
