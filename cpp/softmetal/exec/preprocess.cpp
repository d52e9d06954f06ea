#include "preprocess.h"

#include <unistd.h>

#include <filesystem>
#include <vector>

#include "../msl/standard_library.h"
#include "cache.h"
#include "compiler.h"
#include "sha256.h"

namespace softmetal {
namespace {

std::vector<std::string> macro_flags(const CompileOptions& options) {
  // MTL::LanguageVersion is major << 16 | minor; __METAL_VERSION__ is 310 for 3.1.
  const uint32_t version = options.language_version ? (options.language_version >> 16) * 100 +
                                                          (options.language_version & 0xffff) * 10
                                                    : 320;
  std::vector<std::string> flags = {"-D__METAL_VERSION__=" + std::to_string(version)};
  if (options.fast_math) flags.emplace_back("-D__FAST_MATH__=1");
  for (const auto& [name, value] : options.macros) flags.push_back("-D" + name + "=" + value);
  return flags;
}

// A folder of empty headers: what they would declare is always there.
std::string header_directory() {
  namespace fs = std::filesystem;
  const std::string directory = DiskCache::instance().directory() + "/include";
  for (const std::string_view name : msl::standard_headers()) {
    const fs::path path = fs::path(directory) / name;
    if (fs::exists(path)) continue;
    fs::create_directories(path.parent_path());
    write_file(path.string(), "");
  }
  return directory;
}

}  // namespace

std::string source_key(std::string_view msl, const CompileOptions& options) {
  std::string all = Compiler::instance().identity();
  for (const std::string& flag : macro_flags(options)) all += flag + "\n";
  all += msl::standard_macros();
  all += msl;
  return sha256(all);
}

std::string preprocessed(const std::string& key, std::string_view msl,
                         const CompileOptions& options) {
  const DiskCache& cache = DiskCache::instance();
  const std::string path = DiskCache::instance().entry(key + ".ii", [&](const std::string& output) {
    const std::string source = cache.temporary(".metal"), macros = cache.temporary(".h");
    write_file(source, "# 1 \"program_source\"\n" + std::string(msl) + "\n");
    write_file(macros, msl::standard_macros());
    std::vector<std::string> flags = macro_flags(options);
    flags.insert(flags.end(), {"-isystem", header_directory()});
    try {
      write_file(output, Compiler::instance().preprocess(source, macros, flags));
    } catch (...) {
      unlink(source.c_str()), unlink(macros.c_str());
      throw;
    }
    unlink(source.c_str()), unlink(macros.c_str());
  });
  auto text = read_file(path);
  if (!text) throw CompileError("softmetal: cannot read " + path);
  return *std::move(text);
}

}  // namespace softmetal
