// The line between Metal's classes and whatever runs their kernels.
//
// Above it: MTLDevice, MTLLibrary, MTLComputePipelineState, the encoders. They hold Metal's rules
// (limits, lifetimes, errors) and know nothing of how a kernel is executed.
// Below it: an executor, which turns MSL into programs and runs them. Every call that can fail
// throws one of the two errors here; neither crosses into Objective-C land, where they become
// NSErrors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace softmetal {

inline constexpr uint32_t kMaxBuffers = 31;  // Metal's argument table: buffer indices 0..30
inline constexpr uint32_t kSimdWidth = 32;

// The log of a failed compilation, one "program_source:LINE:COLUMN: error: ..." line per fault.
struct CompileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A fault while a kernel ran: what the checker found, an injected fault, a trap.
struct ExecutionError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class ArgumentKind : uint8_t { buffer, threadgroup };

struct Argument {
  std::string name;
  ArgumentKind kind;
  uint32_t index;  // the N of [[buffer(N)]] or [[threadgroup(N)]]
  bool read_only;  // const device T*, constant T&
  size_t element_size;
  size_t element_alignment;
};

struct FunctionConstant {
  std::string name;
  uint32_t index;
  uint32_t type;  // an MTL::DataType
  bool required;  // false where the source tests is_function_constant_defined
};

struct KernelInfo {
  std::string name;
  std::vector<Argument> arguments;
  std::vector<FunctionConstant> constants;
  uint32_t max_total_threads = 0;  // [[max_total_threads_per_threadgroup(N)]], 0 where absent
};

// Values for function constants, found by index or, where `name` is not empty, by name.
struct ConstantValue {
  std::string name;
  uint32_t index = 0;
  uint32_t type = 0;  // an MTL::DataType
  std::array<std::byte, 16> bytes{};
};

struct CompileOptions {
  std::vector<std::pair<std::string, std::string>> macros;
  uint32_t language_version = 0;  // an MTL::LanguageVersion, 0 for the newest
  bool fast_math = true;
};

// One slot of the argument table. `data` is where the kernel's pointer starts; `size` counts the
// bytes from there to the end of the buffer. A slot that was never set has data == nullptr.
struct Binding {
  std::byte* data = nullptr;
  size_t size = 0;
  std::string_view label;
  bool is_copy = false;  // bytes that the encoder copied, in no memory of the executor's
};

struct Launch {
  std::array<uint64_t, 3> threads{1, 1, 1};  // the grid, in threads; need not be a multiple
  std::array<uint32_t, 3> threads_per_group{1, 1, 1};  // of the threadgroup
  std::array<Binding, kMaxBuffers> buffers{};
  std::array<size_t, kMaxBuffers> threadgroup_bytes{};
};

// A kernel with its function constants fixed: what an MTLComputePipelineState holds. Immutable;
// `run` may be called from several threads.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual const KernelInfo& info() const = 0;
  virtual size_t static_threadgroup_bytes() const = 0;
  virtual uint32_t max_threads() const { return 1024; }  // of a threadgroup
  // Throws ExecutionError. May return before the kernel has run: Executor::finish() waits for it.
  virtual void run(const Launch& launch) const = 0;
};

class Program {
 public:
  virtual ~Program() = default;
  virtual const std::vector<KernelInfo>& kernels() const = 0;
  // Throws CompileError when a required constant has no value or one has the wrong type.
  virtual std::shared_ptr<const Kernel> specialize(
      std::string_view kernel, const std::vector<ConstantValue>& constants) const = 0;
};

// Who reaches memory: kernels alone, or the host too, at the same address.
enum class Reach : uint8_t { kernels, host };

// Kernels, copies and fills run in the order in which they were started.
class Executor {
 public:
  virtual ~Executor() = default;
  // Thread-safe. Results are cached on disk by everything that decides them.
  virtual std::shared_ptr<const Program> compile(std::string_view msl,
                                                 const CompileOptions& options) = 0;
  // Page-aligned and zeroed; nullptr when there is none left.
  virtual void* allocate(size_t bytes, Reach reach) = 0;
  virtual void deallocate(void* data, size_t bytes, Reach reach) = 0;
  // Lets kernels reach whole pages of the program's own memory; false where they cannot.
  virtual bool map(void*, size_t) { return true; }
  virtual void unmap(void*) {}

  virtual void copy(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }
  virtual void fill(void* data, uint8_t value, size_t bytes) { std::memset(data, value, bytes); }

  // Around what one thread starts. finish() returns once all that was started is done, with the
  // seconds it took since begin() where the executor has a clock of its own; throws ExecutionError.
  virtual void begin() {}
  virtual std::optional<double> finish() { return std::nullopt; }
  // Nothing will run any more.
  virtual bool lost() const { return false; }
};

// The first NVIDIA GPU of this machine. Looks for it, and for what compiles its kernels, once.
struct CudaGpu {
  Executor* executor = nullptr;  // lives until the process ends
  std::string missing;           // why there is none
  std::string name;
  std::string architecture;  // "sm_90"
  uint64_t memory = 0;
};
const CudaGpu& cuda_gpu();

// Runs kernels on this machine's processor: translated to C++, compiled by the system's compiler,
// each Metal thread a fiber. Lives until the process ends.
Executor& cpu_executor();

}  // namespace softmetal
