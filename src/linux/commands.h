// The programs that change the kernel's tables, behind a seam that tests replace.
#pragma once

#include <string>
#include <vector>

#include "async/executor.h"
#include "async/task.h"
#include "base/status.h"
#include "linux/process.h"

namespace kpp::sys {

class Commands {
 public:
  virtual ~Commands() = default;
  // Runs a program to its end and answers what it wrote; an exit code other than 0 is an error with
  // what it complained.
  virtual async::Task<Result<std::string>> run(std::vector<std::string> argv,
                                               std::string input) = 0;
};

// Runs them on a thread pool, in the place (namespaces, cgroup) of the node.
// Ownership: executor, pool and what `place` points to must outlive it.
class SystemCommands final : public Commands {
 public:
  SystemCommands(async::Executor& executor, async::ThreadPool& pool, ProcessPlace place = {})
      : executor_(executor), pool_(pool), place_(std::move(place)) {}
  async::Task<Result<std::string>> run(std::vector<std::string> argv, std::string input) override;

 private:
  async::Executor& executor_;
  async::ThreadPool& pool_;
  const ProcessPlace place_;
};

}  // namespace kpp::sys
