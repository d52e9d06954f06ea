// NSProcessInfo, NSBundle: what a program asks about itself. NSDate and NSCondition: waiting.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "runtime/class.h"

namespace softmetal {

class ProcessInfo : public Object {
 public:
  static Type type;
};

// A folder. The main bundle is the one that holds the program.
class Bundle : public Object {
 public:
  static Type type;

  std::string path;
};

class Date : public Object {
 public:
  static Type type;

  std::chrono::system_clock::time_point time = std::chrono::system_clock::now();
};

class Condition : public Object {
 public:
  static Type type;

  std::mutex mutex;
  std::condition_variable changed;
};

}  // namespace softmetal
