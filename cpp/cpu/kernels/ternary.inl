// Ternary matrices.

#include "cpu/kernels/tiles.inl"

#include "cpu/kernels/ternary_activations.inl"
#include "cpu/kernels/ternary_codes.inl"
#include "cpu/kernels/ternary_float.inl"
#include "cpu/kernels/ternary_int8.inl"
#include "cpu/kernels/ternary_trits.inl"

// Lane l of 16 adds up the elements i with i % 16 == l; a chunk's lanes are added in a fixed tree,
// and the chunks one after another: the result depends neither on the set nor on threads.
constexpr int64_t kSumChunk = 16384;

template <class T, class Term>
double lane_sum(const T* p, int64_t n, Term term) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kSumChunk) {
    const int64_t end = n - begin < kSumChunk ? n : begin + kSumChunk;
    F64x16 sum = {};
    int64_t i = begin;
    for (; i + 16 <= end; i += 16) sum = add(sum, term(load(p + i)));
    if (i < end) sum = add(sum, term(load_partial(p + i, end - i)));
    total += add_lanes(sum);
  }
  return total;
}

template <class T>
double sum_of_magnitudes(const T* w, int64_t n) {
  return lane_sum(w, n, [](F32x16 x) { return to_double(abs(x)); });
}

template <class T>
double sum_of_squares(const T* x, int64_t n) {
  return lane_sum(x, n, [](F32x16 x) { return mul(to_double(x), to_double(x)); });
}

template <class T>
constexpr TernaryTypeKernels<T> kTernaryTypeKernels{
    .sum_of_magnitudes = sum_of_magnitudes<T>,
    .sum_of_squares = sum_of_squares<T>,
    .quantize = quantize<T>,
    .dequantize = dequantize<T>,
    .normalize = normalize<T>,
    .finish = finish<T>,
};

constexpr TernaryKernels kTernaryKernels{
    .f32 = kTernaryTypeKernels<float>,
    .f16 = kTernaryTypeKernels<float16>,
    .bf16 = kTernaryTypeKernels<bfloat16>,
    .pack = pack,
    .unpack = unpack,
    .pack_trits = pack_trits,
    .expand_trits = expand_trits,
    .quantize_activations = quantize_activations,
    .multiply_int8 = multiply_int8,
    .multiply_int8_scratch = Int8Product::scratch_bytes,
    .multiply_trits = multiply_trits,
    .multiply_float = multiply_float,
    .multiply_float_scratch = kFloatScratch,
};
