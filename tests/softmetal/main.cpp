// The one translation unit that holds metal-cpp's definitions, and the test programs' main.
#define NS_PRIVATE_IMPLEMENTATION
#define MTL_PRIVATE_IMPLEMENTATION
#include <softmetal/softmetal.h>

#include <Metal/Metal.hpp>
#include <cstring>

#include "check.h"

namespace check {

namespace {

// Every test has let go of all it made when it ends.
void expect_no_live_objects(const char* test) {
  softmetal_visit_live_objects(
      [](void* context, const char* class_name, uint64_t count) {
        ++failures;
        std::printf("%s: leaves %llu live %s\n", static_cast<const char*>(context),
                    static_cast<unsigned long long>(count), class_name);
      },
      const_cast<char*>(test));
}

}  // namespace

int run(int count, char** names) {
  int ran = 0;
  for (const Test& test : tests()) {
    bool wanted = count == 0;
    for (int i = 0; i < count; ++i) wanted |= std::strcmp(names[i], test.name) == 0;
    if (!wanted) continue;
    ++ran;
    const int before = failures;
    try {
      NS::AutoreleasePool* pool = NS::AutoreleasePool::alloc()->init();
      test.body();
      pool->release();
    } catch (const std::exception& error) {
      fail(test.name, 0, std::string("threw: ") + error.what());
    }
    softmetal_clear_faults();
    expect_no_live_objects(test.name);
    std::printf("%-44s %s\n", test.name, failures == before ? "ok" : "FAILED");
  }
  std::printf("%d tests, %d failures\n", ran, failures);
  return failures == 0 && ran > 0 ? 0 : 1;
}

}  // namespace check

int main(int argc, char** argv) { return check::run(argc - 1, argv + 1); }
