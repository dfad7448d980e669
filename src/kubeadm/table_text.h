// Columns for a person.
#pragma once

#include <string>
#include <vector>

namespace kpp::kubeadm {

// Every column as wide as its widest cell and three more, the last as it is.
std::string table_text(const std::vector<std::vector<std::string>>& rows);

}  // namespace kpp::kubeadm
