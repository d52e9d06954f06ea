// NSURL: files only.
#pragma once

#include "foundation/string.h"

namespace softmetal {

class URL : public Object {
 public:
  static Type type;

  URL() = default;
  explicit URL(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

 private:
  friend struct URLMethods;
  std::string path_;
};

inline Ref<URL> file_url(const std::string& path) { return make<URL>(path); }

}  // namespace softmetal
