#include "blockwise_kernels.h"

instantiate_format("nvfp4", MicroscalingFormat<MiniScale>)
