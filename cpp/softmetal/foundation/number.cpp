#include "foundation/number.h"

#include <cstring>

#include <Foundation/NSObjCRuntime.hpp>

#include "foundation/string.h"

namespace softmetal {

namespace {

// The size of what one @encode character stands for: all that NSValue is used for in compute.
size_t encoded_size(std::string_view code) {
  if (code.size() == 1) {
    switch (code[0]) {
      case 'c':
      case 'C':
      case 'B': return 1;
      case 's':
      case 'S': return 2;
      case 'i':
      case 'I':
      case 'f': return 4;
      case 'q':
      case 'Q':
      case 'l':
      case 'L':
      case 'd':
      case '@':
      case '*': return 8;
      default: break;
    }
  }
  if (!code.empty() && code[0] == '^') return sizeof(void*);
  throw UsageError("NSValue: the type \"" + std::string(code) + "\" is not supported by softmetal");
}

struct ValueMethods : Value {
  static Value* with_bytes(const void* data, const char* code) {
    Ref<Value> out = make<Value>();
    static_cast<ValueMethods*>(out.get())->init_bytes(data, code);
    return out.autorelease();
  }
  static Value* with_pointer(const void* pointer) { return with_bytes(&pointer, "^v"); }
  Value* init_bytes(const void* data, const char* code) {
    objc_type = code;
    bytes.assign(static_cast<const char*>(data), encoded_size(objc_type));
    return this;
  }
  void get_value(void* out, uint64_t size) const {
    if (size != bytes.size()) {
      throw UsageError("-[NSValue getValue:size:]: size is " + std::to_string(size) +
                       ", the value has " + std::to_string(bytes.size()) + " bytes");
    }
    std::memcpy(out, bytes.data(), size);
  }
  const char* type_code() const { return objc_type.c_str(); }
  bool equals_value(Value* other) const {
    return other != nullptr && bytes == other->bytes && objc_type == other->objc_type;
  }
  bool equals(Object* other) const { return equals_value(cast<Value>(other)); }
  void* pointer() const {
    void* out = nullptr;
    get_value(&out, sizeof out);
    return out;
  }
};

constexpr Method kValueMethods[] = {
    method<&ValueMethods::init_bytes>("initWithBytes:objCType:"),
    method<&ValueMethods::get_value>("getValue:size:"),
    method<&ValueMethods::type_code>("objCType"),
    method<&ValueMethods::equals_value>("isEqualToValue:"),
    method<&ValueMethods::equals>("isEqual:"),
    method<&ValueMethods::pointer>("pointerValue"),
};

constexpr Method kValueClassMethods[] = {
    method<&ValueMethods::with_bytes>("valueWithBytes:objCType:"),
    method<&ValueMethods::with_pointer>("valueWithPointer:"),
};

struct NumberMethods : Number {
  template <class T>
  static Number* with(T value) {
    return make<Number>(value).autorelease();
  }
  template <class T>
  Number* init(T new_value) {
    value = new_value;
    return this;
  }
  String* string_value() const { return string(text()).autorelease(); }
  String* string_with_locale(Object*) const { return string_value(); }
  NS::ComparisonResult compare(Number* other) const {
    // long double holds every 64-bit integer and every double exactly on x86-64 and aarch64.
    const auto a = as<long double>();
    const auto b = other->as<long double>();
    return a < b ? NS::OrderedAscending : a > b ? NS::OrderedDescending : NS::OrderedSame;
  }
  bool equals_number(Number* other) const {
    return other != nullptr && compare(other) == NS::OrderedSame;
  }
  bool equals(Object* other) const { return equals_number(cast<Number>(other)); }
  uint64_t hash() const { return std::hash<double>()(as<double>()); }
  const char* type_code() const {
    // In the order of the variant's types.
    static constexpr const char* kCodes[] = {"B", "c", "C", "s", "S", "i", "I",
                                             "q", "Q", "q", "Q", "f", "d"};
    return kCodes[value.index()];
  }
};

constexpr Method kNumberMethods[] = {
    method<&NumberMethods::init<char>>("initWithChar:"),
    method<&NumberMethods::init<unsigned char>>("initWithUnsignedChar:"),
    method<&NumberMethods::init<short>>("initWithShort:"),
    method<&NumberMethods::init<unsigned short>>("initWithUnsignedShort:"),
    method<&NumberMethods::init<int>>("initWithInt:"),
    method<&NumberMethods::init<unsigned>>("initWithUnsignedInt:"),
    method<&NumberMethods::init<long>>("initWithLong:"),
    method<&NumberMethods::init<unsigned long>>("initWithUnsignedLong:"),
    method<&NumberMethods::init<long long>>("initWithLongLong:"),
    method<&NumberMethods::init<unsigned long long>>("initWithUnsignedLongLong:"),
    method<&NumberMethods::init<float>>("initWithFloat:"),
    method<&NumberMethods::init<double>>("initWithDouble:"),
    method<&NumberMethods::init<bool>>("initWithBool:"),
    method<&Number::as<char>>("charValue"),
    method<&Number::as<unsigned char>>("unsignedCharValue"),
    method<&Number::as<short>>("shortValue"),
    method<&Number::as<unsigned short>>("unsignedShortValue"),
    method<&Number::as<int>>("intValue"),
    method<&Number::as<unsigned>>("unsignedIntValue"),
    method<&Number::as<long>>("longValue"),
    method<&Number::as<unsigned long>>("unsignedLongValue"),
    method<&Number::as<long long>>("longLongValue"),
    method<&Number::as<unsigned long long>>("unsignedLongLongValue"),
    method<&Number::as<float>>("floatValue"),
    method<&Number::as<double>>("doubleValue"),
    method<&Number::as<bool>>("boolValue"),
    method<&Number::as<int64_t>>("integerValue"),
    method<&Number::as<uint64_t>>("unsignedIntegerValue"),
    method<&NumberMethods::string_value>("stringValue"),
    method<&NumberMethods::string_value>("description"),
    method<&NumberMethods::string_with_locale>("descriptionWithLocale:"),
    method<&NumberMethods::compare>("compare:"),
    method<&NumberMethods::equals_number>("isEqualToNumber:"),
    method<&NumberMethods::equals>("isEqual:"),
    method<&NumberMethods::hash>("hash"),
    method<&NumberMethods::type_code>("objCType"),
};

constexpr Method kNumberClassMethods[] = {
    method<&NumberMethods::with<char>>("numberWithChar:"),
    method<&NumberMethods::with<unsigned char>>("numberWithUnsignedChar:"),
    method<&NumberMethods::with<short>>("numberWithShort:"),
    method<&NumberMethods::with<unsigned short>>("numberWithUnsignedShort:"),
    method<&NumberMethods::with<int>>("numberWithInt:"),
    method<&NumberMethods::with<unsigned>>("numberWithUnsignedInt:"),
    method<&NumberMethods::with<long>>("numberWithLong:"),
    method<&NumberMethods::with<unsigned long>>("numberWithUnsignedLong:"),
    method<&NumberMethods::with<long long>>("numberWithLongLong:"),
    method<&NumberMethods::with<unsigned long long>>("numberWithUnsignedLongLong:"),
    method<&NumberMethods::with<float>>("numberWithFloat:"),
    method<&NumberMethods::with<double>>("numberWithDouble:"),
    method<&NumberMethods::with<bool>>("numberWithBool:"),
};

}  // namespace

std::string Number::text() const {
  return std::visit(
      [](auto v) -> std::string {
        if constexpr (std::is_floating_point_v<decltype(v)>) {
          char digits[32];
          std::snprintf(digits, sizeof digits, sizeof v == 4 ? "%.7g" : "%.16g", double{v});
          return digits;
        } else {
          return std::to_string(v);
        }
      },
      value);
}

constinit Type Value::type = Type::define<Value, Life::allocated>(
    "NSValue", &RootObject::type, kValueMethods, kValueClassMethods);
constinit Type Number::type = Type::define<Number, Life::allocated>(
    "NSNumber", &RootObject::type, kNumberMethods, kNumberClassMethods);

}  // namespace softmetal
