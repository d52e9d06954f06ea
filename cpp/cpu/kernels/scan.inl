// Eight neighbours are joined in three steps, then with what came before: the same bits on every
// instruction set, whatever the length of its registers.
#pragma once

#include "cpu/kernels/reduce.inl"

struct AddTerms {
  static constexpr int kStart = 0;
  template <class V>
  BITMETAL_INLINE static void join(V& total, const V& x) {
    total += x;
  }
};
struct MultiplyTerms {
  static constexpr int kStart = 1;
  template <class V>
  BITMETAL_INLINE static void join(V& total, const V& x) {
    total *= x;
  }
};

constexpr int kScanWidth = 8;
typedef double ScanVector __attribute__((vector_size(kScanWidth * sizeof(double))));

// Element i of `x` in place i + kBy; `start` in the places that this leaves.
template <int kBy, int... i>
BITMETAL_INLINE inline void shift_up(const ScanVector& x, const ScanVector& start,
                                     std::integer_sequence<int, i...>, ScanVector& shifted) {
  shifted = __builtin_shufflevector(x, start, (i < kBy ? kScanWidth : i - kBy)...);
}

template <class Join, class C>
double scan_floats(const C* in, int64_t n, double start_value, C* out) {
  typedef C Elements __attribute__((vector_size(kScanWidth * sizeof(C))));
  constexpr auto kEach = std::make_integer_sequence<int, kScanWidth>{};
  const ScanVector neutral = ScanVector{} + Join::kStart;
  double last = start_value;
  int64_t i = 0;
  for (; i + kScanWidth <= n; i += kScanWidth) {
    Elements elements;
    std::memcpy(&elements, in + i, sizeof(elements));
    ScanVector x = __builtin_convertvector(elements, ScanVector), shifted;
    shift_up<1>(x, neutral, kEach, shifted);
    Join::join(x, shifted);
    shift_up<2>(x, neutral, kEach, shifted);
    Join::join(x, shifted);
    shift_up<4>(x, neutral, kEach, shifted);
    Join::join(x, shifted);
    shifted = ScanVector{} + last;
    Join::join(x, shifted);
    last = x[kScanWidth - 1];
    elements = __builtin_convertvector(x, Elements);
    std::memcpy(out + i, &elements, sizeof(elements));
  }
  for (; i < n; ++i) {
    Join::join(last, static_cast<double>(in[i]));
    out[i] = static_cast<C>(last);
  }
  return last;
}

template <class Join, class T>
Sum scan_elements(const T* in, int64_t n, Sum start, void* out_bytes) {
  if constexpr (kHalf<T>) {
    T* out = static_cast<T*>(out_bytes);
    double last = start.real;
    for (int64_t i = 0; i < n; i += kWidenBlock) {
      const int64_t count = n - i < kWidenBlock ? n - i : kWidenBlock;
      float buffer[kWidenBlock];
      last = scan_floats<Join>(widened(in + i, count, buffer), count, last, buffer);
      convert_run<float, T>(buffer, out + i, count);
    }
    return {.real = last};
  } else if constexpr (kFloating<T>) {
    return {.real = scan_floats<Join>(in, n, start.real, static_cast<T*>(out_bytes))};
  } else {
    int64_t* out = static_cast<int64_t*>(out_bytes);
    uint64_t last = static_cast<uint64_t>(start.integer);
    for (int64_t i = 0; i < n; ++i) {
      Join::join(last, static_cast<uint64_t>(in[i]));
      out[i] = static_cast<int64_t>(last);
    }
    return {.integer = static_cast<int64_t>(last)};
  }
}

template <class T>
Sum scan_run(bool product, const void* in, int64_t n, Sum start, void* out) {
  const T* p = static_cast<const T*>(in);
  return product ? scan_elements<MultiplyTerms>(p, n, start, out)
                 : scan_elements<AddTerms>(p, n, start, out);
}

template <class Join, class T>
void scan_one_row(const T* in, int64_t n, Sum* totals, void* out_bytes) {
  using Total = std::conditional_t<kFloating<T>, double, uint64_t>;
  using Out = std::conditional_t<kFloating<T>, T, int64_t>;
  using C = std::conditional_t<kFloating<T>, Widened<T>, int64_t>;
  Out* out = static_cast<Out*>(out_bytes);
  for (int64_t at = 0; at < n; at += kWidenBlock) {
    const int64_t width = n - at < kWidenBlock ? n - at : kWidenBlock;
    Widened<T> buffer[kWidenBlock];
    const Widened<T>* row = widened(in + at, width, buffer);
    Total total[kWidenBlock];
    C results[kWidenBlock];
    std::memcpy(total, totals + at, static_cast<size_t>(width) * sizeof(Total));
    for (int64_t c = 0; c < width; ++c) {
      Join::join(total[c], static_cast<Total>(row[c]));
      results[c] = static_cast<C>(total[c]);
    }
    std::memcpy(totals + at, total, static_cast<size_t>(width) * sizeof(Total));
    convert_run<C, Out>(results, out + at, width);
  }
}

template <class T>
void scan_row(bool product, const void* in, int64_t n, Sum* totals, void* out) {
  const T* p = static_cast<const T*>(in);
  product ? scan_one_row<MultiplyTerms>(p, n, totals, out)
          : scan_one_row<AddTerms>(p, n, totals, out);
}

// A bool is 0 or 1 and counts as the byte that it is.
template <class... T>
constexpr ScanKernels scan_kernels() {
  return {{{scan_run<T>, scan_row<T>}...}};
}

constexpr ScanKernels kScanKernels =
    scan_kernels<float, float16, bfloat16, double, int8_t, uint8_t, int32_t, int64_t, uint8_t>();
