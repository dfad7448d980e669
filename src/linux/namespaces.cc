#include "linux/namespaces.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>

namespace kpp::sys {

Result<NamespaceSet> NamespaceSet::of_process(pid_t pid) {
  struct Kind {
    const char* name;
    int type;
  };
  // The mount namespace comes last: after it, the caller's /proc is out of reach.
  static constexpr Kind kKinds[] = {{"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC},
                                    {"uts", CLONE_NEWUTS},       {"net", CLONE_NEWNET},
                                    {"pid", CLONE_NEWPID},       {"mnt", CLONE_NEWNS}};
  NamespaceSet set;
  for (const Kind& kind : kKinds) {
    const std::string path = cat("/proc/", pid, "/ns/", kind.name);
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return fail(errno_status(cat("open ", path), errno));
    set.entries_.push_back({std::move(fd), kind.type});
  }
  return set;
}

Result<NamespaceSet> NamespaceSet::network_at(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail(errno_status(cat("open ", path), errno));
  NamespaceSet set;
  set.entries_.push_back({std::move(fd), CLONE_NEWNET});
  return set;
}

int NamespaceSet::join() const {
  for (const Entry& entry : entries_) {
    if (::setns(entry.fd.get(), entry.type) != 0) return errno;
  }
  return 0;
}

Status unshare_namespaces(int flags) {
  if (::unshare(flags) != 0) return errno_status("unshare", errno);
  return {};
}

}  // namespace kpp::sys
