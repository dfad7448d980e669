#include "dockershim/orphans.h"

#include <algorithm>
#include <charconv>
#include <csignal>

#include "async/wait.h"
#include "base/cat.h"
#include "base/fs.h"

namespace kpp::dockershim {
namespace {

// Whether one of a process's control groups is the container's: ".../ID" where the engine makes
// them itself, ".../docker-ID.scope" where systemd does.
bool is_in_group_of(const std::string& container_id, std::string_view groups) {
  const std::string by_engine = cat("/", container_id);
  const std::string by_systemd = cat("/docker-", container_id, ".scope");
  while (!groups.empty()) {
    const std::size_t end = std::min(groups.find('\n'), groups.size());
    const std::string_view line = groups.substr(0, end);
    if (line.ends_with(by_engine) || line.ends_with(by_systemd)) return true;
    groups.remove_prefix(std::min(end + 1, groups.size()));
  }
  return false;
}

// Whether a process is the one that containerd keeps beside each of Docker's containers, for this
// container. Containerd clears up after one that is killed.
bool is_keeper_of(const std::string& container_id, std::string_view command_line) {
  using namespace std::string_view_literals;
  const std::size_t name_end = std::min(command_line.find('\0'), command_line.size());
  return command_line.substr(0, name_end).contains("/containerd-shim") &&
         command_line.contains(cat("\0-namespace\0moby\0-id\0"sv, container_id, "\0"sv));
}

// One that makes others while it is looked at is caught the next time. Answers how many there were.
std::size_t kill_processes_of(const std::string& container_id) {
  std::size_t killed = 0;
  for (int times = 0; times < 10; ++times) {
    const std::vector<int> found = processes_of(container_id);
    if (found.empty()) break;
    for (const int pid : found) ::kill(pid, SIGKILL);
    killed += found.size();
  }
  return killed;
}

}  // namespace

std::vector<int> processes_of(const std::string& container_id, const std::string& proc) {
  std::vector<int> out;
  if (container_id.empty()) return out;
  for (const std::string& name : fs::list(proc).value_or(std::vector<std::string>())) {
    int pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size() || pid <= 1) continue;
    // One that has ended meanwhile has neither.
    const auto groups = fs::read_file(cat(proc, "/", name, "/cgroup"), 64u << 10);
    const auto command_line = fs::read_file(cat(proc, "/", name, "/cmdline"), 64u << 10);
    if ((groups && is_in_group_of(container_id, *groups)) ||
        (command_line && is_keeper_of(container_id, *command_line)))
      out.push_back(pid);
  }
  return out;
}

async::Task<Status> remove_from_engine(const ShimDeps& deps, std::string id, bool started,
                                       async::StopToken stop) {
  if (!started) {
    const std::size_t killed =
        co_await async::offload(deps.executor, deps.pool, [id] { return kill_processes_of(id); });
    if (killed != 0)
      deps.log.info("Ended processes that Docker had forgotten",
                    {kv("containerID", id), kv("processes", killed)});
  }
  Status removed =
      co_await deps.engine.remove(cat("/containers/", id), "force=true&v=true", std::move(stop));
  co_return removed;
}

}  // namespace kpp::dockershim
