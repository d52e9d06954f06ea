#include "blockwise_kernels.h"
#include "blockwise_pairs.h"

// clang-format off
instantiate_format("book4", BookFormat<4>)
instantiate(blockwise_matvec_pairs, "book4_f32", float)
instantiate(blockwise_matvec_pairs, "book4_f16", half)
instantiate(blockwise_matvec_pairs, "book4_bf16", bfloat)
