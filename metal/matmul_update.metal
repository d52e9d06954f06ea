#include "matmul_update.h"
