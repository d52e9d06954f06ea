#include "blockwise_kernels.h"

instantiate_format("affine2", AffineFormat<2>)
