// How often each reason was given, as messages list it.
#pragma once

#include <map>
#include <string>

namespace kpp::scheduler {

// "1 Insufficient cpu, 2 Too many pods", sorted as text.
std::string histogram(const std::map<std::string, int>& counts);

}  // namespace kpp::scheduler
