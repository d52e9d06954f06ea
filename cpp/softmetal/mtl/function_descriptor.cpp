#include "mtl/function_descriptor.h"

#include "runtime/property.h"

namespace softmetal {

namespace {

FunctionDescriptor* make_autoreleased() { return make<FunctionDescriptor>().autorelease(); }

constexpr Method kMethods[] = {
    getter<&FunctionDescriptor::name>("name"),
    setter<&FunctionDescriptor::name>("setName:"),
    getter<&FunctionDescriptor::specialized_name>("specializedName"),
    setter<&FunctionDescriptor::specialized_name>("setSpecializedName:"),
    getter<&FunctionDescriptor::constants>("constantValues"),
    setter<&FunctionDescriptor::constants>("setConstantValues:"),
    getter<&FunctionDescriptor::options>("options"),
    setter<&FunctionDescriptor::options>("setOptions:"),
    getter<&FunctionDescriptor::binary_archives>("binaryArchives"),
    setter<&FunctionDescriptor::binary_archives>("setBinaryArchives:"),
};

constexpr Method kClassMethods[] = {
    method<&make_autoreleased>("functionDescriptor"),
};

}  // namespace

constinit Type FunctionDescriptor::type = Type::define<FunctionDescriptor, Life::copied>(
    "MTLFunctionDescriptor", &RootObject::type, kMethods, kClassMethods);

}  // namespace softmetal
