// Namespaces of the kernel: leave the caller's, join those of another process.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/status.h"
#include "linux/fd.h"

namespace kpp::sys {

// The namespaces of a running process, held open: they stay usable when that process ends (a PID
// namespace whose init has ended accepts no new process).
class NamespaceSet {
 public:
  // Mount, UTS, IPC, network, PID and cgroup namespace of a process. kNotFound if there is no such
  // process.
  static Result<NamespaceSet> of_process(pid_t pid);
  // The network namespace alone, of a process or at a path (/run/netns/NAME, /proc/PID/ns/net).
  static Result<NamespaceSet> network_at(const std::string& path);

  // Joins them all; the PID namespace takes effect for children. Answers 0 or the errno.
  // Async-signal-safe, for use between fork and exec. Joining a mount namespace moves root and
  // working directory.
  int join() const;

 private:
  struct Entry {
    Fd fd;
    int type;
  };
  std::vector<Entry> entries_;
};

// unshare(2). flags are CLONE_NEW*. CLONE_NEWPID takes effect for the next child.
Status unshare_namespaces(int flags);

}  // namespace kpp::sys
