#include "compiler.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <system_error>

#include "cache.h"
#include "executor.h"

extern char** environ;

namespace softmetal {
namespace {

struct Outcome {
  int status = 127;
  std::string output;  // stdout
  std::string log;     // stderr
};

// The environment with messages in English: they are read here.
std::vector<char*> english_environment() {
  static char locale[] = "LC_ALL=C";
  std::vector<char*> out;
  for (char** entry = environ; *entry; ++entry)
    if (std::strncmp(*entry, "LC_ALL=", 7) != 0) out.push_back(*entry);
  out.push_back(locale);
  out.push_back(nullptr);
  return out;
}

// Output goes through files: a pipe would need two readers, and compilers write long logs.
Outcome run_process(const std::vector<std::string>& command) {
  const DiskCache& cache = DiskCache::instance();
  const std::string out_path = cache.temporary(".out"), log_path = cache.temporary(".log");
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0600);
  posix_spawn_file_actions_addopen(&actions, 2, log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0600);
  std::vector<char*> environment = english_environment();
  pid_t child = 0;
  const int failure =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);

  Outcome outcome;
  if (failure == 0) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.output = read_file(out_path).value_or("");
    outcome.log = read_file(log_path).value_or("");
  }
  unlink(out_path.c_str());
  unlink(log_path.c_str());
  return outcome;
}

long macro_value(const std::string& macros, const std::string& name) {
  const std::string line = "#define " + name + " ";
  const size_t at = macros.find(line);
  return at == std::string::npos ? 0 : std::strtol(macros.c_str() + at + line.size(), nullptr, 10);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> words_of(const char* text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// A half is rounded after every operation, products are not fused with sums, and memory is typed by
// its use: what a GPU does, and what makes results comparable.
constexpr std::array kFlags = {"-std=c++20",
                               "-fPIC",
                               "-w",
                               "-fvisibility=hidden",
                               "-ffp-contract=off",
                               "-fno-strict-aliasing",
                               "-fno-math-errno",
                               "-fno-trapping-math",
                               "-fsigned-char",
                               "-fwrapv",
                               "-fno-exceptions",
                               "-g1",
                               "-gdwarf-4"};

}  // namespace

const Compiler& Compiler::instance() {
  static const Compiler compiler;
  return compiler;
}

Compiler::Compiler() {
  std::string tried;
  if (const char* own = std::getenv("SOFTMETAL_CXX"); own && *own) {
    if (try_command(words_of(own), tried)) return;
    throw CompileError("softmetal: SOFTMETAL_CXX is no C++ compiler that can build kernels:" +
                       tried);
  }
  const std::vector<std::vector<std::string>> choices = {
      {"g++"}, {"clang++"}, {"c++"}, {"python3", "-m", "ziglang", "c++"}};
  for (const auto& choice : choices)
    if (try_command(choice, tried)) return;
  throw CompileError(
      "softmetal: kernels are compiled by the system's C++ compiler, and none will do: install g++ "
      "12 or "
      "clang 16, or `pip install ziglang`, or set SOFTMETAL_CXX. Tried:" +
      tried);
}

bool Compiler::try_command(std::vector<std::string> command, std::string& tried) {
  if (command.empty()) return false;
  const bool zig = command.size() > 1 && command[command.size() - 2] == "ziglang";
  const auto macros_of = [&](const char* extra) {
    std::vector<std::string> dump = command;
    for (const char* word : {"-dM", "-E", "-x", "c++", "/dev/null"}) dump.emplace_back(word);
    if (*extra) dump.emplace_back(extra);
    return run_process(dump);
  };
  // Zig compiles for this processor by itself.
  Outcome macros = zig ? macros_of("") : macros_of("-march=native");
  const bool native = macros.status == 0 && !zig;
  if (macros.status != 0) macros = macros_of("");
  const long clang = macro_value(macros.output, "__clang_major__");
  const long gnu = clang ? 0 : macro_value(macros.output, "__GNUC__");
  tried += "\n  " + joined(command) +
           (macros.status != 0 ? " (does not run)"
            : clang            ? " (clang " + std::to_string(clang) + ")"
                               : " (g++ " + std::to_string(gnu) + ")");
  if (macros.status != 0 || (clang ? clang < 16 : gnu < 12)) return false;

  command_ = std::move(command);
  flags_.assign(kFlags.begin(), kFlags.end());
  if (native) flags_.emplace_back("-march=native");
  if (clang) {
    flags_.insert(flags_.end(), {"-Xclang", "-ffloat16-excess-precision=none"});
    flags_.insert(flags_.end(), {"-fno-sanitize=all"});
  } else if (gnu >= 13) {
    flags_.emplace_back("-fexcess-precision=16");
  }
  identity_ = joined(command_) + "\n" + joined(flags_) + "\n" + macros.output;
  return true;
}

std::string Compiler::run(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), command_.begin(), command_.end());
  const Outcome outcome = run_process(arguments);
  if (outcome.status == 0) return outcome.output;
  if (outcome.log.empty())
    throw CompileError("softmetal: '" + joined(command_) + "' failed with status " +
                       std::to_string(outcome.status));
  throw CompileError(program_errors(outcome.log));
}

std::string Compiler::preprocess(const std::string& file, const std::string& prefix,
                                 const std::vector<std::string>& flags) const {
  std::vector<std::string> arguments = {"-E",     "-x",        "c++", "-std=c++20",
                                        "-undef", "-nostdinc", "-w"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  arguments.insert(arguments.end(), {"-imacros", prefix, file});
  return run(std::move(arguments));
}

void Compiler::check(const std::string& file) const {
  std::vector<std::string> arguments = flags_;
  arguments.insert(arguments.end(), {"-fsyntax-only", file});
  run(std::move(arguments));
}

void Compiler::build(const std::string& file, const std::string& output, bool checked) const {
  if (!checked) {
    std::vector<std::string> arguments = flags_;
    arguments.insert(arguments.end(), {"-O2", "-shared", file, "-o", output});
    run(std::move(arguments));
    return;
  }
  // Linked in a step of its own, without the option: that would bring in ThreadSanitizer itself. No
  // call is inlined, so that every access inside the standard library has its caller's line.
  const std::string object = output + ".o";
  std::vector<std::string> arguments = flags_;
  arguments.insert(arguments.end(), {"-O1", "-fno-inline", "-fsanitize=thread", "-DSM_CHECK=1",
                                     "-c", file, "-o", object});
  try {
    run(std::move(arguments));
    run({"-shared", object, "-o", output});
  } catch (...) {
    unlink(object.c_str());
    throw;
  }
  unlink(object.c_str());
}

std::string program_errors(std::string_view log) {
  std::string errors;
  for (size_t begin = 0; begin < log.size();) {
    const size_t end = std::min(log.find('\n', begin), log.size());
    std::string line(log.substr(begin, end - begin));
    begin = end + 1;
    if (line.rfind("program_source:", 0) != 0) continue;
    if (const size_t fatal = line.find(" fatal error: "); fatal != std::string::npos)
      line.replace(fatal, 14, " error: ");
    if (line.find(" error: ") == std::string::npos && line.find(" note: ") == std::string::npos)
      continue;
    errors += line + "\n";
  }
  if (errors.find(" error: ") == std::string::npos) errors = log;
  constexpr std::string_view kInternal = "sm_program::";
  for (size_t at; (at = errors.find(kInternal)) != std::string::npos;)
    errors.erase(at, kInternal.size());
  return errors;
}

}  // namespace softmetal
