#include "lu.h"

#include "lu_panel.h"

// clang-format off
template [[host_name("lu_panel_0")]] [[kernel]] decltype(lu_panel<0>) lu_panel<0>;
template [[host_name("lu_panel_1")]] [[kernel]] decltype(lu_panel<1>) lu_panel<1>;
template [[host_name("lu_panel_2")]] [[kernel]] decltype(lu_panel<2>) lu_panel<2>;
