// The kernel's settings of connection tracking, as the configuration wants them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/log.h"
#include "linux/commands.h"
#include "proxy/options.h"

namespace kpp::proxy {

// The settings by their names below net/netfilter, without the number of connections.
std::vector<std::pair<std::string, long>> conntrack_timeouts(const ConntrackOptions& options);
// How many connections a machine of so many cores tracks; 0: as many as it does.
long conntrack_max(const ConntrackOptions& options, long cores);

// Writes those that differ, and logs each. What may not be written (a kernel that is shared) is a
// warning.
async::Task<void> set_conntrack_sysctls(sys::Commands& commands, ConntrackOptions options,
                                        Logger log);

}  // namespace kpp::proxy
