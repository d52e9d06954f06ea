#include "qr_apply.h"
#include "qr_panel.h"

// clang-format off
template [[host_name("qr_panel_0")]] [[kernel]] decltype(qr_panel<0>) qr_panel<0>;
template [[host_name("qr_panel_1")]] [[kernel]] decltype(qr_panel<1>) qr_panel<1>;
template [[host_name("qr_panel_2")]] [[kernel]] decltype(qr_panel<2>) qr_panel<2>;
