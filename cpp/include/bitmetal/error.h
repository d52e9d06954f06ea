// Every error that the library raises, and how its sentence is put together.
//
// Wording: "operation: argument, what came, what was expected". The Python names are the same; the
// first four are Python's own exceptions.
#pragma once

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bitmetal {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct ValueError : Error {
  using Error::Error;
};
struct TypeError : Error {
  using Error::Error;
};
struct IndexError : Error {
  using Error::Error;
};
// A number that its type cannot hold.
struct OverflowError : Error {
  using Error::Error;
};
// No memory left, or the limit that the user set would be passed.
struct OutOfMemory : Error {
  using Error::Error;
};
// A device that is absent, was lost, or reported a fault.
struct DeviceError : Error {
  using Error::Error;
};
// A kernel's source was rejected; the text is the compiler's log.
struct CompileError : Error {
  using Error::Error;
};
// The device lacks what the operation needs (float64 on a GPU, say).
struct CapabilityError : Error {
  using Error::Error;
};
// A matrix that has not the factorization or the solution that was asked for.
struct LinAlgError : Error {
  LinAlgError(const std::string& message, std::vector<int64_t> which, int64_t at)
      : Error(message), matrix(std::move(which)), index(at) {}
  std::vector<int64_t> matrix;  // its place in the batch; empty where there is one matrix alone
  int64_t
      index;  // the order of the minor, or the place of the pivot, from 1; 0 where it is neither
};

// The parts printed one after another.
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return std::move(text).str();
}

template <class E, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw E(cat(parts...));
}

}  // namespace bitmetal
