// softmetal/softmetal.h
#include <softmetal/softmetal.h>

#include <string_view>

#include "exec/executor.h"
#include "exec/nvrtc.h"
#include "exec/options.h"
#include "mtl/faults.h"
#include "mtl/misuse.h"
#include "mtl/profile.h"
#include "runtime/class.h"

using softmetal::ExecutionOptions;
namespace faults = softmetal::faults;

namespace {

uint64_t live(const softmetal::Type& type) { return static_cast<uint64_t>(type.cls.live.load()); }

template <class Change>
void change_options(Change change) {
  ExecutionOptions options = softmetal::execution_options();
  change(options);
  softmetal::set_execution_options(options);
}

}  // namespace

extern "C" {

uint64_t softmetal_live_objects(void) {
  uint64_t sum = 0;
  for (const softmetal::Type* type : softmetal::all_types()) sum += live(*type);
  return sum;
}

uint64_t softmetal_live_objects_of(const char* class_name) {
  for (const softmetal::Type* type : softmetal::all_types()) {
    if (std::string_view(type->cls.name) == class_name) return live(*type);
  }
  return 0;
}

void softmetal_visit_live_objects(void (*visit)(void*, const char*, uint64_t), void* context) {
  for (const softmetal::Type* type : softmetal::all_types()) {
    if (const uint64_t count = live(*type)) visit(context, type->cls.name, count);
  }
}

const char* softmetal_last_error(void) { return softmetal::last_nil_reason(); }

const char* const* softmetal_profiles(void) {
  static const char* const* const names = [] {
    const auto profiles = softmetal::profiles();
    auto* out = new const char*[profiles.size() + 1]();
    for (size_t i = 0; i < profiles.size(); ++i) out[i] = profiles[i].id;
    return out;
  }();
  return names;
}

int softmetal_set_profile(const char* name) { return softmetal::set_current_profile(name) ? 1 : 0; }

const char* softmetal_profile(void) { return softmetal::current_profile().id; }

void softmetal_fail_allocations(uint64_t skip, uint64_t count) {
  faults::fail_allocations(skip, count);
}

void softmetal_fail_every_nth_allocation(uint64_t n) { faults::fail_every_nth_allocation(n); }

void softmetal_fail_command_buffers(uint64_t skip, uint64_t count, int64_t code) {
  faults::fail_command_buffers(skip, count, code);
}

void softmetal_lose_device(int lost) { faults::lose_device(lost != 0); }

void softmetal_delay_completion(uint64_t microseconds) {
  faults::delay_completion(std::chrono::microseconds(microseconds));
}

void softmetal_clear_faults(void) { faults::clear(); }

int softmetal_set_order(int order, uint64_t seed) {
  if (order < SOFTMETAL_ORDER_FORWARD || order > SOFTMETAL_ORDER_SHUFFLED) return 0;
  change_options([&](ExecutionOptions& options) {
    options.order = static_cast<ExecutionOptions::Order>(order);
    options.seed = seed;
  });
  return 1;
}

int softmetal_order(uint64_t* seed) {
  const ExecutionOptions options = softmetal::execution_options();
  if (seed != nullptr) *seed = options.seed;
  return static_cast<int>(options.order);
}

void softmetal_set_threads(unsigned threads) {
  change_options([&](ExecutionOptions& options) { options.threads = threads; });
}

const char* softmetal_cuda_missing(void) { return softmetal::cuda_gpu().missing.c_str(); }

void softmetal_set_nvrtc_path(const char* path) { softmetal::set_nvrtc_path(path); }

void softmetal_set_check(int on) {
  change_options([&](ExecutionOptions& options) { options.check = on != 0; });
}

int softmetal_check(void) { return softmetal::execution_options().check; }

void softmetal_take_reports(void (*visit)(void*, const char*), void* context) {
  for (const softmetal::CheckReport& report : softmetal::take_check_reports()) {
    visit(context, report.message.c_str());
  }
}

void softmetal_visit_methods(void (*visit)(void*, char, const char*, const char*, const char*),
                             void* context) {
  for (const softmetal::Type* type : softmetal::all_types()) {
    for (const softmetal::Method& method : type->cls.methods) {
      visit(context, '-', type->cls.name, method.selector, method.signature);
    }
    for (const softmetal::Method& method : type->meta.methods) {
      visit(context, '+', type->meta.name, method.selector, method.signature);
    }
  }
}

}  // extern "C"
