// One line for each method: "- MTLBuffer length Q@:".
#include <softmetal/softmetal.h>

#include <cstdio>

int main() {
  softmetal_visit_methods(
      [](void*, char kind, const char* class_name, const char* selector, const char* signature) {
        std::printf("%c %s %s %s\n", kind, class_name, selector, signature);
      },
      nullptr);
}
