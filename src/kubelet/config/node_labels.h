// Labels that a person gives a node on the command line. Pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/status.h"

namespace kpp::kubelet {

// From words "key=value". Errors: kInvalid for a word without "=", and for labels that a node may
// not give itself.
Result<std::map<std::string, std::string>> parse_node_labels(const std::vector<std::string>& words);

}  // namespace kpp::kubelet
