#include "cholesky.h"

// clang-format off
template [[host_name("cholesky_32")]] [[kernel]] decltype(cholesky<32, 64>) cholesky<32, 64>;
template [[host_name("cholesky_64")]] [[kernel]] decltype(cholesky<64, 256>) cholesky<64, 256>;
