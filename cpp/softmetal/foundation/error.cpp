#include "foundation/error.h"

#include "foundation/constants.h"

namespace softmetal {

Ref<Error> make_error(String& domain, int64_t code, std::string_view text) {
  Ref<Error> error = make<Error>();
  error->domain = Ref<String>::retain(&domain);
  error->code = code;
  error->user_info = make<Dictionary>(ObjectList{Ref<Object>::retain(NSLocalizedDescriptionKey)},
                                      ObjectList{string(text)});
  return error;
}

void report(Error** out, Ref<Error> error) {
  if (out != nullptr) *out = error.autorelease();
}

String* Error::localized_description() const {
  if (auto* text = cast<String>(user_info->find(NSLocalizedDescriptionKey))) return text;
  return string(std::string(view(domain.get())) + " error " + std::to_string(code)).autorelease();
}

namespace {

struct ErrorMethods : Error {
  static Error* with_domain(String* domain, int64_t code, Dictionary* info) {
    Ref<Error> error = make<Error>();
    static_cast<ErrorMethods*>(error.get())->init_domain(domain, code, info);
    return error.autorelease();
  }
  Error* init() { return init_domain(NSCocoaErrorDomain, 0, nullptr); }
  Error* init_domain(String* new_domain, int64_t new_code, Dictionary* info) {
    domain = Ref<String>::retain(new_domain);
    code = new_code;
    user_info = info != nullptr ? Ref<Dictionary>::retain(info) : make<Dictionary>();
    return this;
  }
  int64_t get_code() const { return code; }
  String* get_domain() const { return domain.get(); }
  Dictionary* get_user_info() const { return user_info.get(); }
  String* find_text(String* key) const { return cast<String>(user_info->find(key)); }
  String* failure_reason() const { return find_text(NSLocalizedFailureReasonErrorKey); }
  String* recovery_suggestion() const { return find_text(NSLocalizedRecoverySuggestionErrorKey); }
  Array* recovery_options() const {
    return cast<Array>(user_info->find(NSLocalizedRecoveryOptionsErrorKey));
  }
};

constexpr Method kMethods[] = {
    method<&ErrorMethods::init>("init"),
    method<&ErrorMethods::init_domain>("initWithDomain:code:userInfo:"),
    method<&ErrorMethods::get_code>("code"),
    method<&ErrorMethods::get_domain>("domain"),
    method<&ErrorMethods::get_user_info>("userInfo"),
    method<&Error::localized_description>("localizedDescription"),
    method<&Error::localized_description>("description"),
    method<&ErrorMethods::failure_reason>("localizedFailureReason"),
    method<&ErrorMethods::recovery_suggestion>("localizedRecoverySuggestion"),
    method<&ErrorMethods::recovery_options>("localizedRecoveryOptions"),
};

constexpr Method kClassMethods[] = {
    method<&ErrorMethods::with_domain>("errorWithDomain:code:userInfo:"),
};

}  // namespace

constinit Type Error::type =
    Type::define<Error, Life::allocated>("NSError", &RootObject::type, kMethods, kClassMethods);

}  // namespace softmetal
