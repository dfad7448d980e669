// Daemons of a node that listen on a unix socket: started once, waited for, found again.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/status.h"
#include "lab/lab.h"

namespace kpp::lab {

struct NodeDaemon {
  std::string name;  // of its pid file and its log, and in errors
  std::vector<std::string> argv;
  std::string socket;     // as the node sees it; no link may be part of it
  std::string directory;  // of pid file and log; the same path on the machine and in the node
};

// Whether somebody listens on a socket of the node; of the caller's own file system without a node.
bool daemon_listens(const Node* node, const std::string& socket);

// Starts the daemon, in the node or, without one, beside the caller, unless one that an earlier
// call started still runs there, and waits until it listens. It outlives the caller. Errors: kIo
// for one that ended and kTimeout, both with the end of its log.
Status ensure_daemon(const Node* node, const NodeDaemon& daemon,
                     std::chrono::milliseconds deadline);

}  // namespace kpp::lab
