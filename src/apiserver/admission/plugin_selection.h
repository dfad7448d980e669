// Which admission plugins run: the defaults, with what flags add and take away.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apiserver/admission/plugins.h"
#include "base/status.h"

namespace kpp::apiserver {

// The plugins in their order. kInvalid for a name that is unknown, is on both lists, or is one that
// this server does not have.
Result<std::vector<Plugin>> select_plugins(std::span<const std::string> enable,
                                           std::span<const std::string> disable);

// Those that run when no flag says otherwise.
std::vector<Plugin> default_plugins();

}  // namespace kpp::apiserver
