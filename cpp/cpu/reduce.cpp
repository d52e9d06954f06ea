#include "cpu/reduce.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/lines.h"

namespace bitmetal::cpu {

DType type_of_elements(Reduction op, DType in) {
  switch (op) {
    case Reduction::all:
    case Reduction::any:
    case Reduction::count_nonzero: return DType::boolean;
    // The sum of many int64 may pass 2^63 where their mean is harmless.
    case Reduction::mean: return in == DType::i64 ? DType::f64 : in;
    case Reduction::var:
    case Reduction::std:
    case Reduction::norm1:
    case Reduction::norm2:
    case Reduction::norm_inf:
    case Reduction::logsumexp: return is_floating(in) ? in : DType::f64;
    default: return in;
  }
}

namespace {

constexpr int64_t kRowBlock = 128;  // results of short lines that are written together

// An operation makes a State of a run of at most kChunk elements, with of(); merges two, the second
// one's elements behind the first one's; and writes a line's result with finish().

struct Total {
  Total(Reduction reduction, DType type, int64_t n, const Array& output)
      : op(reduction),
        floating(is_floating(type)),
        of_type(type),
        count(static_cast<double>(n)),
        kernels(cpu::kernels().reduce.of(type)),
        out(output) {}
  using State = Sum;

  State of(const std::byte* run, int64_t n, int64_t) const {
    switch (op) {
      case Reduction::prod: return kernels.product(run, n);
      case Reduction::norm1: return {.real = moments().magnitudes(run, n)};
      case Reduction::norm2: return {.real = moments().squares(run, n)};
      default: return kernels.sum(run, n);
    }
  }
  State merge(State a, State b) const {
    const bool product = op == Reduction::prod;
    if (floating) return {.real = product ? a.real * b.real : a.real + b.real};
    const auto x = static_cast<uint64_t>(a.integer), y = static_cast<uint64_t>(b.integer);
    return {.integer = static_cast<int64_t>(product ? x * y : x + y)};
  }
  // Whole lines at once, as rows of n elements; false where there is no kernel for that.
  bool has_rows() const {
    return op == Reduction::sum || op == Reduction::mean || op == Reduction::prod;
  }
  void rows(const std::byte* first, int64_t stride, int64_t n, int64_t begin, int64_t end) const {
    const int64_t row_bytes = stride * static_cast<int64_t>(size_of(of_type));
    Sum sums[kRowBlock];
    for (int64_t line = begin; line < end; line += kRowBlock) {
      const int64_t lines = std::min(kRowBlock, end - line);
      const auto totals = op == Reduction::prod ? kernels.product_rows : kernels.sum_rows;
      totals(first + line * row_bytes, lines, stride, n, sums);
      if (op == Reduction::mean) {
        for (Sum& s : std::span(sums, lines)) {
          s.real = (floating ? s.real : static_cast<double>(s.integer)) / count;
        }
      }
      if (floating || op == Reduction::mean) {
        out.write(line, &sums[0].real, lines);
      } else {
        out.write(line, &sums[0].integer, lines);
      }
    }
  }
  void finish(int64_t line, State s, const Lines& lines) const {
    if (op == Reduction::mean) {
      out.write(line, (floating ? s.real : static_cast<double>(s.integer)) / count);
    } else if (op == Reduction::norm2) {
      out.write(line, of_type == DType::f64 && !(s.real > 1e-280 && s.real < 1e300)
                          ? scaled_norm(line, lines)
                          : std::sqrt(s.real));
    } else if (floating) {
      out.write(line, s.real);
    } else {
      out.write(line, s.integer);
    }
  }

 private:
  const MomentTypeKernels& moments() const { return cpu::kernels().moments.of(of_type); }

  // Squares of float64 may overflow or vanish: the line is read again, in units of its greatest
  // element.
  double scaled_norm(int64_t line, const Lines& lines) const {
    const auto each_run = [&](auto&& body) {
      for (int64_t i = 0; i < lines.length(); i += kChunk) {
        const int64_t n = std::min(kChunk, lines.length() - i);
        body(reinterpret_cast<const double*>(lines.run(line, i, n)), n);
      }
    };
    double greatest = 0, sum = 0;
    each_run([&](const double* x, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        const double magnitude = std::fabs(x[i]);
        greatest = magnitude > greatest || std::isnan(magnitude) ? magnitude : greatest;
      }
    });
    if (greatest == 0 || !std::isfinite(greatest)) return greatest;
    each_run([&](const double* x, int64_t n) {
      for (int64_t i = 0; i < n; ++i) sum += (x[i] / greatest) * (x[i] / greatest);
    });
    return greatest * std::sqrt(sum);
  }

  const Reduction op;
  const bool floating;
  const DType of_type;
  const double count;
  const ReduceTypeKernels& kernels;
  const ResultWriter out;
};

// The best element, or its index.
struct Best {
  Best(Reduction op, DType type, int64_t n, const Array& output)
      : least(op == Reduction::min || op == Reduction::argmin || op == Reduction::all),
        index(op == Reduction::argmax || op == Reduction::argmin),
        length(n),
        size(static_cast<int64_t>(size_of(type))),
        kernels(cpu::kernels().reduce.of(type)),
        out(output) {}
  struct State {
    alignas(8) std::byte value[8];
    int64_t at;
  };

  State of(const std::byte* run, int64_t n, int64_t) const {
    State s;
    kernels.best(run, n, least, s.value);
    s.at = index && n == length ? kernels.find(run, n, s.value) : 0;
    return s;
  }
  // Of a line's chunks; only the one that has the best element is searched for it.
  State merge_all(const State* states, int64_t chunks, int64_t line, const Lines& lines) const {
    std::vector<std::byte> values(chunks * size);
    for (int64_t i = 0; i < chunks; ++i) std::memcpy(&values[i * size], states[i].value, size);
    State s;
    kernels.best(values.data(), chunks, least, s.value);
    if (index) {
      const int64_t begin = kernels.find(values.data(), chunks, s.value) * lines.chunk_length();
      const int64_t n = std::min(lines.chunk_length(), length - begin);
      s.at = begin + kernels.find(lines.run(line, begin, n), n, s.value);
    }
    return s;
  }
  bool has_rows() const { return true; }
  void rows(const std::byte* first, int64_t stride, int64_t n, int64_t begin, int64_t end) const {
    const int64_t row_bytes = stride * size;
    if (!index) {
      kernels.best_rows(first + begin * row_bytes, end - begin, stride, n, least, out.at(begin),
                        nullptr);
      return;
    }
    int64_t places[kRowBlock];
    for (int64_t line = begin; line < end; line += kRowBlock) {
      const int64_t lines = std::min(kRowBlock, end - line);
      kernels.best_rows(first + line * row_bytes, lines, stride, n, least, nullptr, places);
      out.write(line, places, lines);
    }
  }
  void finish(int64_t line, const State& s, const Lines&) const {
    if (index) {
      out.write(line, s.at);
    } else {
      std::memcpy(out.at(line), s.value, size);
    }
  }

 private:
  const bool least, index;
  const int64_t length, size;
  const ReduceTypeKernels& kernels;
  const ResultWriter out;
};

struct GreatestMagnitude {
  GreatestMagnitude(DType type, const Array& output)
      : best(cpu::kernels().reduce.of(type).best),
        to_double(cpu::kernels().convert.of(type, DType::f64)),
        out(output) {}
  using State = double;

  State of(const std::byte* run, int64_t n, int64_t) const {
    alignas(8) std::byte value[8];
    double end[2];
    for (const bool least : {false, true}) {
      best(run, n, least, value);
      to_double(value, &end[least], 1);
    }
    return merge(std::fabs(end[0]), std::fabs(end[1]));
  }
  State merge(State a, State b) const { return b > a || std::isnan(b) ? b : a; }
  void finish(int64_t line, State s, const Lines&) const { out.write(line, s); }

 private:
  decltype(ReduceTypeKernels::best) const best;
  const ConvertRun to_double;
  const ResultWriter out;
};

struct Variance {
  Variance(Reduction op, DType type, int64_t n, double ddof, const Array& output)
      : root(op == Reduction::std),
        divisor(degrees_of_freedom(n, ddof)),
        moments(cpu::kernels().moments.of(type).moments),
        out(output) {}
  struct State {
    Moments moments;
    double count;
  };

  State of(const std::byte* run, int64_t n, int64_t) const {
    return {moments(run, n), static_cast<double>(n)};
  }
  State merge(const State& a, const State& b) const {
    return {join_moments(a.moments, a.count, b.moments, b.count), a.count + b.count};
  }
  void finish(int64_t line, const State& s, const Lines&) const {
    const double variance = s.moments.squares / divisor;
    out.write(line, root ? std::sqrt(variance) : variance);
  }

 private:
  const bool root;
  const double divisor;
  decltype(MomentTypeKernels::moments) const moments;
  const ResultWriter out;
};

struct LogSumExp {
  LogSumExp(DType type, const Array& output)
      : best(cpu::kernels().reduce.of(type).best),
        to_double(cpu::kernels().convert.of(type, DType::f64)),
        exponentials(cpu::kernels().softmax.of(type).exponentials),
        out(output) {}
  using State = ExponentialSum;

  State of(const std::byte* run, int64_t n, int64_t) const {
    alignas(8) std::byte value[8];
    State s;
    best(run, n, false, value);
    to_double(value, &s.top, 1);
    s.sum = std::isfinite(s.top) ? exponentials(run, n, s.top, nullptr) : 1;
    return s;
  }
  State merge(const State& a, const State& b) const { return join_sums(a, b); }
  void finish(int64_t line, const State& s, const Lines&) const { out.write(line, log_of(s)); }

 private:
  decltype(ReduceTypeKernels::best) const best;
  const ConvertRun to_double;
  decltype(SoftmaxTypeKernels::exponentials) const exponentials;
  const ResultWriter out;
};

template <class Op>
typename Op::State merge_pairwise(const Op& op, const typename Op::State* states, int64_t count) {
  if (count == 1) return states[0];
  const int64_t half = count / 2;
  return op.merge(merge_pairwise(op, states, half),
                  merge_pairwise(op, states + half, count - half));
}

// The chunks of a line and the order in which they are joined depend on its length and on whether
// lines lie side by side: no result depends on the number of threads.
template <class Op>
void reduce_lines(const Op& op, const Lines& lines) {
  const int64_t chunks = lines.chunks(), grain = grain_of(lines.task_bytes());
  if constexpr (requires { op.has_rows(); }) {
    if (const std::byte* first = lines.rows(); first && op.has_rows()) {
      return parallel_for(lines.count(), grain, [&](int64_t begin, int64_t end) {
        op.rows(first, lines.row_stride(), lines.length(), begin, end);
      });
    }
  }
  if (chunks == 1) {
    return parallel_for(lines.tasks(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        lines.each(task, [&](int64_t line, int64_t, const std::byte* run, int64_t n) {
          op.finish(line, op.of(run, n, 0), lines);
        });
      }
    });
  }
  const auto partial = std::make_unique_for_overwrite<typename Op::State[]>(lines.count() * chunks);
  parallel_for(lines.tasks(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      lines.each(task, [&](int64_t line, int64_t from, const std::byte* run, int64_t n) {
        partial[line * chunks + from / lines.chunk_length()] = op.of(run, n, from);
      });
    }
  });
  for (int64_t line = 0; line < lines.count(); ++line) {
    const typename Op::State* parts = &partial[line * chunks];
    if constexpr (requires { op.merge_all(parts, chunks, line, lines); }) {
      op.finish(line, op.merge_all(parts, chunks, line, lines), lines);
    } else {
      op.finish(line, merge_pairwise(op, parts, chunks), lines);
    }
  }
}

}  // namespace

void CpuBackend::reduce(Reduction op, const Array& in, double ddof, const Array& out) {
  const DType type = type_of_elements(op, in.dtype());
  const Lines lines(in, type);
  if (lines.side_by_side() && has_columns(op, in.dtype())) {
    return reduce_columns(op, in, lines.across(), ddof, out);
  }
  switch (op) {
    case Reduction::max:
    case Reduction::min:
    case Reduction::argmax:
    case Reduction::argmin:
    case Reduction::all:
    case Reduction::any: return reduce_lines(Best(op, type, lines.length(), out), lines);
    case Reduction::norm_inf: return reduce_lines(GreatestMagnitude(type, out), lines);
    case Reduction::var:
    case Reduction::std: return reduce_lines(Variance(op, type, lines.length(), ddof, out), lines);
    case Reduction::logsumexp: return reduce_lines(LogSumExp(type, out), lines);
    default: return reduce_lines(Total(op, type, lines.length(), out), lines);
  }
}

}  // namespace bitmetal::cpu
