// What kubeadm tells a person, line by line.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace kpp::kubeadm {

// Takes one line without its end.
using Printer = std::function<void(std::string_view line)>;

}  // namespace kpp::kubeadm
