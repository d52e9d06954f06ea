#include "blockwise_kernels.h"

instantiate_format("book8", BookFormat<8>)
