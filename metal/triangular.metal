#include "triangular.h"
