// Eight neighbours are joined in three steps, then with what came before: the same bits on every
// instruction set, whatever the length of its registers.
#pragma once

#include "cpu/kernels/columns.inl"

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

static_assert(kScanColumns <= kWidenBlock);
// Down at most kScanColumns columns, a few rows between a load and a store of the totals.
template <class Join, class T>
void scan_down(const T* in, int64_t rows, int64_t stride, int64_t width, Sum* totals,
               void* out_bytes, int64_t out_stride) {
  using Total = std::conditional_t<kFloating<T>, double, uint64_t>;
  using Out = std::conditional_t<kFloating<T>, T, int64_t>;
  Out* out = static_cast<Out*>(out_bytes);
  Total total[kWidenBlock];
  for (int64_t c = width; c < filled_up(width); ++c) total[c] = 0;
  std::memcpy(total, totals, static_cast<size_t>(width) * sizeof(Total));
  const auto scan = [&](int64_t first, auto count) BITMETAL_INLINE {
    for (int i = 0; i < count; ++i) fetch_row(in + (first + i + kRowsAhead) * stride, width);
    if constexpr (kFloating<T>) {
      each_vector<T>(width, [&](int64_t c, int64_t left) BITMETAL_INLINE {
        constexpr int kDoubleParts = kLength<ComputeVector<T>> / kDoubles;
        Doubles part[kDoubleParts];
        unroll<kDoubleParts>(
            [&](auto p) BITMETAL_INLINE { part[p] = load<Doubles>(total + c + p * kDoubles); });
        unroll<count>([&](auto i) BITMETAL_INLINE {
          const int64_t r = first + i;
          const ComputeVector<T> x = columns_of(in, rows, stride, width, r, c, left);
          ComputeVector<T> result;
          if constexpr (kDoubleParts == 1) {
            Join::join(part[0], x);
            result = part[0];
          } else {
            Join::join(part[0], lower_half(x));
            Join::join(part[1], upper_half(x));
            result = join(part[0], part[1]);
          }
          Out* to = out + r * out_stride + c;
          if (left == kLength<ComputeVector<T>>) {
            narrow(result, to);
          } else {
            narrow_part<T>(result, to, left);
          }
        });
        unroll<kDoubleParts>([&](auto p)
                                 BITMETAL_INLINE { store(part[p], total + c + p * kDoubles); });
      });
    } else {
      for (int i = 0; i < count; ++i) {
        const T* row = in + (first + i) * stride;
        Out* to = out + (first + i) * out_stride;
        for (int64_t c = 0; c < width; ++c) {
          Join::join(total[c], static_cast<Total>(row[c]));
          to[c] = static_cast<Out>(total[c]);
        }
      }
    }
  };
  int64_t r = 0;
  for (; r + kRowsTogether <= rows; r += kRowsTogether)
    scan(r, std::integral_constant<int, kRowsTogether>{});
  for (; r < rows; ++r) scan(r, std::integral_constant<int, 1>{});
  std::memcpy(totals, total, static_cast<size_t>(width) * sizeof(Total));
}

template <class T>
void scan_rows(bool product, const void* in, int64_t rows, int64_t stride, int64_t width,
               Sum* totals, void* out, int64_t out_stride) {
  const T* p = static_cast<const T*>(in);
  product ? scan_down<MultiplyTerms>(p, rows, stride, width, totals, out, out_stride)
          : scan_down<AddTerms>(p, rows, stride, width, totals, out, out_stride);
}

// A bool is 0 or 1 and counts as the byte that it is.
template <class... T>
constexpr ScanKernels scan_kernels() {
  return {{{scan_run<T>, scan_rows<T>}...}};
}

constexpr ScanKernels kScanKernels =
    scan_kernels<float, float16, bfloat16, double, int8_t, uint8_t, int32_t, int64_t, uint8_t>();
