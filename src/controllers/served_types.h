// The kinds that the API serves, for controllers that look at all of them.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "api/schema.h"

namespace kpp::controllers {

// Each resource once, whatever its versions, if it has all these verbs; events are left out.
std::vector<const api::TypeDesc*> served_types(std::initializer_list<std::string_view> verbs);

}  // namespace kpp::controllers
