// Runs a kernel of an MSL source on softmetal's CPU executor; a C interface for ctypes.
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "softmetal/exec/executor.h"
#include "softmetal/exec/options.h"

namespace {

using softmetal::ConstantValue;

std::shared_ptr<const softmetal::Program> find_program(const char* source) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const softmetal::Program>> programs;
  const std::lock_guard lock(mutex);
  auto& program = programs[source];
  if (!program) {
    softmetal::CompileOptions options;
    options.fast_math = false;
    program = softmetal::cpu_executor().compile(source, options);
  }
  return program;
}

std::shared_ptr<const softmetal::Kernel> find_kernel(const char* source, const char* name,
                                                     uint32_t true_constants) {
  const auto program = find_program(source);
  std::vector<ConstantValue> values;
  for (const auto& kernel : program->kernels()) {
    if (kernel.name != name) continue;
    for (const auto& constant : kernel.constants) {
      ConstantValue value{.name = {}, .index = constant.index, .type = constant.type, .bytes = {}};
      value.bytes[0] = std::byte(true_constants >> constant.index & 1);
      values.push_back(value);
    }
  }
  return program->specialize(name, values);
}

}  // namespace

extern "C" {

// 0 or, with the reason in `log`, 1. Bit i of `true_constants` is the function constant i (those
// that are numbers are 0 or 1, too). Groups
// and threads are the grid, in threadgroups, and the size of one.
int run_kernel(const char* source, const char* name, uint32_t true_constants, int buffers,
               void** data, const size_t* sizes, const uint64_t* groups, const uint32_t* threads,
               char* log, size_t log_size) {
  try {
    softmetal::Launch launch;
    for (int i = 0; i < 3; ++i) {
      launch.threads[i] = groups[i] * threads[i];
      launch.threads_per_group[i] = threads[i];
    }
    for (int i = 0; i < buffers; ++i) {
      launch.buffers[i] = {static_cast<std::byte*>(data[i]), sizes[i], {}};
    }
    find_kernel(source, name, true_constants)->run(launch);
    return 0;
  } catch (const std::exception& error) {
    std::strncpy(log, error.what(), log_size - 1);
    return 1;
  }
}

// The names of a source's kernels, a line each, and the threadgroup memory that each declares.
int list_kernels(const char* source, char* log, size_t log_size) {
  try {
    std::string text;
    for (const auto& kernel : find_program(source)->kernels()) {
      const size_t bytes = find_kernel(source, kernel.name.c_str(), 0)->static_threadgroup_bytes();
      text += kernel.name + " " + std::to_string(bytes) + "\n";
    }
    std::strncpy(log, text.c_str(), log_size - 1);
    return 0;
  } catch (const std::exception& error) {
    std::strncpy(log, error.what(), log_size - 1);
    return 1;
  }
}

void set_options(int order, uint64_t seed, int check) {
  softmetal::ExecutionOptions options;
  options.order = static_cast<softmetal::ExecutionOptions::Order>(order);
  options.seed = seed;
  options.check = check != 0;
  softmetal::set_execution_options(options);
}

// The checker's findings since the last call, a line each.
void take_reports(char* log, size_t log_size) {
  std::string text;
  for (const auto& report : softmetal::take_check_reports()) text += report.message + "\n";
  std::strncpy(log, text.c_str(), log_size - 1);
}
}
