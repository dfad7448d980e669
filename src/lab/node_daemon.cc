#include "lab/node_daemon.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/fs.h"
#include "lab/state_file.h"
#include "linux/fd.h"

namespace kpp::lab {
namespace {

bool listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  const sys::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

bool same_process(const std::string& pid_file) {
  const auto state = StateFile::load(pid_file);
  if (!state || state->get("pid").empty()) return false;
  const auto started = sys::process_start_time(std::atoi(state->get("pid").c_str()));
  return started && cat(*started) == state->get("start");
}

std::string end_of_log(const std::string& path) {
  std::string log = fs::read_file(path).value_or("");
  while (!log.empty() && log.back() == '\n') log.pop_back();
  const std::size_t line = log.rfind('\n');
  return line == std::string::npos ? log : log.substr(line + 1);
}

Status spawn(const Node* node, const NodeDaemon& daemon, const std::string& pid_file,
             const std::string& log) {
  sys::DaemonSpec here;
  here.argv = daemon.argv;
  here.log_file = log;
  const auto pid =
      node != nullptr ? start_in_node(*node, daemon.argv, log) : sys::start_daemon(here);
  if (!pid) return pid.error();
  StateFile state;
  state.add("pid", cat(*pid));
  state.add("start", cat(sys::process_start_time(*pid).value_or(0)));
  return state.save(pid_file);
}

}  // namespace

// The node's /run is seen through its init.
bool daemon_listens(const Node* node, const std::string& socket) {
  return listens(node == nullptr ? socket : cat("/proc/", node->init, "/root", socket));
}

Status ensure_daemon(const Node* node, const NodeDaemon& daemon,
                     std::chrono::milliseconds deadline) {
  const std::string pid_file = cat(daemon.directory, "/", daemon.name, ".pid");
  const std::string log = cat(daemon.directory, "/", daemon.name, ".log");
  if (daemon_listens(node, daemon.socket)) return {};
  if (!same_process(pid_file)) KPP_RETURN_IF_ERROR(spawn(node, daemon, pid_file, log));
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!daemon_listens(node, daemon.socket)) {
    if (!same_process(pid_file)) {
      return {Reason::kIo,
              cat(daemon.name, " ended; its log (", log, ") ends with: ", end_of_log(log))};
    }
    if (std::chrono::steady_clock::now() >= end) {
      return {Reason::kTimeout, cat(daemon.name, " does not listen; its log (", log,
                                    ") ends with: ", end_of_log(log))};
    }
    ::poll(nullptr, 0, 5);
  }
  return {};
}

}  // namespace kpp::lab
