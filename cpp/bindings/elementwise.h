// Element-wise operations on Python's objects: arrays, numbers, and the values that bm.fuse traces.
#pragma once

#include <initializer_list>
#include <memory>

#include "bindings/bindings.h"
#include "bitmetal/elementwise.h"
#include "ops/expression.h"

namespace bitmetal::python {

// What a traced function puts together.
struct Trace {
  ExpressionBuilder builder;
};
// A value of an expression in place of an array.
struct Traced {
  std::shared_ptr<Trace> trace;
  ExpressionBuilder::Value value;
};

// An int, a float or a bool of Python itself: it takes its type from what it meets.
bool number_of(nb::handle object, Number& number);

// The operation on arrays, or on traced values if there is one.
nb::object apply(Elementwise op, std::initializer_list<nb::handle> operands, nb::handle out);

void bind_operators(nb::class_<Array>& cls);
void bind_operators(nb::class_<Traced>& cls);

}  // namespace bitmetal::python
