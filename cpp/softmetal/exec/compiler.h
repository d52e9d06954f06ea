// The C++ compiler that kernels are built with at run time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace softmetal {

// Immutable and thread-safe.
class Compiler {
 public:
  // The first that will do of $SOFTMETAL_CXX, g++ (12 or newer), clang++ (16 or newer), c++ and
  // `python3 -m ziglang c++`. Throws CompileError, with what was tried, when there is none.
  static const Compiler& instance();

  // All that decides its output: the command, its version, the processor it compiles for, the
  // flags.
  const std::string& identity() const { return identity_; }

  // The text of `file` after preprocessing. `prefix` is read first and leaves only its macros.
  std::string preprocess(const std::string& file, const std::string& prefix,
                         const std::vector<std::string>& flags) const;
  // Parses and instantiates, makes nothing.
  void check(const std::string& file) const;
  // Builds the shared library `output`; `checked` for the checker.
  void build(const std::string& file, const std::string& output, bool checked) const;

 private:
  Compiler();
  bool try_command(std::vector<std::string> command, std::string& tried);
  std::string run(std::vector<std::string> arguments) const;

  std::vector<std::string> command_;
  std::vector<std::string> flags_;
  std::string identity_;
};

// A compiler's output as Apple's would word it: "program_source:LINE:COLUMN: error: ..." for each
// fault in the program, or everything where no fault lies there.
std::string program_errors(std::string_view log);

}  // namespace softmetal
