// An MSL program before any target: parsed, its kernels described.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../msl/analysis.h"
#include "../msl/syntax.h"
#include "executor.h"

namespace softmetal {

class SourceProgram {
 public:
  // Throws CompileError for what the parser sees.
  explicit SourceProgram(std::string preprocessed);
  SourceProgram(const SourceProgram&) = delete;
  SourceProgram& operator=(const SourceProgram&) = delete;

  const std::vector<KernelInfo>& kernels() const { return kernels_; }
  size_t index_of(std::string_view kernel) const;  // throws CompileError
  // Throws CompileError when a required constant has no value or one has the wrong type.
  msl::ConstantBytes constant_values(size_t kernel, const std::vector<ConstantValue>& given) const;
  // Whether a function constant, false among `constants`, leaves the argument away.
  bool is_absent(size_t kernel, const Argument& argument,
                 const msl::ConstantBytes& constants) const;

  const msl::Program& parsed() const { return parsed_; }
  const msl::Analysis& analysis() const { return analysis_; }

 private:
  void throw_errors() const;
  KernelInfo describe(size_t kernel) const;

  const std::string source_;
  msl::Program parsed_;
  msl::Analysis analysis_;
  std::vector<KernelInfo> kernels_;
};

}  // namespace softmetal
