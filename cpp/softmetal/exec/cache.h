// Files that survive the process, by the hash of all that decides them. Safe for concurrent
// processes: an entry appears whole or not at all.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace softmetal {

class DiskCache {
 public:
  // $SOFTMETAL_CACHE_DIR, else softmetal under $XDG_CACHE_HOME or ~/.cache, else a folder of this
  // user under the system's temporary one.
  static DiskCache& instance();

  // The path of an entry, which `make(path)` writes where it is missing. Nothing is kept when it
  // throws.
  std::string entry(const std::string& name, const std::function<void(const std::string&)>& make);
  // A name in the cache's folder that nobody else uses.
  std::string temporary(std::string_view suffix) const;

  const std::string& directory() const { return directory_; }

 private:
  DiskCache();
  std::string directory_;
};

std::optional<std::string> read_file(const std::string& path);
void write_file(const std::string& path, std::string_view text);  // throws std::system_error

}  // namespace softmetal
