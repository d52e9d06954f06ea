#include "foundation/process.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <Foundation/NSProcessInfo.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

#include "foundation/collections.h"
#include "foundation/string.h"
#include "foundation/url.h"

extern char** environ;

namespace softmetal {

namespace {

// The macOS whose API the metal-cpp headers describe (MTLVersion.hpp: macOS 26).
constexpr NS::OperatingSystemVersion kSystemVersion{26, 0, 0};

std::filesystem::path executable_path() { return std::filesystem::read_symlink("/proc/self/exe"); }

// Made once, never destroyed.
template <class T>
T* singleton() {
  static T* const object = [] {
    T* out = make<T>().leak();
    leave_uncounted(*out);
    return out;
  }();
  return object;
}

struct ProcessMethods : ProcessInfo {
  static ProcessInfo* shared() { return singleton<ProcessInfo>(); }

  Array* arguments() const {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    ObjectList out;
    for (std::string argument; std::getline(file, argument, '\0');) out.push_back(string(argument));
    return array(std::move(out)).autorelease();
  }
  Dictionary* environment() const {
    ObjectList names, values;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      const size_t equals = text.find('=');
      if (equals == std::string_view::npos) continue;
      names.push_back(string(text.substr(0, equals)));
      values.push_back(string(text.substr(equals + 1)));
    }
    return make<Dictionary>(std::move(names), std::move(values)).autorelease();
  }
  String* host_name() const {
    char name[256] = {};
    gethostname(name, sizeof name - 1);
    return string(name).autorelease();
  }
  String* process_name() const {
    return string(executable_path().filename().string()).autorelease();
  }
  int process_identifier() const { return getpid(); }
  NS::OperatingSystemVersion version() const { return kSystemVersion; }
  String* version_text() const {
    return string("Version " + std::to_string(kSystemVersion.majorVersion) + "." +
                  std::to_string(kSystemVersion.minorVersion) + " (softmetal)")
        .autorelease();
  }
  bool is_at_least(NS::OperatingSystemVersion asked) const {
    // Copied out first: the struct is packed, so its members cannot be bound to references.
    const std::array<NS::Integer, 3> want{asked.majorVersion, asked.minorVersion,
                                          asked.patchVersion};
    const std::array<NS::Integer, 3> have{kSystemVersion.majorVersion, kSystemVersion.minorVersion,
                                          kSystemVersion.patchVersion};
    return have >= want;
  }
  uint64_t processors() const { return std::max(1u, std::thread::hardware_concurrency()); }
  unsigned long long physical_memory() const {
    return static_cast<unsigned long long>(sysconf(_SC_PHYS_PAGES)) *
           static_cast<unsigned long long>(sysconf(_SC_PAGESIZE));
  }
  double uptime() const {
    struct sysinfo info{};
    sysinfo(&info);
    return static_cast<double>(info.uptime);
  }
  NS::ProcessInfoThermalState thermal_state() const { return NS::ProcessInfoThermalStateNominal; }
  bool no() const { return false; }
};

constexpr Method kProcessMethods[] = {
    method<&ProcessMethods::arguments>("arguments"),
    method<&ProcessMethods::environment>("environment"),
    method<&ProcessMethods::host_name>("hostName"),
    method<&ProcessMethods::process_name>("processName"),
    method<&ProcessMethods::process_identifier>("processIdentifier"),
    method<&ProcessMethods::version>("operatingSystemVersion"),
    method<&ProcessMethods::version_text>("operatingSystemVersionString"),
    method<&ProcessMethods::is_at_least>("isOperatingSystemAtLeastVersion:"),
    method<&ProcessMethods::processors>("processorCount"),
    method<&ProcessMethods::processors>("activeProcessorCount"),
    method<&ProcessMethods::physical_memory>("physicalMemory"),
    method<&ProcessMethods::uptime>("systemUptime"),
    method<&ProcessMethods::thermal_state>("thermalState"),
    method<&ProcessMethods::no>("isLowPowerModeEnabled"),
    method<&ProcessMethods::no>("isiOSAppOnMac"),
    method<&ProcessMethods::no>("isMacCatalystApp"),
};

constexpr Method kProcessClassMethods[] = {
    method<&ProcessMethods::shared>("processInfo"),
};

struct BundleMethods : Bundle {
  static Bundle* main() {
    static Bundle* const bundle = [] {
      auto* out = singleton<Bundle>();
      out->path = executable_path().parent_path();
      return out;
    }();
    return bundle;
  }
  static Bundle* at(const std::string& folder) {
    if (!std::filesystem::is_directory(folder)) return nullptr;  // as Foundation: no such bundle
    auto bundle = make<Bundle>();
    bundle->path = folder;
    return bundle.autorelease();
  }
  static Bundle* with_path(String* folder) { return at(std::string(view(folder))); }
  static Bundle* with_url(URL* url) { return at(url->path()); }

  String* get_path() const { return string(path).autorelease(); }
  URL* get_url() const { return file_url(path).autorelease(); }
  String* executable() const { return string(executable_path().string()).autorelease(); }
  String* identifier() const { return nullptr; }
  Dictionary* info() const { return make<Dictionary>().autorelease(); }
  Object* info_for(String*) const { return nullptr; }
  String* localized(String* key, String* value, String*) const {
    return view(value).empty() ? key : value;  // there are no tables of translations
  }
};

constexpr Method kBundleMethods[] = {
    method<&BundleMethods::get_path>("bundlePath"),
    method<&BundleMethods::get_path>("resourcePath"),
    method<&BundleMethods::get_url>("bundleURL"),
    method<&BundleMethods::get_url>("resourceURL"),
    method<&BundleMethods::executable>("executablePath"),
    method<&BundleMethods::identifier>("bundleIdentifier"),
    method<&BundleMethods::info>("infoDictionary"),
    method<&BundleMethods::info_for>("objectForInfoDictionaryKey:"),
    method<&BundleMethods::localized>("localizedStringForKey:value:table:"),
};

constexpr Method kBundleClassMethods[] = {
    method<&BundleMethods::main>("mainBundle"),
    method<&BundleMethods::with_path>("bundleWithPath:"),
    method<&BundleMethods::with_url>("bundleWithURL:"),
};

struct DateMethods : Date {
  static Date* after(double seconds) {
    auto date = make<Date>();
    date->time += std::chrono::duration_cast<std::chrono::system_clock::duration>(
        std::chrono::duration<double>(seconds));
    return date.autorelease();
  }
};

constexpr Method kDateClassMethods[] = {
    method<&DateMethods::after>("dateWithTimeIntervalSinceNow:"),
};

// The caller holds the lock around wait, as with NSCondition.
struct ConditionMethods : Condition {
  void lock() { mutex.lock(); }
  void unlock() { mutex.unlock(); }
  void wait() {
    std::unique_lock held(mutex, std::adopt_lock);
    changed.wait(held);
    held.release();
  }
  bool wait_until(Date* limit) {
    std::unique_lock held(mutex, std::adopt_lock);
    const bool signalled = changed.wait_until(held, limit->time) == std::cv_status::no_timeout;
    held.release();
    return signalled;
  }
  void signal() { changed.notify_one(); }
  void broadcast() { changed.notify_all(); }
};

constexpr Method kConditionMethods[] = {
    method<&ConditionMethods::lock>("lock"),
    method<&ConditionMethods::unlock>("unlock"),
    method<&ConditionMethods::wait>("wait"),
    method<&ConditionMethods::wait_until>("waitUntilDate:"),
    method<&ConditionMethods::signal>("signal"),
    method<&ConditionMethods::broadcast>("broadcast"),
};

}  // namespace

constinit Type ProcessInfo::type = Type::define<ProcessInfo, Life::internal>(
    "NSProcessInfo", &RootObject::type, kProcessMethods, kProcessClassMethods);
constinit Type Bundle::type = Type::define<Bundle, Life::internal>(
    "NSBundle", &RootObject::type, kBundleMethods, kBundleClassMethods);
constinit Type Date::type =
    Type::define<Date, Life::internal>("NSDate", &RootObject::type, {}, kDateClassMethods);
constinit Type Condition::type =
    Type::define<Condition, Life::allocated>("NSCondition", &RootObject::type, kConditionMethods);

}  // namespace softmetal
