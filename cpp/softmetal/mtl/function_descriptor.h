// MTLFunctionDescriptor.
#pragma once

#include "mtl/library.h"

namespace softmetal {

class FunctionDescriptor : public Object {
 public:
  static Type type;

  Ref<String> name;
  Ref<String> specialized_name;
  Ref<FunctionConstantValues> constants;
  MTL::FunctionOptions options = MTL::FunctionOptionNone;
  Ref<Array> binary_archives;
};

}  // namespace softmetal
