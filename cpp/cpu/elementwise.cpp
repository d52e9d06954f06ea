#include <algorithm>

#include "core/elementwise_walk.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/elementwise_plan.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/scratch.h"
#include "cpu/stream.h"

namespace bitmetal::cpu {
namespace {

constexpr int64_t kUnit = 1024;    // elements: where threads share the work, so that none starts
                                   // inside a cache line that another writes
constexpr int64_t kLongRow = 256;  // a row of this many is worth blocks of its own
constexpr int64_t kLongBroadcastRow = 64;  // and where an operand is one element all along it
constexpr int64_t kLine = 64;              // bytes

// Runs an expression over a walk, in blocks whose intermediate values stay in L1. A block lies
// within one row of the walk and reads that in place, or gathers several short rows.
class Evaluation {
 public:
  Evaluation(const Expression& expression, std::span<const Array> inputs, const Array& out)
      : walk_(inputs, out),
        out_(out),
        inputs_(inputs),
        item_(size_of(out.dtype())),
        plan_(plan(expression)) {}

  void run() const {
    int64_t bytes = item_ + plan_.extra_cost();
    for (const Array& input : inputs_) bytes += static_cast<int64_t>(size_of(input.dtype()));
    const int64_t units = (total_ + kUnit - 1) / kUnit;
    parallel_for(units, grain_of(bytes * kUnit), [&](int64_t begin, int64_t end) {
      range(begin * kUnit, std::min(total_, end * kUnit));
      if (streams_) stream_fence();
    });
  }

 private:
  // Where a walk stands: the row's index in each dimension but the last, and in each array.
  struct Cursor {
    int64_t at[kMaxRank];
    int64_t offset[kMaxExpressionInputs + 1];
    int64_t column;
  };

  ElementwisePlan plan(const Expression& expression) {
    const int last = walk_.rank - 1;
    row_ = walk_.rank ? walk_.size[last] : 1;
    total_ = 1;
    for (int i = 0; i < walk_.rank; ++i) total_ *= walk_.size[i];
    bool broadcasts = false;
    for (int k = 1; k < arrays(); ++k) broadcasts |= inner(k) == 0;
    by_rows_ = walk_.rank <= 1 || row_ >= (broadcasts ? kLongBroadcastRow : kLongRow);
    streams_ = out_.bytes() >= kStreamBytes && direct(0);
    for (const Array& input : inputs_) streams_ &= input.data() != out_.data();
    uint32_t gathered = 0, scalars = 0;
    for (int k = 1; k < arrays(); ++k) {
      if (!direct(k)) gathered |= 1u << (k - 1);
      if (by_rows_ && inner(k) == 0) scalars |= 1u << (k - 1);
    }
    return ElementwisePlan(expression, gathered, scalars, direct(0) && !streams_);
  }

  int arrays() const { return static_cast<int>(inputs_.size()) + 1; }
  int64_t inner(int k) const { return walk_.rank ? walk_.stride[k][walk_.rank - 1] : 1; }

  // Whether the elements of array k that a block touches follow one another.
  bool direct(int k) const {
    if (by_rows_) return inner(k) == 1;
    int64_t expected = 1;
    for (int i = walk_.rank - 1; i >= 0; --i) {
      if (walk_.stride[k][i] != expected) return false;
      expected *= walk_.size[i];
    }
    return true;
  }

  Cursor seek(int64_t index) const {
    Cursor c;
    std::copy_n(walk_.offset, arrays(), c.offset);
    c.column = index % row_;
    index /= row_;
    for (int i = walk_.rank - 2; i >= 0; --i) {
      c.at[i] = index % walk_.size[i];
      index /= walk_.size[i];
      for (int k = 0; k < arrays(); ++k) c.offset[k] += c.at[i] * walk_.stride[k][i];
    }
    return c;
  }
  void next_row(Cursor& c) const {
    c.column = 0;
    for (int i = walk_.rank - 2; i >= 0; --i) {
      for (int k = 0; k < arrays(); ++k) c.offset[k] += walk_.stride[k][i];
      if (++c.at[i] < walk_.size[i]) return;
      for (int k = 0; k < arrays(); ++k) c.offset[k] -= walk_.size[i] * walk_.stride[k][i];
      c.at[i] = 0;
    }
  }

  // f(array, its first element, elements before this piece, elements) for each piece of a row in a
  // block of n.
  template <class F>
  void pieces(Cursor c, int64_t n, F&& f) const {
    for (int64_t done = 0; done < n; next_row(c)) {
      const int64_t count = std::min(row_ - c.column, n - done);
      f(c, done, count);
      done += count;
    }
  }

  const std::byte* element(const Cursor& c, int k) const {
    const Array& array = k ? inputs_[k - 1] : out_;
    return array.data() +
           (c.offset[k] + c.column * inner(k)) * static_cast<int64_t>(size_of(array.dtype()));
  }

  void range(int64_t begin, int64_t end) const {
    const int64_t block = plan_.block(end - begin);
    std::byte* memory = plan_.slots() ? scratch(Scratch::own, plan_.bytes(block)) : nullptr;
    ElementwisePlan::Values values;
    plan_.start(memory, block, values);
    Cursor c = seek(begin);
    for (int64_t i = begin, n; i < end; i += n) {
      n = std::min(block, end - i);
      if (by_rows_) n = std::min(n, row_ - c.column);
      for (int k = 1; k < arrays(); ++k) load(c, k, n, values);
      std::byte* target = const_cast<std::byte*>(element(c, 0));
      const std::byte* result = plan_.run(values, target, n);
      if (streams_) {
        stream_block(c, target, result, n);
      } else if (result != target) {
        pieces(c, n, [&](const Cursor& at, int64_t done, int64_t count) {
          kernels().move.of(item_)(
              {result + done * item_, 1, const_cast<std::byte*>(element(at, 0)), inner(0), count});
        });
      }
      advance(c, n);
    }
  }

  void load(const Cursor& c, int k, int64_t n, ElementwisePlan::Values& values) const {
    std::byte* buffer = plan_.buffer_of(k - 1, values);
    if (!buffer) {
      plan_.set_input(k - 1, element(c, k), values);
      return;
    }
    const int64_t size = static_cast<int64_t>(size_of(inputs_[k - 1].dtype()));
    pieces(c, n, [&](const Cursor& at, int64_t done, int64_t count) {
      kernels().move.of(size)({element(at, k), inner(k), buffer + done * size, 1, count});
    });
  }

  // While a block's results are on their way to memory, what the next block reads comes from there.
  // Of one input: the processor's own prefetching keeps up with two as well.
  void stream_block(const Cursor& c, std::byte* target, const std::byte* result, int64_t n) const {
    constexpr int64_t kPiece = 1024;  // bytes of results between reads
    const int64_t bytes = n * item_;
    if (inputs_.size() > 1 || !direct(1)) {
      return stream(target, result, static_cast<size_t>(bytes));
    }
    const int64_t size = static_cast<int64_t>(size_of(inputs_[0].dtype()));
    const std::byte* next = element(c, 1) + n * size;
    int64_t count = kPiece - static_cast<int64_t>(reinterpret_cast<uintptr_t>(target) % kLine);
    for (int64_t done = 0; done < bytes; done += count, count = kPiece) {
      count = std::min(count, bytes - done);
      stream(target + done, result + done, static_cast<size_t>(count));
      for (int64_t i = 0; i < count * size / item_; i += kLine) {
        __builtin_prefetch(next + done * size / item_ + i, 0, 2);  // into L2: L1 holds this block
      }
    }
  }

  void advance(Cursor& c, int64_t n) const {
    while (n > 0) {
      const int64_t count = std::min(row_ - c.column, n);
      n -= count;
      c.column += count;
      if (c.column == row_) next_row(c);
    }
  }

  const ElementwiseWalk walk_;
  const Array& out_;
  const std::span<const Array> inputs_;
  const int64_t item_;
  int64_t row_, total_;
  bool by_rows_, streams_;
  const ElementwisePlan plan_;
};

}  // namespace

void CpuBackend::elementwise(const Expression& expression, std::span<const Array> inputs,
                             const Array& out) {
  Evaluation(expression, inputs, out).run();
}

}  // namespace bitmetal::cpu
