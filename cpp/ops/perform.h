// The one way by which operations reach a device: what they take is noted here for Profile.
#pragma once

#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "bitmetal/blockwise.h"
#include "bitmetal/error.h"
#include "bitmetal/ternary.h"
#include "core/backend.h"
#include "core/profile.h"

namespace bitmetal {

// The bytes of an operation's argument: an array, a pointer to one that may be null, several, or
// something that is none.
template <class T>
uint64_t operand_bytes(const T& value) {
  if constexpr (std::is_pointer_v<T>) {
    return value ? operand_bytes(*value) : 0;
  } else if constexpr (requires {
                         { value.bytes() } -> std::convertible_to<uint64_t>;
                       }) {
    return value.bytes();
  } else if constexpr (std::ranges::range<T>) {
    uint64_t sum = 0;
    for (const auto& each : value) sum += operand_bytes(each);
    return sum;
  }
  return 0;
}

// "softmax" of &Backend::softmax, which compilers spell with and without the namespace.
template <auto Method>
constexpr std::string_view method_name() {
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  constexpr std::string_view owner = "Backend::";
  constexpr size_t begin = text.find(owner) + owner.size();
  constexpr size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", begin);
  static_assert(text.find(owner) != text.npos && end > begin);
  return text.substr(begin, end - begin);
}

// Which of its kind an operation is, where one of its arguments says so.
template <class T>
void add_choice(std::string& name, const T& argument) {
  if constexpr (std::is_same_v<T, Reduction>) {
    name += cat(" ", name_of(argument));
  } else if constexpr (std::is_same_v<T, Scan>) {
    name += argument == Scan::sum ? " sum" : " prod";
  } else if constexpr (std::is_same_v<T, Expression>) {
    for (const Node& node : argument.nodes()) {
      if (arity_of(node.op) == 0 || node.op == Elementwise::cast) continue;
      name += cat(" ", name_of(node.op));
    }
  }
}

// Calls a device's method with these arguments. On a GPU the kernels that it starts are noted, not
// the call.
template <auto Method, class... Given>
decltype(auto) perform(const Device& device, Given&&... given) {
  if (!Profile::active() || device.kind() != "cpu") {
    return (device.backend().*Method)(std::forward<Given>(given)...);
  }
  std::string name(method_name<Method>());
  (add_choice(name, given), ...);
  const ProfileScope scope(std::move(name), device.kind(), (operand_bytes(given) + ... + 0));
  return (device.backend().*Method)(std::forward<Given>(given)...);
}

}  // namespace bitmetal
