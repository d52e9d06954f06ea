#include "blockwise_kernels.h"

instantiate_format("affine8", AffineFormat<8>)
