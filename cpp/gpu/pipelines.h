// Kernels, compiled once a process and device.
//
// A library is known by the whole of its source and its math mode, a pipeline by its library, its
// kernel and the values of its function constants: equal names with another source never meet.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/archive.h"
#include "gpu/object.h"

namespace bitmetal::gpu {

struct FunctionConstant {
  uint32_t index;
  MTL::DataType type;
  std::vector<std::byte> value;  // as long as the type is

  FunctionConstant(uint32_t at, bool on)
      : index(at), type(MTL::DataTypeBool), value{static_cast<std::byte>(on)} {}
  FunctionConstant(uint32_t at, MTL::DataType kind, std::vector<std::byte> bytes)
      : index(at), type(kind), value(std::move(bytes)) {}
};
using FunctionConstants = std::vector<FunctionConstant>;

// A function constant as the source declares it.
struct DeclaredConstant {
  std::string name;
  uint32_t index;
  MTL::DataType type;
};

// A kernel's parameter in memory, as reflection tells it.
struct PipelineArgument {
  std::string name;
  uint32_t index;
  bool read_only;
  bool threadgroup;
};

// Immutable. Lives as long as its Library.
struct Pipeline {
  std::string name;
  Ref<MTL::ComputePipelineState> state;
  uint32_t max_threads;
  uint32_t simd_width;
  size_t threadgroup_bytes;                 // of its threadgroup variables
  std::vector<PipelineArgument> arguments;  // by index; only where reflection was asked for
};

struct PipelineStats {
  uint64_t libraries = 0, pipelines = 0;  // compiled
  uint64_t hits = 0;                      // pipelines that were there already
  uint64_t archived = 0;                  // of the compiled ones, found on disk
  double compile_seconds = 0;
};

class Pipelines;

// A compiled source with its pipelines. All members may be called from any thread.
class Library {
 public:
  Library(Pipelines& owner, Ref<MTL::Library> library)
      : owner_(owner), library_(std::move(library)) {}
  // Throws CompileError where the source has no such kernel or it cannot be built.
  const Pipeline& pipeline(std::string_view kernel, const FunctionConstants& constants,
                           bool reflect = false);
  // Throws CompileError where the source has no such kernel.
  std::vector<DeclaredConstant> constants(std::string_view kernel) const;

 private:
  Pipeline build(const std::string& kernel, const FunctionConstants& constants, bool reflect);

  Pipelines& owner_;
  Ref<MTL::Library> library_;
  std::mutex mutex_;
  std::map<std::string, Pipeline, std::less<>> pipelines_;
};

class Pipelines {
 public:
  explicit Pipelines(MTL::Device& device) : device_(device), archive_(device) {}

  // A kernel of the library's own, of the file metal/FAMILY.metal, which is compiled at first use
  // and kept.
  const Pipeline& get(std::string_view family, std::string_view kernel,
                      const FunctionConstants& constants = {});
  // A program's own source; kept as long as somebody holds it. Throws CompileError with the
  // compiler's log.
  std::shared_ptr<Library> compile(const std::string& source, bool fast_math);

  PipelineStats stats() const;
  Archive& archive() { return archive_; }

 private:
  friend class Library;
  Ref<MTL::Library> build(const std::string& source, bool fast_math);
  std::shared_ptr<Library> family(std::string_view name);
  void count(uint64_t PipelineStats::* what, double seconds);

  MTL::Device& device_;
  Archive archive_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Library>, std::less<>> families_;
  std::map<std::string, std::weak_ptr<Library>> sources_;
  PipelineStats stats_;
};

}  // namespace bitmetal::gpu
