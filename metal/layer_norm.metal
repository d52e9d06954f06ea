#include "layer_norm.h"

// clang-format off
template [[host_name("layer_norm_f32")]] [[kernel]] decltype(layer_norm<float>) layer_norm<float>;
template [[host_name("layer_norm_f16")]] [[kernel]] decltype(layer_norm<half>) layer_norm<half>;
template [[host_name("layer_norm_bf16")]] [[kernel]]
decltype(layer_norm<bfloat>) layer_norm<bfloat>;
