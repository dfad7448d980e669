// The logs of containers, copied from Docker to where the kubelet reads them.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "async/scope.h"
#include "async/wait.h"
#include "dockershim/types.h"

namespace kpp::dockershim {

// Follows what containers write, whatever log driver the engine has, and keeps it as the kubelet
// reads it.
//
// Guarantees: each entry of Docker's log is in the file once and in order, also after restarts of
//   this process and of the engine: the file's last entry says where to go on.
// Runs on: the executor; files are written on the pool.
// Stop: stop() returns when nothing runs; what is not copied yet is copied after the next start.
class Logs {
 public:
  explicit Logs(const ShimDeps& deps) : deps_(deps), scope_(deps.executor) {}

  // Begins to follow; no effect if it does already. The file is there when this comes back.
  async::Task<Status> follow(std::string id, std::string path, bool terminal);
  // Waits, some seconds at most, until all that a container which has ended wrote is in its file.
  async::Task<void> settle(std::string id, async::StopToken stop);
  // The file was moved away: makes another.
  async::Task<Status> reopen(std::string path);
  // The container is removed.
  void forget(const std::string& id);
  async::Task<void> stop();

 private:
  struct Follower;
  async::Task<void> run(std::shared_ptr<Follower> follower);
  async::Task<Status> copy(std::shared_ptr<Follower> follower, async::StopToken stop);
  async::Task<Status> append(std::shared_ptr<Follower> follower, std::string lines);

  const ShimDeps deps_;
  std::map<std::string, std::shared_ptr<Follower>> followers_;  // shared with run()
  async::Scope scope_;
};

// Where a log file ends: the time of its last entry, and how many entries have that time.
struct LogEnd {
  std::string time;  // "": there is none
  int entries = 0;
};
// Of the end of a file's text.
LogEnd log_end_of(std::string_view text);

}  // namespace kpp::dockershim
