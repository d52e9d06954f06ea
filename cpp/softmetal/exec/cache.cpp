#include "cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace softmetal {
namespace fs = std::filesystem;
namespace {

// Code is loaded from here: nobody else may be able to write to it.
bool usable(const fs::path& directory) {
  std::error_code failure;
  fs::create_directories(directory, failure);
  if (failure) return false;
  struct stat info{};
  if (stat(directory.c_str(), &info) != 0 || info.st_uid != geteuid()) return false;
  if ((info.st_mode & 022) != 0 && chmod(directory.c_str(), 0700) != 0) return false;
  return access(directory.c_str(), W_OK | X_OK) == 0;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

DiskCache& DiskCache::instance() {
  static DiskCache cache;
  return cache;
}

DiskCache::DiskCache() {
  std::vector<fs::path> choices;
  if (const std::string own = environment("SOFTMETAL_CACHE_DIR"); !own.empty())
    choices.emplace_back(own);
  if (const std::string xdg = environment("XDG_CACHE_HOME"); !xdg.empty())
    choices.push_back(fs::path(xdg) / "softmetal");
  if (const std::string home = environment("HOME"); !home.empty())
    choices.push_back(fs::path(home) / ".cache" / "softmetal");
  std::error_code ignored;
  choices.push_back(fs::temp_directory_path(ignored) / ("softmetal-" + std::to_string(geteuid())));
  for (const fs::path& choice : choices) {
    if (!usable(choice)) continue;
    directory_ = choice.string();
    return;
  }
  throw std::system_error(EACCES, std::generic_category(),
                          "softmetal: no folder for compiled kernels; set SOFTMETAL_CACHE_DIR");
}

std::string DiskCache::temporary(std::string_view suffix) const {
  static std::atomic<unsigned> count{0};
  return directory_ + "/tmp." + std::to_string(getpid()) + "." + std::to_string(count++) +
         std::string(suffix);
}

std::string DiskCache::entry(const std::string& name,
                             const std::function<void(const std::string&)>& make) {
  const std::string path = directory_ + "/" + name;
  if (access(path.c_str(), R_OK) == 0) return path;
  const std::string fresh = temporary(fs::path(name).extension().string());
  try {
    make(fresh);
    if (std::rename(fresh.c_str(), path.c_str()) != 0)
      throw std::system_error(errno, std::generic_category(), path);
  } catch (...) {
    unlink(fresh.c_str());
    throw;
  }
  return path;
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) throw std::system_error(errno, std::generic_category(), path);
}

}  // namespace softmetal
