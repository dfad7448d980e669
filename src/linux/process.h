// Child processes: run one to its end, or start one that outlives its starter.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "linux/namespaces.h"

namespace kpp::sys {

// Where a child starts, beside what it runs.
struct ProcessPlace {
  // Joined before the program is found and started; null: those of the caller. Must live until the
  // call returns.
  const NamespaceSet* namespaces = nullptr;
  // cgroup.procs files (as the caller sees them) that the child writes itself into before it joins
  // the namespaces.
  std::vector<std::string> cgroup_procs;
  std::string working_directory;  // inside the namespaces; empty: left as it is, or / in another
                                  // mount namespace
};

struct ProcessSpec {
  std::vector<std::string> argv;  // argv[0] is looked up along PATH when it holds no slash
  std::string input;              // standard input; empty: input_file
  std::string input_file;         // as the caller sees it; empty: /dev/null
  // NAME=value; not set: the caller's environment.
  std::optional<std::vector<std::string>> environment;
  std::chrono::milliseconds deadline{60'000};  // then SIGKILL to the child's process group
  std::size_t output_limit = 1u << 20;         // for each of out and err; what is beyond is dropped
  ProcessPlace place;
};

struct ProcessResult {
  int exit_code = 0;  // 128 + signal if a signal ended it
  int signal = 0;
  bool timed_out = false;
  bool truncated = false;
  std::string out;
  std::string err;

  bool ok() const { return exit_code == 0 && !timed_out; }
};

// Runs a program and waits for its end. Blocks.
// Guarantees: no descriptor of the caller but the three standard ones reaches the child; the child
// leads a process
//   group of its own; all signals are unblocked and at their defaults in it.
// Errors: kNotFound if the program does not exist, kIo if it could not be started. A program that
// ends with another
//   code than 0 is a result, not an error.
Result<ProcessResult> run_process(const ProcessSpec& spec);

// run_process, and a code other than 0 is an error (kIo) that carries the command and what it wrote
// to stderr. Answers what it wrote to stdout.
Result<std::string> run_checked(const ProcessSpec& spec);
Result<std::string> run_checked(std::vector<std::string> argv);

struct DaemonSpec {
  std::vector<std::string> argv;
  std::optional<std::vector<std::string>> environment;
  std::string log_file;  // as the caller sees it; appended; receives stdout and stderr
  ProcessPlace place;
};

// Starts a program that outlives the caller: a session of its own, and a child of the init of its
// PID namespace. Answers its process id in the caller's PID namespace. Errors: as run_process.
Result<pid_t> start_daemon(const DaemonSpec& spec);

// Replaces nothing of the caller: runs the program on the caller's terminal (stdin, stdout, stderr
// as they are), waits, and answers its exit code (128 + signal if a signal ended it).
Result<int> run_attached(const std::vector<std::string>& argv, const ProcessPlace& place);

// SIGKILL, then waits until the process is gone. Ok if it does not exist.
// Errors: kTimeout if it is still there at the deadline.
Status kill_and_wait(pid_t pid, std::chrono::milliseconds deadline);

// Ticks since boot at which the process started (field 22 of /proc/PID/stat): with the pid it names
// one process for good. kNotFound if there is none.
Result<std::uint64_t> process_start_time(pid_t pid);

// The file along PATH that argv[0] names; the name itself if it holds a slash.
Result<std::string> find_program(std::string_view name);

}  // namespace kpp::sys
