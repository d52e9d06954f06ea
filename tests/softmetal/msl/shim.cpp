// The executor behind a few C functions, for ctypes.
#include <cstring>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../../cpp/softmetal/exec/cuda_program.h"
#include "../../../cpp/softmetal/exec/executor.h"
#include "../../../cpp/softmetal/exec/options.h"
#include "../../../cpp/softmetal/exec/preprocess.h"

using namespace softmetal;

namespace {

thread_local std::string g_text;  // what the last call has to say
Executor* g_executor = &cpu_executor();

template <class F>
auto guarded(const F& f) -> decltype(f()) {
  try {
    g_text.clear();
    return f();
  } catch (const CompileError& error) {
    g_text = std::string("compile\n") + error.what();
  } catch (const ExecutionError& error) {
    g_text = std::string("execution\n") + error.what();
  } catch (const std::exception& error) {
    g_text = std::string("other\n") + error.what();
  }
  return {};
}

std::vector<ConstantValue> constant_values(int count, const unsigned* indices,
                                           const unsigned* types, const unsigned char* bytes) {
  std::vector<ConstantValue> constants(static_cast<size_t>(count));
  for (size_t i = 0; i < constants.size(); ++i) {
    constants[i].index = indices[i];
    constants[i].type = types[i];
    std::memcpy(constants[i].bytes.data(), bytes + 16 * i, 16);
  }
  return constants;
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT const char* shim_text() { return g_text.c_str(); }

EXPORT void* shim_compile(const char* source, int macros, const char** names, const char** values) {
  return guarded([&]() -> void* {
    CompileOptions options;
    for (int i = 0; i < macros; ++i) options.macros.emplace_back(names[i], values[i]);
    return new std::shared_ptr<const Program>(g_executor->compile(source, options));
  });
}

EXPORT void shim_free_program(void* program) {
  delete static_cast<std::shared_ptr<const Program>*>(program);
}

static void describe(std::ostream& out, const KernelInfo& info) {
  out << "kernel " << info.name << " " << info.max_total_threads << "\n";
  for (const Argument& a : info.arguments)
    out << "argument " << a.name << " " << int(a.kind) << " " << a.index << " " << a.read_only
        << " " << a.element_size << " " << a.element_alignment << "\n";
  for (const FunctionConstant& c : info.constants)
    out << "constant " << c.name << " " << c.index << " " << c.type << " " << c.required << "\n";
}

EXPORT void shim_describe_program(void* program) {
  std::ostringstream out;
  for (const KernelInfo& info : (*static_cast<std::shared_ptr<const Program>*>(program))->kernels())
    describe(out, info);
  g_text = out.str();
}

EXPORT void* shim_specialize(void* program, const char* name, int count, const unsigned* indices,
                             const unsigned* types, const unsigned char* values) {
  return guarded([&]() -> void* {
    const auto constants = constant_values(count, indices, types, values);
    const auto& held = *static_cast<std::shared_ptr<const Program>*>(program);
    return new std::shared_ptr<const Kernel>(held->specialize(name, constants));
  });
}

EXPORT void shim_free_kernel(void* kernel) {
  delete static_cast<std::shared_ptr<const Kernel>*>(kernel);
}

EXPORT void shim_describe_kernel(void* kernel) {
  const Kernel& held = **static_cast<std::shared_ptr<const Kernel>*>(kernel);
  std::ostringstream out;
  describe(out, held.info());
  out << "threadgroup " << held.static_threadgroup_bytes() << "\n";
  g_text = out.str();
}

EXPORT int shim_run(void* kernel, const uint64_t* grid, const uint32_t* group, void** data,
                    const size_t* sizes, const size_t* threadgroup_bytes) {
  return guarded([&] {
    Launch launch;
    for (size_t i = 0; i < 3; ++i) {
      launch.threads[i] = grid[i];
      launch.threads_per_group[i] = group[i];
    }
    for (size_t i = 0; i < kMaxBuffers; ++i) {
      launch.buffers[i] = {static_cast<std::byte*>(data[i]), sizes[i], ""};
      launch.threadgroup_bytes[i] = threadgroup_bytes[i];
    }
    (*static_cast<std::shared_ptr<const Kernel>*>(kernel))->run(launch);
    return 1;
  });
}

// The same on the GPU, over copies of the host's memory.
EXPORT int shim_run_on_gpu(void* kernel, const uint64_t* grid, const uint32_t* group, void** data,
                           const size_t* sizes, const size_t* threadgroup_bytes) {
  void* copies[kMaxBuffers] = {};
  for (size_t i = 0; i < kMaxBuffers; ++i) {
    if (!data[i]) continue;
    copies[i] = g_executor->allocate(sizes[i], Reach::kernels);
    g_executor->copy(copies[i], data[i], sizes[i]);
  }
  const int done = shim_run(kernel, grid, group, copies, sizes, threadgroup_bytes) && guarded([&] {
                     g_executor->finish();
                     for (size_t i = 0; i < kMaxBuffers; ++i)
                       if (data[i]) g_executor->copy(data[i], copies[i], sizes[i]);
                     g_executor->finish();
                     return 1;
                   });
  for (size_t i = 0; i < kMaxBuffers; ++i)
    g_executor->deallocate(copies[i], sizes[i], Reach::kernels);
  return done;
}

// 0, with the reason, where there is no GPU.
EXPORT int shim_use_gpu() {
  g_text = cuda_gpu().missing;
  if (!cuda_gpu().executor) return 0;
  g_executor = cuda_gpu().executor;
  return 1;
}

// The first instance of each kernel template, and each plain kernel, a line each.
EXPORT void shim_one_of_each(const char* source) {
  guarded([&] {
    const SourceProgram program(preprocessed(source_key(source, {}), source, {}));
    std::set<size_t> seen;
    std::string names;
    for (const msl::Kernel& kernel : program.parsed().kernels)
      if (seen.insert(kernel.function).second) names += kernel.name + "\n";
    g_text = names;
    return 1;
  });
}

// The size of a kernel's machine code for a GPU that need not be there; 0, with the reason, where
// it cannot be made. NVRTC's own absence is of the kind "other".
EXPORT size_t shim_cuda_code(const char* source, int macros, const char** names,
                             const char** values, const char* kernel, int count,
                             const unsigned* indices, const unsigned* types,
                             const unsigned char* bytes) {
  return guarded([&]() -> size_t {
    std::string reason;
    const Nvrtc* nvrtc = Nvrtc::instance(reason);
    if (!nvrtc) throw std::runtime_error(reason);
    CompileOptions options;
    for (int i = 0; i < macros; ++i) options.macros.emplace_back(names[i], values[i]);
    const CudaCompiler compiler(*nvrtc, 90);
    const auto program = compiler.parse(source, options);
    const size_t index = program->index_of(kernel);
    const auto constants = constant_values(count, indices, types, bytes);
    return compiler.build(*program, index, program->constant_values(index, constants)).size();
  });
}

EXPORT void shim_options(int order, uint64_t seed, int check, unsigned threads) {
  set_execution_options({static_cast<ExecutionOptions::Order>(order), seed, check != 0, threads});
}

EXPORT void shim_reports() {
  std::ostringstream out;
  for (const CheckReport& r : take_check_reports())
    out << int(r.kind) << "\t" << r.argument << "\t" << r.index << "\t" << r.thread[0] << "\t"
        << r.line << "\t" << r.other_line << "\t" << r.count << "\t" << r.message << "\n";
  g_text = out.str();
}

EXPORT void* shim_allocate(size_t bytes) { return cpu_executor().allocate(bytes, Reach::host); }
EXPORT void shim_deallocate(void* data, size_t bytes) {
  cpu_executor().deallocate(data, bytes, Reach::host);
}
