#include "gpu/kernel_sources.h"

#include <set>

#include "bitmetal/error.h"

namespace bitmetal::gpu {
namespace {

std::string_view text_of(std::string_view file) {
  for (const KernelSource& source : kernel_sources()) {
    if (source.file == file) return source.text;
  }
  fail<Error>("kernels: this build has no metal/", file);
}

void expand(std::string_view file, std::set<std::string_view>& seen, std::string& out) {
  if (!seen.insert(file).second) return;
  constexpr std::string_view kInclude = "#include \"";
  std::string_view rest = text_of(file);
  while (!rest.empty()) {
    const size_t length = std::min(rest.find('\n'), rest.size() - 1) + 1;
    const std::string_view line = rest.substr(0, length);
    rest.remove_prefix(length);
    if (line.starts_with(kInclude)) {
      const size_t end = line.find('"', kInclude.size());
      expand(line.substr(kInclude.size(), end - kInclude.size()), seen, out);
    } else if (!line.starts_with("#pragma once")) {
      out += line;
    }
  }
}

}  // namespace

std::string expanded_source(std::string_view file) {
  std::set<std::string_view> seen;
  std::string out;
  expand(file, seen, out);
  return out;
}

}  // namespace bitmetal::gpu
