// A machine whose root lacks a capability, as in a container, cannot run what Docker asks of runc
// for a privileged container: all that the kernel knows. Its own runc leaves these out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kpp::lab {

// "CAP_SYS_RESOURCE", ...: those up to the kernel's last that the bounding set of a process lacks,
// by the text of its /proc/PID/status. Empty if the text says nothing of it.
std::vector<std::string> missing_capabilities(std::string_view status, int last);
// Of this process.
std::vector<std::string> missing_capabilities();

// A script that stands for runc, and takes capabilities out of what it is asked to run.
std::string runc_without(const std::vector<std::string>& capabilities, const std::string& runc);

}  // namespace kpp::lab
