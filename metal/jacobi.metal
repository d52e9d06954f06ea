#include "jacobi.h"
#include "jacobi_values.h"
