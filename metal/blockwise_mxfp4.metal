#include "blockwise_kernels.h"

instantiate_format("mxfp4", MicroscalingFormat<PowerScale>)
