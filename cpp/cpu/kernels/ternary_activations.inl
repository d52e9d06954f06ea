// What happens to activations before and after the product.

// out = x, or x * inverse_rms * weight; returns the largest |out|, compared as integers so that
// infinity beats every number and NaN beats infinity.
template <class T>
float normalize(const T* x, int64_t n, float inverse_rms, const float* weight, float* out) {
  const F32x16 factor = broadcast(inverse_rms);
  I32x16 largest = magnitude_bits(broadcast(0.0f));
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    F32x16 value = load(x + i);
    if (weight) value = mul(mul(value, factor), load(weight + i));
    largest = max(largest, magnitude_bits(value));
    store(out + i, value);
  }
  if (i < n) {
    F32x16 value = load_partial(x + i, n - i);
    if (weight) value = mul(mul(value, factor), load_partial(weight + i, n - i));
    largest = max(largest, magnitude_bits(value));
    store_partial(out + i, value, n - i);
  }
  return std::bit_cast<float>(max_lane(largest));
}

// No clamp: |x| * (127 / max|x|) stays below 127.5 with both roundings.
inline int32_t quantize_activations(const float* x, int64_t n, float factor, int8_t* q) {
  const F32x16 scale = broadcast(factor);
  I32x16 sum = round_to_int(broadcast(0.0f));
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const I32x16 rounded = round_to_int(mul(load(x + i), scale));
    sum = add(sum, rounded);
    store_bytes(q + i, rounded);
  }
  if (i < n) {
    const I32x16 rounded = round_to_int(mul(load_partial(x + i, n - i), scale));
    sum = add(sum, rounded);
    store_bytes(q + i, rounded);
  }
  return sum_lanes(sum);
}

template <class T>
void finish(const float* y, int64_t n, float factor, const float* bias, T* out) {
  const F32x16 scale = broadcast(factor);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    F32x16 value = mul(load(y + i), scale);
    if (bias) value = add(value, load(bias + i));
    store(out + i, value);
  }
  if (i < n) {
    F32x16 value = mul(load_partial(y + i, n - i), scale);
    if (bias) value = add(value, load_partial(bias + i, n - i));
    store_partial(out + i, value, n - i);
  }
}
