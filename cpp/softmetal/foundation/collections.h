// NSArray, NSSet, NSDictionary and their enumerators. All immutable.
#pragma once

#include <Foundation/NSEnumerator.hpp>
#include <span>
#include <vector>

#include "runtime/class.h"

namespace softmetal {

using ObjectList = std::vector<Ref<Object>>;

class Array : public Object {
 public:
  static Type type;

  Array() = default;
  explicit Array(ObjectList objects) : objects(std::move(objects)) {}

  ObjectList objects;
};

class Set : public Object {
 public:
  static Type type;

  ObjectList objects;  // no two equal
};

class Dictionary : public Object {
 public:
  static Type type;

  Dictionary() = default;
  Dictionary(ObjectList keys, ObjectList values)
      : keys(std::move(keys)), values(std::move(values)) {}

  Object* find(const Object* key) const;  // null where absent

  ObjectList keys;    // no two equal
  ObjectList values;  // as many, in the same order
};

class Enumerator : public Object {
 public:
  static Type type;

  explicit Enumerator(ObjectList objects) : objects_(std::move(objects)) {}

  Object* next() { return at_ < objects_.size() ? objects_[at_++].get() : nullptr; }

  Array* all();
  // Objective-C's `for (x in y)`: hands out up to `capacity` objects a call.
  uint64_t fill(NS::FastEnumerationState* state, Object** buffer, uint64_t capacity);

 private:
  ObjectList objects_;
  size_t at_ = 0;
};

Ref<Array> array(ObjectList objects);

// Equality and hash as the objects' own classes define them.
bool objects_equal(Object* a, Object* b);

}  // namespace softmetal
