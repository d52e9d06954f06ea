#include "foundation/url.h"

namespace softmetal {

struct URLMethods : URL {
  static URL* with_path(String* path) { return file_url(std::string(view(path))).autorelease(); }
  URL* init_path(String* path) {
    path_ = view(path);
    return this;
  }
  URL* init_string(String* text) {
    constexpr std::string_view kScheme = "file://";
    std::string_view rest = view(text);
    if (!rest.starts_with(kScheme)) {
      throw UsageError("-[NSURL initWithString:]: only file:// is supported by softmetal, not \"" +
                       std::string(rest) + '"');
    }
    path_ = rest.substr(kScheme.size());
    return this;
  }
  const char* file_path() const { return path_.c_str(); }
  bool equals(Object* other) const {
    auto* url = cast<URL>(other);
    return url != nullptr && url->path() == path_;
  }
  uint64_t hash() const { return std::hash<std::string>()(path_); }
  String* description() const { return string("file://" + path_).autorelease(); }
};

namespace {

constexpr Method kMethods[] = {
    method<&URLMethods::init_path>("initFileURLWithPath:"),
    method<&URLMethods::init_string>("initWithString:"),
    method<&URLMethods::file_path>("fileSystemRepresentation"),
    method<&URLMethods::equals>("isEqual:"),
    method<&URLMethods::hash>("hash"),
    method<&URLMethods::description>("description"),
};

constexpr Method kClassMethods[] = {
    method<&URLMethods::with_path>("fileURLWithPath:"),
};

}  // namespace

constinit Type URL::type =
    Type::define<URL, Life::allocated>("NSURL", &RootObject::type, kMethods, kClassMethods);

}  // namespace softmetal
