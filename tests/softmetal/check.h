// The smallest test harness that will do: TEST bodies, CHECK conditions, and a leak check after
// each.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace check {

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int failures = 0;

struct Register {
  Register(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

inline void fail(const char* file, int line, const std::string& what) {
  ++failures;
  std::printf("%s:%d: %s\n", file, line, what.c_str());
}

// The text of the exception that `body` throws, "" where it throws none.
template <class Exception>
std::string thrown(const std::function<void()>& body) {
  try {
    body();
  } catch (const Exception& caught) {
    return caught.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Runs all tests, or those whose name is given; answers the process's exit code.
int run(int count, char** names);

}  // namespace check

#define TEST(name)                                             \
  static void test_##name();                                   \
  static check::Register register_##name(#name, &test_##name); \
  static void test_##name()

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) check::fail(__FILE__, __LINE__, "not so: " #condition); \
  } while (false)

#define CHECK_TEXT(text, part)                                                            \
  do {                                                                                    \
    const std::string check_text = (text);                                                \
    if (!check::contains(check_text, part)) {                                             \
      check::fail(__FILE__, __LINE__, "\"" + check_text + "\" lacks \"" + (part) + "\""); \
    }                                                                                     \
  } while (false)
