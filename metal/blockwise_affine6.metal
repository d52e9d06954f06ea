#include "blockwise_kernels.h"

instantiate_format("affine6", AffineFormat<6>)
