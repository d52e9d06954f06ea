#include "runtime/selector.h"

#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

extern "C" SEL sel_registerName(const char* name) {
  static std::mutex mutex;
  // Keys view the names that the values own. Never destroyed: static initialisers and threads of
  // other libraries may outlive any order of destruction.
  static auto& selectors =
      *new std::unordered_map<std::string_view, std::unique_ptr<objc_selector>>();
  std::lock_guard lock(mutex);
  if (auto found = selectors.find(name); found != selectors.end()) return found->second.get();
  auto selector = std::make_unique<objc_selector>(objc_selector{name});
  SEL out = selector.get();
  selectors.emplace(out->name, std::move(selector));
  return out;
}

extern "C" const char* sel_getName(SEL selector) {
  return selector == nullptr ? "(null)" : selector->name.c_str();
}
