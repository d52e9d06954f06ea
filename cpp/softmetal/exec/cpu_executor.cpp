// From MSL to a launch: preprocess, parse, translate, compile or find in the cache, load, bind,
// run.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <numeric>

#include "../msl/emit_host.h"
#include "../msl/standard_library.h"
#include "cache.h"
#include "check_log.h"
#include "checker.h"
#include "compiler.h"
#include "executor.h"
#include "line_table.h"
#include "memory.h"
#include "module.h"
#include "options.h"
#include "preprocess.h"
#include "scheduler.h"
#include "sha256.h"
#include "source_program.h"
#include "workers.h"

namespace softmetal {
namespace {

constexpr size_t kThreadgroupAlignment = 16;

// A program with more kernels than this is not instantiated as a whole when it is compiled first:
// some have thousands, of which a process uses three. Faults in an instance then show when it is
// asked for.
constexpr size_t kMaxInstancesChecked = 32;

size_t align_up(size_t n, size_t alignment) { return (n + alignment - 1) / alignment * alignment; }

class CpuProgram;

class CpuKernel final : public Kernel {
 public:
  CpuKernel(std::shared_ptr<const CpuProgram> program, size_t index, msl::ConstantBytes constants);

  const KernelInfo& info() const override { return info_; }
  size_t static_threadgroup_bytes() const override { return static_threadgroup_bytes_; }
  void run(const Launch& launch) const override;

 private:
  struct Checked {
    std::unique_ptr<Module> module;
    std::unique_ptr<LineTable> lines;
  };
  const Module& plain() const;
  const Checked& checked() const;
  sm_launch bind(const Launch& launch, const Module& module, size_t& threadgroup_bytes) const;
  void run_checked(const sm_launch& bound, const Launch& launch, size_t threadgroup_bytes,
                   const ExecutionOptions& options) const;

  std::shared_ptr<const CpuProgram> program_;
  size_t index_;
  msl::ConstantBytes constants_;
  KernelInfo info_;
  size_t static_threadgroup_bytes_;
  // Built when it is to run: few programs need both.
  mutable std::once_flag plain_once_, check_once_;
  mutable std::unique_ptr<Module> plain_;
  mutable Checked checked_;
};

class CpuProgram final : public Program, public std::enable_shared_from_this<CpuProgram> {
 public:
  explicit CpuProgram(std::string preprocessed) : source_(std::move(preprocessed)) {}

  const std::vector<KernelInfo>& kernels() const override { return source_.kernels(); }

  std::shared_ptr<const Kernel> specialize(
      std::string_view name, const std::vector<ConstantValue>& constants) const override {
    const size_t index = source_.index_of(name);
    return std::make_shared<CpuKernel>(shared_from_this(), index,
                                       source_.constant_values(index, constants));
  }

  // The path of the library that holds this kernel alone.
  std::string build(size_t kernel, bool checked) const {
    const Compiler& compiler = Compiler::instance();
    const std::string text = translation({kernel}, checked);
    const std::string key = sha256(compiler.identity() + (checked ? "checked\n" : "\n") + text);
    return DiskCache::instance().entry(key + ".so", [&](const std::string& output) {
      with_source(text, [&](const std::string& file) { compiler.build(file, output, checked); });
    });
  }

  // Throws CompileError for what the compiler, and not the parser, sees. A program that passed once
  // is remembered.
  void check() const {
    const Compiler& compiler = Compiler::instance();
    std::vector<size_t> all;
    for (size_t k = 0; k < std::min(kernels().size(), kMaxInstancesChecked); ++k) all.push_back(k);
    const std::string text = translation(all, false);
    DiskCache::instance().entry(
        sha256(compiler.identity() + "check\n" + text) + ".ok", [&](const std::string& marker) {
          with_source(text, [&](const std::string& file) { compiler.check(file); });
          write_file(marker, "");
        });
  }

  const SourceProgram& source() const { return source_; }

 private:
  std::string translation(const std::vector<size_t>& kernels, bool checked) const {
    return msl::standard_library() +
           msl::emit_host(source_.parsed(), source_.analysis(), kernels, checked);
  }

  template <class F>
  static void with_source(const std::string& text, const F& use) {
    const std::string file = DiskCache::instance().temporary(".cpp");
    write_file(file, text);
    try {
      use(file);
    } catch (...) {
      unlink(file.c_str());
      throw;
    }
    unlink(file.c_str());
  }

  const SourceProgram source_;
};

CpuKernel::CpuKernel(std::shared_ptr<const CpuProgram> program, size_t index,
                     msl::ConstantBytes constants)
    : program_(std::move(program)), index_(index), constants_(std::move(constants)) {
  info_ = program_->kernels()[index];
  const Module& module = execution_options().check ? *checked().module : plain();
  static_threadgroup_bytes_ = module.threadgroup_bytes(0);
  const sm_argument* described = module.kernel(0).arguments;
  const bool* given = module.given(0);
  std::vector<Argument> arguments;
  for (Argument& argument : info_.arguments) {
    argument.element_size = described->size;
    argument.element_alignment = described->alignment;
    argument.read_only = described->read_only;
    ++described;
    if (!given || *given++) arguments.push_back(std::move(argument));
  }
  info_.arguments = std::move(arguments);
}

const Module& CpuKernel::plain() const {
  std::call_once(plain_once_, [&] {
    plain_ = std::make_unique<Module>(program_->build(index_, false), constants_);
  });
  return *plain_;
}

const CpuKernel::Checked& CpuKernel::checked() const {
  std::call_once(check_once_, [&] {
    checked_.module = std::make_unique<Module>(program_->build(index_, true), constants_);
    checked_.lines = std::make_unique<LineTable>(checked_.module->path());
  });
  return checked_;
}

sm_launch CpuKernel::bind(const Launch& launch, const Module& module,
                          size_t& threadgroup_bytes) const {
  sm_launch bound{};
  uint64_t threads = 1;
  for (size_t i = 0; i < 3; ++i) {
    if (launch.threads[i] > UINT32_MAX)
      throw ExecutionError("kernel '" + info_.name +
                           "': a grid has at most 4294967295 threads a side");
    bound.grid[i] = static_cast<uint32_t>(launch.threads[i]);
    bound.group_size[i] = launch.threads_per_group[i];
    threads *= launch.threads_per_group[i];
    if (bound.group_size[i] == 0)
      throw ExecutionError("kernel '" + info_.name + "': a threadgroup is empty");
    bound.groups[i] =
        bound.grid[i] / bound.group_size[i] + (bound.grid[i] % bound.group_size[i] != 0);
  }
  if (threads > Scheduler::kMaxThreads)
    throw ExecutionError("kernel '" + info_.name + "': a threadgroup has " +
                         std::to_string(threads) + " threads, the limit is " +
                         std::to_string(Scheduler::kMaxThreads));
  for (size_t i = 0; i < kMaxBuffers; ++i)
    bound.buffers[i] = launch.buffers[i].data ? launch.buffers[i].data : unbound_memory();
  threadgroup_bytes = module.threadgroup_bytes(0);
  for (const Argument& argument : info_.arguments) {
    if (argument.kind != ArgumentKind::threadgroup) continue;
    threadgroup_bytes = align_up(threadgroup_bytes, kThreadgroupAlignment);
    bound.threadgroup_offset[argument.index] = threadgroup_bytes;
    threadgroup_bytes += launch.threadgroup_bytes[argument.index];
  }
  return bound;
}

// The threadgroups' positions by number; shuffled by a walk whose step shares no factor with their
// count.
class GroupOrder {
 public:
  GroupOrder(const sm_launch& launch, const ExecutionOptions& options)
      : launch_(launch),
        order_(options.order),
        count_(uint64_t{launch.groups[0]} * launch.groups[1] * launch.groups[2]) {
    if (order_ != ExecutionOptions::Order::shuffled || count_ < 2) return;
    Random random(options.seed ^ 0x6a09e667f3bcc908);
    start_ = random.next() % count_;
    do step_ = random.next() % count_;
    while (std::gcd(step_, count_) != 1);
  }
  uint64_t count() const { return count_; }
  std::array<uint32_t, 3> position(uint64_t i) const {
    if (order_ == ExecutionOptions::Order::reverse) i = count_ - 1 - i;
    if (order_ == ExecutionOptions::Order::shuffled)
      i = static_cast<uint64_t>((static_cast<unsigned __int128>(i) * step_ + start_) % count_);
    const uint64_t x = launch_.groups[0], y = launch_.groups[1];
    return {static_cast<uint32_t>(i % x), static_cast<uint32_t>(i / x % y),
            static_cast<uint32_t>(i / x / y)};
  }

 private:
  const sm_launch& launch_;
  ExecutionOptions::Order order_;
  uint64_t count_;
  uint64_t start_ = 0, step_ = 1;
};

void CpuKernel::run(const Launch& launch) const {
  const ExecutionOptions options = execution_options();
  if (launch.threads[0] == 0 || launch.threads[1] == 0 || launch.threads[2] == 0) return;
  const Module& module = options.check ? *checked().module : plain();
  size_t threadgroup_bytes = 0;
  const sm_launch bound = bind(launch, module, threadgroup_bytes);
  if (options.check) {
    run_checked(bound, launch, threadgroup_bytes, options);
    return;
  }
  const GroupOrder order(bound, options);
  const Scheduler::Job job{module.kernel(0).entry, &bound, threadgroup_bytes, options, nullptr};
  std::mutex mutex;
  std::string failure;
  for_each_group(order.count(), options.threads ? options.threads : default_threads(),
                 [&](Scheduler& scheduler, uint64_t i) {
                   std::string error;
                   if (scheduler.run(job, order.position(i).data(), error)) return true;
                   const std::lock_guard lock(mutex);
                   if (failure.empty()) failure = error;
                   return false;
                 });
  if (!failure.empty()) throw ExecutionError("kernel '" + info_.name + "': " + failure);
}

void CpuKernel::run_checked(const sm_launch& bound, const Launch& launch, size_t threadgroup_bytes,
                            const ExecutionOptions& options) const {
  Checker::Setting setting{info_.name,   {}, {}, checked_.lines.get(), checked_.module.get(),
                           &is_allocated};
  for (const Module::Variable& variable : checked_.module->variables(0)) {
    const std::string_view name = program_->source().parsed().tokens[variable.id].text;
    setting.threadgroup.push_back({std::string(name), -1, variable.size, nullptr, variable.offset});
  }
  for (const Argument& argument : info_.arguments) {
    const auto index = static_cast<int>(argument.index);
    if (argument.kind == ArgumentKind::threadgroup) {
      setting.threadgroup.push_back({argument.name, index, launch.threadgroup_bytes[argument.index],
                                     nullptr, bound.threadgroup_offset[argument.index]});
    } else {
      const Binding& binding = launch.buffers[argument.index];
      setting.buffers.push_back({argument.name, index, binding.data ? binding.size : 0,
                                 static_cast<const std::byte*>(bound.buffers[argument.index]), 0});
    }
  }
  Checker checker(std::move(setting));
  const GroupOrder order(bound, options);
  const Scheduler::Job job{checked_.module->kernel(0).entry, &bound, threadgroup_bytes, options,
                           &checker};
  for_each_group(order.count(), 1, [&](Scheduler& scheduler, uint64_t i) {
    std::string error;
    return scheduler.run(job, order.position(i).data(), error);
  });
  const std::vector<CheckReport> reports = checker.reports();
  if (reports.empty()) return;
  keep_check_reports(reports);
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(reports.size(), 5); ++i)
    text += (i ? "\n" : "") + reports[i].message +
            (reports[i].count > 1 ? " (" + std::to_string(reports[i].count) + " times)" : "");
  if (reports.size() > 5) text += "\nand " + std::to_string(reports.size() - 5) + " other reports";
  throw ExecutionError(text);
}

class CpuExecutor final : public Executor {
 public:
  std::shared_ptr<const Program> compile(std::string_view msl,
                                         const CompileOptions& options) override {
    const std::string key = source_key(msl, options);
    {
      const std::lock_guard lock(mutex_);
      if (auto known = programs_[key].lock()) return known;
    }
    auto program = std::make_shared<CpuProgram>(preprocessed(key, msl, options));
    program->check();
    const std::lock_guard lock(mutex_);
    programs_[key] = program;
    return program;
  }

  void* allocate(size_t bytes, Reach) override { return allocate_memory(bytes); }
  void deallocate(void* data, size_t bytes, Reach) override { deallocate_memory(data, bytes); }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const CpuProgram>> programs_;
};

}  // namespace

Executor& cpu_executor() {
  static auto* executor =
      new CpuExecutor;  // lives until the process ends, whatever still runs then
  return *executor;
}

}  // namespace softmetal
