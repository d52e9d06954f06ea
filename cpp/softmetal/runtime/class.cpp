#include "runtime/class.h"

#include <objc/message.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/selector.h"

namespace softmetal {

const Method* Class::find(SEL selector) const {
  const MethodTable& methods_by_selector = table();
  auto found = methods_by_selector.find(selector);
  return found == methods_by_selector.end() ? nullptr : found->second;
}

const MethodTable& Class::table() const {
  if (const MethodTable* ready = table_.load(std::memory_order_acquire)) return *ready;
  auto built = std::make_unique<MethodTable>();
  if (superclass != nullptr) *built = superclass->table();
  for (const Method& method : methods) (*built)[sel_registerName(method.selector)] = &method;
  const MethodTable* expected = nullptr;
  if (table_.compare_exchange_strong(expected, built.get(), std::memory_order_acq_rel)) {
    return *built.release();
  }
  return *expected;
}

void adopt_class(Object* object, const Class& cls) {
  object->isa = &cls;
  cls.live.fetch_add(1, std::memory_order_relaxed);
}

bool is_kind_of(const Object* object, const Class& cls) {
  if (object == nullptr) return false;
  for (const Class* at = object->isa; at != nullptr; at = at->superclass) {
    if (at == &cls) return true;
  }
  return false;
}

namespace {

// Classes that the framework has and softmetal lacks: they exist, so that a message to one can be
// answered with an error that names it.
Class* missing_class(const std::string& name) {
  static std::mutex mutex;
  static auto& missing = *new std::map<std::string, std::unique_ptr<Type>>();
  std::lock_guard lock(mutex);
  auto [entry, is_new] = missing.try_emplace(name);
  if (is_new) {
    entry->second =
        std::make_unique<Type>(entry->first.c_str(), nullptr, std::span<const Method>());
  }
  return &entry->second->cls;
}

std::string message_text(const Object* receiver, SEL selector) {
  const Class& cls = *receiver->isa;
  // A class object's own class is a metaclass, which carries the same name.
  std::string text = cls.is_metaclass() ? "+[" : "-[";
  return text + cls.name + " " + sel_getName(selector) + "]";
}

}  // namespace

}  // namespace softmetal

using softmetal::Object;

extern "C" {

Class objc_lookUpClass(const char* name) {
  for (const softmetal::Type* type : softmetal::all_types()) {
    if (std::string_view(type->cls.name) == name) {
      return reinterpret_cast<Class>(const_cast<softmetal::Class*>(&type->cls));
    }
  }
  return reinterpret_cast<Class>(softmetal::missing_class(name));
}

void* objc_getProtocol(const char* name) { return objc_lookUpClass(name); }

const char* object_getClassName(const void* object) {
  return object == nullptr ? "nil" : static_cast<const Object*>(object)->isa->name;
}

IMP softmetal_method(const void* receiver, SEL selector, const char* signature) {
  if (receiver == nullptr) return nullptr;
  const auto* object = static_cast<const Object*>(receiver);
  const softmetal::Method* method = object->isa->find(selector);
  if (method == nullptr) {
    throw softmetal::UsageError(softmetal::message_text(object, selector) +
                                " is not supported by softmetal");
  }
  if (method->signature != signature && std::string_view(method->signature) != signature) {
    throw softmetal::UsageError(softmetal::message_text(object, selector) + " was sent as \"" +
                                signature + "\", its signature is \"" + method->signature + '"');
  }
  return method->imp();
}

}  // extern "C"
