// Where launches leave their reports for take_check_reports().
#pragma once

#include <vector>

#include "options.h"

namespace softmetal {

void keep_check_reports(const std::vector<CheckReport>& reports);

}  // namespace softmetal
