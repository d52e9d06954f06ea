#include "cuda_program.h"

#include "../msl/emit_cuda.h"
#include "../msl/standard_library.h"
#include "cache.h"
#include "preprocess.h"
#include "sha256.h"

namespace softmetal {

std::shared_ptr<const SourceProgram> CudaCompiler::parse(std::string_view msl,
                                                         const CompileOptions& options) const {
  auto program =
      std::make_shared<SourceProgram>(preprocessed(source_key(msl, options), msl, options));
  const std::string text =
      msl::cuda_library() + msl::emit_cuda(program->parsed(), program->analysis(), std::nullopt,
                                           msl::ConstantBytes(program->parsed().constants.size()));
  DiskCache::instance().entry(sha256(nvrtc_.identity() + "\n" + text) + ".cuda-ok",
                              [&](const std::string& marker) {
                                nvrtc_.compile(text, capability_);
                                write_file(marker, "");
                              });
  return program;
}

std::string CudaCompiler::build(const SourceProgram& program, size_t kernel,
                                const msl::ConstantBytes& constants) const {
  const std::string text =
      msl::cuda_library() + msl::emit_cuda(program.parsed(), program.analysis(), kernel, constants);
  const std::string key =
      sha256(nvrtc_.identity() + "\nsm_" + std::to_string(capability_) + "\n" + text);
  const std::string path = DiskCache::instance().entry(
      key + ".cubin",
      [&](const std::string& output) { write_file(output, nvrtc_.compile(text, capability_)); });
  auto code = read_file(path);
  if (!code) throw CompileError("softmetal: cannot read " + path);
  return *std::move(code);
}

}  // namespace softmetal
