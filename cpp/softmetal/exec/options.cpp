#include "options.h"

#include <cstdlib>
#include <mutex>
#include <string_view>
#include <utility>

#include "check_log.h"

namespace softmetal {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

ExecutionOptions first_options() {
  ExecutionOptions options;
  const std::string_view order = environment("SOFTMETAL_ORDER");
  if (order == "reverse") options.order = ExecutionOptions::Order::reverse;
  if (order == "shuffled") options.order = ExecutionOptions::Order::shuffled;
  options.seed = std::strtoull(std::string(environment("SOFTMETAL_SEED")).c_str(), nullptr, 0);
  const std::string_view check = environment("SOFTMETAL_CHECK");
  options.check = !check.empty() && check != "0";
  options.threads = static_cast<unsigned>(
      std::strtoul(std::string(environment("SOFTMETAL_THREADS")).c_str(), nullptr, 0));
  return options;
}

struct State {
  std::mutex mutex;
  ExecutionOptions options = first_options();
  std::vector<CheckReport> reports;
};

State& state() {
  static auto* state = new State;  // kernels may still run while the process ends
  return *state;
}

}  // namespace

ExecutionOptions execution_options() {
  const std::lock_guard lock(state().mutex);
  return state().options;
}

void set_execution_options(const ExecutionOptions& options) {
  const std::lock_guard lock(state().mutex);
  state().options = options;
}

std::vector<CheckReport> take_check_reports() {
  const std::lock_guard lock(state().mutex);
  return std::exchange(state().reports, {});
}

void keep_check_reports(const std::vector<CheckReport>& reports) {
  const std::lock_guard lock(state().mutex);
  for (const CheckReport& report : reports)
    if (state().reports.size() < kMaxReports) state().reports.push_back(report);
}

}  // namespace softmetal
