// An executor whose kernels are C++ functions, so that Metal's classes can be tested without a
// compiler in between. A "source" names its kernels, each of which must be one of those below.
#include "exec/executor.h"

#include <sys/mman.h>

#include <cstring>
#include <mutex>
#include <regex>

#include "exec/nvrtc.h"
#include "exec/options.h"

namespace softmetal {

namespace {

constexpr uint32_t kTypeFloat = 3;  // MTL::DataTypeFloat

struct Constants {
  float scale = 1;
};

using Body = void (*)(const Launch&, const Constants&);

uint64_t count(const Launch& launch) {
  return launch.threads[0] * launch.threads[1] * launch.threads[2];
}

template <class T>
T* at(const Launch& launch, int index) {
  return reinterpret_cast<T*>(launch.buffers[index].data);
}

void add(const Launch& launch, const Constants&) {
  for (uint64_t i = 0; i < count(launch); ++i) {
    at<float>(launch, 2)[i] = at<float>(launch, 0)[i] + at<float>(launch, 1)[i];
  }
}

void scale(const Launch& launch, const Constants& constants) {
  for (uint64_t i = 0; i < count(launch); ++i) at<float>(launch, 0)[i] *= constants.scale;
}

// Appends the value in buffer 1 to the list in buffer 0, whose first entry counts the others.
void append(const Launch& launch, const Constants&) {
  auto* list = at<uint32_t>(launch, 0);
  std::memcpy(&list[++list[0]], at<uint32_t>(launch, 1), sizeof(uint32_t));
}

void fault(const Launch& launch, const Constants&) {
  throw ExecutionError("kernel \"fault\": out of bounds in buffer \"" +
                       std::string(launch.buffers[0].label) + '"');
}

void reduce(const Launch& launch, const Constants&) {
  auto* out = at<uint32_t>(launch, 0);
  out[0] = static_cast<uint32_t>(launch.threadgroup_bytes[0]);
  out[1] = static_cast<uint32_t>(count(launch));
}

struct Row {
  KernelInfo info;
  Body body;
  size_t static_bytes = 0;
};

Argument buffer(const char* name, uint32_t index, bool read_only) {
  return {name, ArgumentKind::buffer, index, read_only, 4, 4};
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {{"add", {buffer("a", 0, true), buffer("b", 1, true), buffer("out", 2, false)}, {}, 0}, add},
      {{"scale", {buffer("x", 0, false)}, {{"factor", 0, kTypeFloat, true}}, 0}, scale},
      {{"append", {buffer("list", 0, false), buffer("value", 1, true)}, {}, 0}, append},
      {{"fault", {buffer("x", 0, false)}, {}, 0}, fault},
      {{"small", {buffer("x", 0, false)}, {}, 64}, scale},
      {{"reduce",
        {buffer("out", 0, false), {"scratch", ArgumentKind::threadgroup, 0, false, 4, 4}},
        {},
        0},
       reduce,
       1024},
      {{"huge", {}, {}, 0}, scale, size_t{1} << 20},
  };
  return all;
}

struct DoubleKernel : Kernel {
  DoubleKernel(const Row& kernel_row, Constants values) : row(kernel_row), constants(values) {}

  const KernelInfo& info() const override { return row.info; }
  size_t static_threadgroup_bytes() const override { return row.static_bytes; }
  void run(const Launch& launch) const override { row.body(launch, constants); }

  const Row& row;
  const Constants constants;
};

struct DoubleProgram : Program {
  explicit DoubleProgram(std::vector<const Row*> list) : rows(std::move(list)) {
    for (const Row* row : rows) infos.push_back(row->info);
  }

  const std::vector<KernelInfo>& kernels() const override { return infos; }

  std::shared_ptr<const Kernel> specialize(
      std::string_view name, const std::vector<ConstantValue>& values) const override {
    for (const Row* row : rows) {
      if (row->info.name != name) continue;
      Constants constants;
      for (const FunctionConstant& constant : row->info.constants) {
        const ConstantValue* found = nullptr;
        for (const ConstantValue& value : values) {
          if (value.name.empty() ? value.index == constant.index : value.name == constant.name) {
            found = &value;
          }
        }
        if (found == nullptr) throw CompileError("constant \"" + constant.name + "\" has no value");
        std::memcpy(&constants.scale, found->bytes.data(), sizeof(float));
      }
      return std::make_shared<DoubleKernel>(*row, constants);
    }
    throw CompileError("no kernel");
  }

  std::vector<const Row*> rows;
  std::vector<KernelInfo> infos;
};

struct DoubleExecutor : Executor {
  std::shared_ptr<const Program> compile(std::string_view source, const CompileOptions&) override {
    static const std::regex kernel("kernel void (\\w+)");
    const std::string text(source);
    std::vector<const Row*> found;
    for (std::sregex_iterator it(text.begin(), text.end(), kernel), end; it != end; ++it) {
      const Row* match = nullptr;
      for (const Row& row : rows()) {
        if (row.info.name == (*it)[1].str()) match = &row;
      }
      if (match == nullptr) {
        throw CompileError("program_source:1:1: error: unknown kernel '" + (*it)[1].str() + "'");
      }
      found.push_back(match);
    }
    return std::make_shared<DoubleProgram>(std::move(found));
  }

  void* allocate(size_t bytes, Reach) override {
    void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data == MAP_FAILED ? nullptr : data;
  }
  void deallocate(void* data, size_t bytes, Reach) override { munmap(data, bytes); }
};

std::mutex options_mutex;
ExecutionOptions options;

}  // namespace

Executor& cpu_executor() {
  static auto& executor = *new DoubleExecutor();
  return executor;
}

const CudaGpu& cuda_gpu() {
  static const CudaGpu none{nullptr, "the executor double has none", {}, {}, 0};
  return none;
}

void set_nvrtc_path(const std::string&) {}

ExecutionOptions execution_options() {
  std::lock_guard lock(options_mutex);
  return options;
}

void set_execution_options(const ExecutionOptions& chosen) {
  std::lock_guard lock(options_mutex);
  options = chosen;
}

std::vector<CheckReport> take_check_reports() { return {}; }

}  // namespace softmetal
