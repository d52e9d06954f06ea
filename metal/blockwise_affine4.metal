#include "blockwise_kernels.h"

instantiate_format("affine4", AffineFormat<4>)
