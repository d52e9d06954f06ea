#include "blockwise_kernels.h"

instantiate_format("affine3", AffineFormat<3>)
