#include "blockwise_kernels.h"

instantiate_format("book4", BookFormat<4>)
