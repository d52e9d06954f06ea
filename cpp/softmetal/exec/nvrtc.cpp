#include "nvrtc.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>
#include <sstream>
#include <vector>

#include "executor.h"

namespace softmetal {

// As NVRTC's documentation has them: a program is opaque, a result is 0 for success.
struct Nvrtc::Calls {
  using Program = void*;
  int (*version)(int*, int*);
  const char* (*error_text)(int);
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*);
  int (*destroy)(Program*);
  int (*compile)(Program, int, const char* const*);
  int (*log_size)(Program, size_t*);
  int (*log)(Program, char*);
  int (*code_size)(Program, size_t*);
  int (*code)(Program, char*);
};

namespace {

std::mutex path_mutex;
std::string given_path;

std::vector<std::string> candidates() {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(path_mutex);
    if (!given_path.empty()) names.push_back(given_path);
  }
  if (const char* own = std::getenv("SOFTMETAL_NVRTC")) names.insert(names.begin(), own);
  for (const char* folder : {"", "/usr/local/cuda/lib64/"})
    for (const char* name : {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"})
      names.push_back(std::string(folder) + name);
  return names;
}

template <class F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

// NVRTC asks the loader for the library of its own functions, which need not know NVRTC's folder:
// one that is loaded is found.
void load_builtins(const void* in_nvrtc, int major, int minor) {
  Dl_info info{};
  if (!dladdr(in_nvrtc, &info) || !info.dli_fname) return;
  const std::string file = info.dli_fname;
  const std::string folder = file.substr(0, file.rfind('/') + 1);
  dlopen((folder + "libnvrtc-builtins.so." + std::to_string(major) + "." + std::to_string(minor))
             .c_str(),
         RTLD_NOW | RTLD_GLOBAL);
}

// "program_source(3): error: text" in Apple's form, "program_source:3:1: error: text"; everything
// where no fault lies in the program. NVRTC tells no column.
std::string program_faults(const std::string& log) {
  constexpr std::string_view kProgram = "program_source(";
  std::istringstream lines(log);
  std::string line, faults;
  while (std::getline(lines, line)) {
    const size_t close = line.find("): error");
    if (line.rfind(kProgram, 0) != 0 || close == std::string::npos) continue;
    const size_t text = line.find(": ", close + 3);
    faults += "program_source:" + line.substr(kProgram.size(), close - kProgram.size()) +
              ":1: error" + (text == std::string::npos ? "" : line.substr(text)) + "\n";
  }
  for (const std::string_view ours : {"sm_program::metal::", "sm_program::"})
    for (size_t at; (at = faults.find(ours)) != std::string::npos;) faults.erase(at, ours.size());
  return faults.empty() ? log : faults;
}

}  // namespace

void set_nvrtc_path(const std::string& path) {
  const std::lock_guard lock(path_mutex);
  given_path = path;
}

const Nvrtc* Nvrtc::instance(std::string& reason) {
  static std::string missing;
  static const Nvrtc* const found = []() -> const Nvrtc* {
    void* library = nullptr;
    std::string path;
    for (const std::string& name : candidates()) {
      library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
      path = name;
      if (library) break;
    }
    if (!library) {
      missing = "NVIDIA's compiler libnvrtc was not found (pip install nvidia-cuda-nvrtc)";
      return nullptr;
    }
    static Calls calls;
    int major = 0, minor = 0;
    const bool complete = find(library, "nvrtcVersion", calls.version) &&
                          find(library, "nvrtcGetErrorString", calls.error_text) &&
                          find(library, "nvrtcCreateProgram", calls.create) &&
                          find(library, "nvrtcDestroyProgram", calls.destroy) &&
                          find(library, "nvrtcCompileProgram", calls.compile) &&
                          find(library, "nvrtcGetProgramLogSize", calls.log_size) &&
                          find(library, "nvrtcGetProgramLog", calls.log) &&
                          find(library, "nvrtcGetCUBINSize", calls.code_size) &&
                          find(library, "nvrtcGetCUBIN", calls.code);
    if (!complete || calls.version(&major, &minor) != 0 || major < 12) {
      missing = path + " is no NVRTC of version 12 or newer";
      return nullptr;
    }
    load_builtins(reinterpret_cast<const void*>(calls.version), major, minor);
    return new Nvrtc(calls, "nvrtc " + std::to_string(major) + "." + std::to_string(minor));
  }();
  if (!found) reason = missing;
  return found;
}

std::string Nvrtc::compile(const std::string& text, int capability) const {
  Calls::Program program = nullptr;
  const auto check = [&](int result) {
    if (result == 0) return;
    calls_.destroy(&program);
    throw CompileError(std::string("nvrtc: ") + calls_.error_text(result));
  };
  check(calls_.create(&program, text.c_str(), "softmetal", 0, nullptr, nullptr));
  const std::string target = "--gpu-architecture=sm_" + std::to_string(capability);
  const char* options[] = {target.c_str(),
                           "--std=c++20",
                           "--device-as-default-execution-space",
                           "--device-int128",
                           "--fmad=false",  // kernels say fma where they mean it: the same bits
                           "--builtin-initializer-list=false",
                           "--disable-warnings"};
  const int result = calls_.compile(program, std::size(options), options);
  if (result != 0) {
    size_t size = 0;
    std::string log;
    if (calls_.log_size(program, &size) == 0) {
      log.resize(size);
      calls_.log(program, log.data());
      if (!log.empty() && log.back() == '\0') log.pop_back();
    }
    if (log.empty()) check(result);
    calls_.destroy(&program);
    throw CompileError(program_faults(log));
  }
  size_t size = 0;
  check(calls_.code_size(program, &size));
  std::string code(size, '\0');
  check(calls_.code(program, code.data()));
  calls_.destroy(&program);
  return code;
}

}  // namespace softmetal
