#include "foundation/string.h"

#include <strings.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

namespace softmetal {

namespace {

// The `flags` word of clang's constant strings, where other objects keep their count.
constexpr int32_t kUtf16Constant = 0x7d0;

struct ConstantLayout {
  const void* isa;
  int32_t flags;
  const char* chars;
  size_t length;
};
static_assert(sizeof(ConstantLayout) == sizeof(String));

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

std::string from_utf16(const uint16_t* units, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    uint32_t code = units[i];
    const bool pair = (code & 0xfc00) == 0xd800 && i + 1 < count;
    if (pair) code = 0x10000 + ((code - 0xd800) << 10) + (units[++i] - 0xdc00u);
    append_utf8(out, code);
  }
  return out;
}

std::u16string to_utf16(std::string_view text) {
  std::u16string out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int extra = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    uint32_t code = extra == 0 ? lead : lead & (0x3fu >> extra);
    for (int k = 1; k <= extra && i + k < text.size(); ++k) {
      code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    }
    i += 1 + extra;
    if (code >= 0x10000) {
      out += static_cast<char16_t>(0xd800 + ((code - 0x10000) >> 10));
      out += static_cast<char16_t>(0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
      out += static_cast<char16_t>(code);
    }
  }
  return out;
}

// The UTF-8 text of a UTF-16 constant, kept as long as the constant: for ever.
std::string_view utf16_constant(const ConstantLayout& constant) {
  static std::mutex mutex;
  static auto& texts = *new std::map<const void*, std::string>();
  std::lock_guard lock(mutex);
  auto [entry, inserted] = texts.try_emplace(&constant);
  if (inserted) {
    entry->second = from_utf16(reinterpret_cast<const uint16_t*>(constant.chars), constant.length);
  }
  return entry->second;
}

}  // namespace

String::String(std::string_view text) { assign(text); }

void String::assign(std::string_view text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  free_text();
  chars_ = copy;
  length_ = text.size();
}

void String::free_text() { std::free(const_cast<char*>(chars_)); }

std::string_view String::view() const {
  if (isa == &constant_string_class) {
    const auto& constant = *reinterpret_cast<const ConstantLayout*>(this);
    if (constant.flags == kUtf16Constant) return utf16_constant(constant);
  }
  return chars_ == nullptr ? std::string_view("") : std::string_view(chars_, length_);
}

Ref<String> string(std::string_view text) { return make<String>(text); }

struct StringMethods : String {
  static std::string_view decoded(const char* text, NS::StringEncoding encoding) {
    if (encoding != NS::UTF8StringEncoding && encoding != NS::ASCIIStringEncoding) {
      throw UsageError("NSString: only the ASCII and UTF-8 encodings are supported by softmetal");
    }
    return text;
  }

  static String* empty() { return string("").autorelease(); }
  static String* with_string(String* text) { return string(softmetal::view(text)).autorelease(); }
  static String* with_c_string(const char* text, NS::StringEncoding encoding) {
    return string(decoded(text, encoding)).autorelease();
  }

  String* init_string(String* text) {
    assign(softmetal::view(text));
    return this;
  }
  String* init_c_string(const char* text, NS::StringEncoding encoding) {
    assign(decoded(text, encoding));
    return this;
  }
  String* init_bytes(void* bytes, uint64_t length, NS::StringEncoding encoding, bool free_bytes) {
    decoded("", encoding);
    assign({static_cast<const char*>(bytes), length});
    if (free_bytes) std::free(bytes);
    return this;
  }

  uint16_t character(uint64_t index) const {
    const std::u16string units = to_utf16(view());
    if (index >= units.size()) throw UsageError("-[NSString characterAtIndex:]: beyond the end");
    return units[index];
  }
  uint64_t length() const { return to_utf16(view()).size(); }
  const char* c_string(NS::StringEncoding encoding) const {
    decoded("", encoding);
    return c_str();
  }
  uint64_t byte_length(NS::StringEncoding encoding) const {
    decoded("", encoding);
    return view().size();
  }

  bool equals_string(String* other) const { return other != nullptr && view() == other->view(); }
  bool equals(Object* other) const { return equals_string(cast<String>(other)); }
  uint64_t hash() const { return std::hash<std::string_view>()(view()); }
  String* description() { return static_cast<String*>(retain()->autorelease()); }

  NS::Range range_of(String* part, NS::StringCompareOptions options) const {
    if (options != 0 && options != NS::LiteralSearch) {
      throw UsageError(
          "-[NSString rangeOfString:options:]: options are not supported by softmetal");
    }
    const std::u16string units = to_utf16(softmetal::view(part));
    const size_t at = to_utf16(view()).find(units);
    const bool found = at != std::u16string::npos && !units.empty();
    return found ? NS::Range(at, units.size()) : NS::Range(NS::IntegerMax, 0);  // NSNotFound
  }
  String* appending(String* tail) const {
    return string(std::string(view()).append(softmetal::view(tail))).autorelease();
  }
  NS::ComparisonResult compare_ignoring_case(String* other) const {
    const int order = strcasecmp(c_str(), other->c_str());
    return order < 0 ? NS::OrderedAscending : order > 0 ? NS::OrderedDescending : NS::OrderedSame;
  }
};

namespace {

constexpr Method kMethods[] = {
    method<&StringMethods::init_string>("initWithString:"),
    method<&StringMethods::init_c_string>("initWithCString:encoding:"),
    method<&StringMethods::init_bytes>("initWithBytesNoCopy:length:encoding:freeWhenDone:"),
    method<&StringMethods::character>("characterAtIndex:"),
    method<&StringMethods::length>("length"),
    method<&StringMethods::c_string>("cStringUsingEncoding:"),
    method<&String::c_str>("UTF8String"),
    method<&String::c_str>("fileSystemRepresentation"),
    method<&StringMethods::byte_length>("lengthOfBytesUsingEncoding:"),
    method<&StringMethods::byte_length>("maximumLengthOfBytesUsingEncoding:"),
    method<&StringMethods::equals_string>("isEqualToString:"),
    method<&StringMethods::equals>("isEqual:"),
    method<&StringMethods::hash>("hash"),
    method<&StringMethods::description>("description"),
    method<&StringMethods::description>("debugDescription"),
    method<&StringMethods::range_of>("rangeOfString:options:"),
    method<&StringMethods::appending>("stringByAppendingString:"),
    method<&StringMethods::compare_ignoring_case>("caseInsensitiveCompare:"),
};

constexpr Method kClassMethods[] = {
    method<&StringMethods::empty>("string"),
    method<&StringMethods::with_string>("stringWithString:"),
    method<&StringMethods::with_c_string>("stringWithCString:encoding:"),
};

}  // namespace

constinit Type String::type =
    Type::define<String, Life::allocated>("NSString", &RootObject::type, kMethods, kClassMethods);

constinit const Class constant_string_class("__NSCFConstantString", &String::type.cls, {},
                                            &String::type.meta);

}  // namespace softmetal

extern "C" const void* __CFStringMakeConstantString(const char* text) {
  static std::mutex mutex;
  static auto& constants =
      *new std::map<std::string, std::unique_ptr<softmetal::String>, std::less<>>();
  std::lock_guard lock(mutex);
  auto [entry, inserted] = constants.try_emplace(text);
  if (inserted) entry->second = std::make_unique<softmetal::String>(entry->first.c_str());
  return entry->second.get();
}
