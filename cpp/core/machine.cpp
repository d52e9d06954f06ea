#include "core/machine.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace bitmetal {
namespace {

#if defined(__linux__)

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The folder of this process's control group under `controller` ("" for version 2).
std::string cgroup_folder(const std::string& controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    const bool match = controller.empty()
                           ? names.empty()
                           : ("," + names + ",").find("," + controller + ",") != std::string::npos;
    if (match) return line.substr(second + 1);
  }
  return {};
}

// The smallest value that `read` finds in the group's folder or any above it: a limit binds below.
template <class Read>
std::optional<double> tightest(const std::string& root, std::string folder, Read read) {
  std::optional<double> result;
  for (;;) {
    if (std::optional<double> value = read(root + folder)) {
      result = result ? std::min(*result, *value) : *value;
    }
    if (folder.empty() || folder == "/") return result;
    folder.erase(folder.rfind('/'));
  }
}

std::optional<double> to_number(const std::string& text) {
  try {
    return std::stod(text);
  } catch (const std::exception&) {
    return std::nullopt;  // "max", or no such file
  }
}

std::optional<double> cpu_quota() {
  auto v2 = tightest("/sys/fs/cgroup", cgroup_folder(""), [](const std::string& at) {
    const std::string line = first_line(at + "/cpu.max");  // "QUOTA PERIOD", QUOTA may be "max"
    const size_t space = line.find(' ');
    std::optional<double> quota = to_number(line);
    if (!quota || space == std::string::npos) return std::optional<double>();
    return std::optional<double>(*quota /
                                 std::max(1.0, to_number(line.substr(space)).value_or(1e5)));
  });
  if (v2) return v2;
  return tightest("/sys/fs/cgroup/cpu", cgroup_folder("cpu"), [](const std::string& at) {
    std::optional<double> quota = to_number(first_line(at + "/cpu.cfs_quota_us"));
    std::optional<double> period = to_number(first_line(at + "/cpu.cfs_period_us"));
    if (!quota || !period || *quota <= 0 || *period <= 0) return std::optional<double>();
    return std::optional<double>(*quota / *period);
  });
}

std::optional<double> memory_quota() {
  auto v2 = tightest("/sys/fs/cgroup", cgroup_folder(""), [](const std::string& at) {
    return to_number(first_line(at + "/memory.max"));
  });
  if (v2) return v2;
  return tightest("/sys/fs/cgroup/memory", cgroup_folder("memory"), [](const std::string& at) {
    return to_number(first_line(at + "/memory.limit_in_bytes"));
  });
}

#endif

}  // namespace

size_t page_size() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

size_t memory_size() {
  static const size_t size = [] {
    double bytes = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(page_size());
#if defined(__linux__)
    bytes = std::min(bytes, memory_quota().value_or(bytes));
#endif
    return static_cast<size_t>(bytes);
  }();
  return size;
}

int processor_count() {
  static const int count = [] {
#if defined(__linux__)
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0
                ? CPU_COUNT(&set)
                : static_cast<int>(std::thread::hardware_concurrency());
    if (std::optional<double> quota = cpu_quota()) {
      n = std::min(n, static_cast<int>(std::ceil(*quota)));
    }
    return std::max(1, n);
#else
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#endif
  }();
  return count;
}

std::string processor_name() {
#if defined(__linux__)
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
#elif defined(__APPLE__)
  char name[256];
  size_t size = sizeof(name);
  if (sysctlbyname("machdep.cpu.brand_string", name, &size, nullptr, 0) == 0) return name;
#endif
#if defined(__aarch64__)
  return "AArch64 processor";
#else
  return "x86-64 processor";
#endif
}

}  // namespace bitmetal
