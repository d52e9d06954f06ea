#include "foundation/collections.h"

#include <algorithm>

namespace softmetal {

bool objects_equal(Object* a, Object* b) {
  static const SEL is_equal = sel_registerName("isEqual:");
  if (a == b) return true;
  auto* imp = reinterpret_cast<bool (*)(Object*, SEL, Object*)>(
      softmetal_method(a, is_equal, signature<bool, Object*>()));
  return imp(a, is_equal, b);
}

namespace {

ObjectList retained(Object* const* objects, uint64_t count, const char* method_name) {
  ObjectList out;
  out.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    if (objects[i] == nullptr) {
      throw UsageError(std::string(method_name) + ": object " + std::to_string(i) + " is nil");
    }
    out.push_back(Ref<Object>::retain(objects[i]));
  }
  return out;
}

bool contains(const ObjectList& objects, Object* object) {
  return std::any_of(objects.begin(), objects.end(),
                     [&](const Ref<Object>& each) { return objects_equal(each.get(), object); });
}

}  // namespace

Array* Enumerator::all() {
  ObjectList rest(objects_.begin() + static_cast<ptrdiff_t>(at_), objects_.end());
  at_ = objects_.size();
  return array(std::move(rest)).autorelease();
}

uint64_t Enumerator::fill(NS::FastEnumerationState* state, Object** buffer, uint64_t capacity) {
  uint64_t count = 0;
  while (count < capacity && at_ < objects_.size()) buffer[count++] = next();
  state->state = 1;
  state->itemsPtr = reinterpret_cast<NS::Object**>(buffer);
  state->mutationsPtr = state->extra;  // never changes: the collection cannot
  return count;
}

namespace {

constexpr Method kEnumeratorMethods[] = {
    method<&Enumerator::next>("nextObject"),
    method<&Enumerator::all>("allObjects"),
    method<&Enumerator::fill>("countByEnumeratingWithState:objects:count:"),
};

Enumerator* enumerate(const ObjectList& objects) { return make<Enumerator>(objects).autorelease(); }

struct ArrayMethods : Array {
  static Array* empty() { return array({}).autorelease(); }
  static Array* with_object(Object* object) { return with_objects(&object, 1); }
  static Array* with_objects(Object* const* objects, uint64_t count) {
    return array(retained(objects, count, "+[NSArray arrayWithObjects:count:]")).autorelease();
  }
  Array* init_objects(Object* const* list, uint64_t count) {
    objects = retained(list, count, "-[NSArray initWithObjects:count:]");
    return this;
  }
  Object* at(uint64_t index) const {
    if (index >= objects.size()) {
      throw UsageError("-[NSArray objectAtIndex:]: index " + std::to_string(index) + " of " +
                       std::to_string(objects.size()) + " objects");
    }
    return objects[index].get();
  }
  uint64_t count() const { return objects.size(); }
  Enumerator* enumerator() const { return enumerate(objects); }
  bool equals(Object* other) const {
    auto* list = cast<Array>(other);
    return list != nullptr &&
           std::equal(objects.begin(), objects.end(), list->objects.begin(), list->objects.end(),
                      [](const auto& a, const auto& b) { return objects_equal(a.get(), b.get()); });
  }
};

constexpr Method kArrayMethods[] = {
    method<&ArrayMethods::init_objects>("initWithObjects:count:"),
    method<&ArrayMethods::at>("objectAtIndex:"),
    method<&ArrayMethods::count>("count"),
    method<&ArrayMethods::enumerator>("objectEnumerator"),
    method<&ArrayMethods::equals>("isEqual:"),
};

constexpr Method kArrayClassMethods[] = {
    method<&ArrayMethods::empty>("array"),
    method<&ArrayMethods::with_object>("arrayWithObject:"),
    method<&ArrayMethods::with_objects>("arrayWithObjects:count:"),
};

struct SetMethods : Set {
  Set* init_objects(Object* const* list, uint64_t count) {
    objects.clear();
    for (Ref<Object>& object : retained(list, count, "-[NSSet initWithObjects:count:]")) {
      if (!contains(objects, object.get())) objects.push_back(std::move(object));
    }
    return this;
  }
  uint64_t count() const { return objects.size(); }
  Enumerator* enumerator() const { return enumerate(objects); }
};

constexpr Method kSetMethods[] = {
    method<&SetMethods::init_objects>("initWithObjects:count:"),
    method<&SetMethods::count>("count"),
    method<&SetMethods::enumerator>("objectEnumerator"),
};

struct DictionaryMethods : Dictionary {
  static Dictionary* empty() { return make<Dictionary>().autorelease(); }
  static Dictionary* with_object(Object* value, Object* key) {
    return with_objects(&value, &key, 1);
  }
  static Dictionary* with_objects(Object* const* list, Object* const* key_list, uint64_t count) {
    Ref<Dictionary> out = make<Dictionary>();
    static_cast<DictionaryMethods*>(out.get())->init_objects(list, key_list, count);
    return out.autorelease();
  }
  Dictionary* init_objects(Object* const* list, Object* const* key_list, uint64_t count) {
    constexpr const char* kName = "-[NSDictionary initWithObjects:forKeys:count:]";
    ObjectList new_values = retained(list, count, kName);
    ObjectList new_keys = retained(key_list, count, kName);
    for (uint64_t i = 0; i < count; ++i) {
      if (find(new_keys[i].get()) != nullptr) continue;  // the first of equal keys stays
      keys.push_back(std::move(new_keys[i]));
      values.push_back(std::move(new_values[i]));
    }
    return this;
  }
  Object* object_for(Object* key) const { return find(key); }
  uint64_t count() const { return keys.size(); }
  Enumerator* key_enumerator() const { return enumerate(keys); }
};

constexpr Method kDictionaryMethods[] = {
    method<&DictionaryMethods::init_objects>("initWithObjects:forKeys:count:"),
    method<&DictionaryMethods::object_for>("objectForKey:"),
    method<&DictionaryMethods::count>("count"),
    method<&DictionaryMethods::key_enumerator>("keyEnumerator"),
};

constexpr Method kDictionaryClassMethods[] = {
    method<&DictionaryMethods::empty>("dictionary"),
    method<&DictionaryMethods::with_object>("dictionaryWithObject:forKey:"),
    method<&DictionaryMethods::with_objects>("dictionaryWithObjects:forKeys:count:"),
};

}  // namespace

Object* Dictionary::find(const Object* key) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (objects_equal(keys[i].get(), const_cast<Object*>(key))) return values[i].get();
  }
  return nullptr;
}

Ref<Array> array(ObjectList objects) { return make<Array>(std::move(objects)); }

constinit Type Enumerator::type =
    Type::define<Enumerator, Life::internal>("NSEnumerator", &RootObject::type, kEnumeratorMethods);
constinit Type Array::type = Type::define<Array, Life::allocated>(
    "NSArray", &RootObject::type, kArrayMethods, kArrayClassMethods);
constinit Type Set::type =
    Type::define<Set, Life::allocated>("NSSet", &RootObject::type, kSetMethods);
constinit Type Dictionary::type = Type::define<Dictionary, Life::allocated>(
    "NSDictionary", &RootObject::type, kDictionaryMethods, kDictionaryClassMethods);

}  // namespace softmetal
