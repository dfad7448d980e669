#include "linux/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/fs.h"
#include "linux/fd.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace kpp::sys {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return fail(errno_status("pipe", errno));
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

// What the child needs, laid out before fork: between fork and exec nothing may allocate.
struct Prepared {
  std::vector<std::string> argv_text;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<std::string>
      programs;  // tried in order: the name, or its place in each folder of PATH
  const ProcessPlace* place = nullptr;
};

std::string_view path_of(const std::optional<std::vector<std::string>>& environment) {
  if (environment) {
    for (const std::string& entry : *environment) {
      if (entry.starts_with("PATH=")) return std::string_view(entry).substr(5);
    }
  } else if (const char* path = ::getenv("PATH")) {
    return path;
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

std::vector<std::string> candidates(std::string_view name, std::string_view path) {
  std::vector<std::string> out;
  if (name.find('/') != std::string_view::npos) {
    out.emplace_back(name);
    return out;
  }
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const std::string_view folder = path.substr(0, colon);
    if (!folder.empty()) out.push_back(cat(folder, "/", name));
    path = colon == std::string_view::npos ? std::string_view() : path.substr(colon + 1);
  }
  return out;
}

Result<Prepared> prepare(const std::vector<std::string>& argv,
                         const std::optional<std::vector<std::string>>& environment,
                         const ProcessPlace& place) {
  if (argv.empty() || argv[0].empty()) return fail(Reason::kInvalid, "no program to run");
  Prepared p;
  p.argv_text = argv;
  for (std::string& text : p.argv_text) p.argv.push_back(text.data());
  p.argv.push_back(nullptr);
  if (environment) {
    for (const std::string& entry : *environment) p.envp.push_back(const_cast<char*>(entry.data()));
  } else {
    for (char** entry = environ; *entry != nullptr; ++entry) p.envp.push_back(*entry);
  }
  p.envp.push_back(nullptr);
  p.programs = candidates(argv[0], path_of(environment));
  p.place = &place;
  return p;
}

// Everything below up to `exec_program` runs between fork and exec: system calls only.
[[noreturn]] void give_up(int error_fd, int error) {
  [[maybe_unused]] const ssize_t n = ::write(error_fd, &error, sizeof error);
  ::_exit(127);
}

void enter_place(const ProcessPlace& place, int error_fd) {
  for (const std::string& file : place.cgroup_procs) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ::write(fd, "0", 1) != 1) give_up(error_fd, errno);
    ::close(fd);
  }
  if (place.namespaces != nullptr) {
    if (const int error = place.namespaces->join(); error != 0) give_up(error_fd, error);
  }
}

void reset_signals() {
  for (int s = 1; s < NSIG; ++s) ::signal(s, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void exec_program(const Prepared& p, int error_fd) {
  if (!p.place->working_directory.empty() && ::chdir(p.place->working_directory.c_str()) != 0) {
    give_up(error_fd, errno);
  }
  // The error pipe closes on exec like all the rest; its closing tells the parent that exec
  // succeeded.
  ::syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
  int error = ENOENT;
  for (const std::string& program : p.programs) {
    ::execve(program.c_str(), p.argv.data(), p.envp.data());
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
  }
  give_up(error_fd, error);
}

// Waits for the end of the error pipe. 0 if exec succeeded.
int read_exec_error(const Fd& error_pipe) {
  int error = 0;
  ssize_t n = 0;
  do {
    n = ::read(error_pipe.get(), &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  return n == sizeof error ? error : 0;
}

Status start_error(const std::vector<std::string>& argv, int error) {
  return errno_status(cat("starting ", argv[0]), error);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

void set_end(ProcessResult& result, int status) {
  if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
    result.exit_code = 128 + result.signal;
  } else {
    result.exit_code = WEXITSTATUS(status);
  }
}

// A child in another PID namespace is a grandchild: setns(2) moves only children. The go-between
// forwards the code.
[[noreturn]] void fork_into_pid_namespace(const Prepared& p, int error_fd) {
  const pid_t inner = ::fork();
  if (inner < 0) give_up(error_fd, errno);
  if (inner == 0) exec_program(p, error_fd);
  ::syscall(SYS_close_range, 3u, ~0u, 0u);
  ::close(0);
  ::close(1);
  ::close(2);
  const int status = wait_for(inner);
  ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

void keep(std::string& to, std::string_view data, ProcessResult& result, std::size_t limit) {
  const std::size_t room = limit > to.size() ? limit - to.size() : 0;
  if (data.size() > room) result.truncated = true;
  to.append(data.substr(0, room));
}

// Moves bytes between the caller and the child until the child has ended and its pipes are dry.
class Conversation {
 public:
  Conversation(const ProcessSpec& spec, pid_t pid, Fd in, Fd out, Fd err)
      : spec_(spec), pid_(pid), in_(std::move(in)), out_(std::move(out)), err_(std::move(err)) {
    for (const Fd* fd : {&in_, &out_, &err_}) {
      if (fd->valid()) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
    }
  }

  ProcessResult run() {
    const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    const auto deadline = SteadyClock::now() + spec_.deadline;
    bool ended = false;
    while (!ended) {
      pollfd fds[4] = {{in_.get(), POLLOUT, 0},
                       {out_.get(), POLLIN, 0},
                       {err_.get(), POLLIN, 0},
                       {pidfd.get(), POLLIN, 0}};
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
      if (left.count() <= 0) {
        result_.timed_out = true;
        ::kill(-pid_, SIGKILL);
        ::kill(pid_, SIGKILL);
        break;
      }
      if (::poll(fds, 4, static_cast<int>(left.count()) + 1) < 0 && errno != EINTR) break;
      if (fds[0].revents != 0) feed();
      if (fds[1].revents != 0) drain(out_, result_.out);
      if (fds[2].revents != 0) drain(err_, result_.err);
      ended = (fds[3].revents & POLLIN) != 0;
    }
    set_end(result_, wait_for(pid_));
    // What a surviving grandchild may still write is not waited for.
    drain(out_, result_.out);
    drain(err_, result_.err);
    return std::move(result_);
  }

 private:
  void feed() {
    const std::string_view rest = std::string_view(spec_.input).substr(sent_);
    const ssize_t n = rest.empty() ? 0 : ::write(in_.get(), rest.data(), rest.size());
    if (n > 0) sent_ += static_cast<std::size_t>(n);
    const bool failed = n < 0 && errno != EAGAIN && errno != EINTR;
    if (failed || sent_ == spec_.input.size()) in_.reset();
  }

  void drain(Fd& fd, std::string& to) {
    char buffer[16384];
    while (fd.valid()) {
      const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
      if (n > 0) {
        keep(to, {buffer, static_cast<std::size_t>(n)}, result_, spec_.output_limit);
      } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        fd.reset();
      } else if (errno == EAGAIN) {
        return;
      }
    }
  }

  const ProcessSpec& spec_;
  const pid_t pid_;
  Fd in_, out_, err_;
  std::size_t sent_ = 0;
  ProcessResult result_;
};

// A write to a child that has ended must be an error, not the end of the caller.
class SigpipeBlocked {
 public:
  SigpipeBlocked() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;
  ~SigpipeBlocked() {
    if (sigismember(&before_, SIGPIPE) == 0) {
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, SIGPIPE);
      const timespec none{};
      while (::sigtimedwait(&set, nullptr, &none) == SIGPIPE) {
      }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_{};
};

}  // namespace

Result<ProcessResult> run_process(const ProcessSpec& spec) {
  KPP_ASSIGN(const Prepared prepared, prepare(spec.argv, spec.environment, spec.place));
  const std::string input_file = spec.input_file.empty() ? "/dev/null" : spec.input_file;
  const Fd file(::open(input_file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail(errno_status(cat("open ", input_file), errno));
  KPP_ASSIGN(Pipe in, make_pipe());
  KPP_ASSIGN(Pipe out, make_pipe());
  KPP_ASSIGN(Pipe err, make_pipe());
  KPP_ASSIGN(Pipe error, make_pipe());
  const SigpipeBlocked guard;
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errno_status("fork", errno));
  if (pid == 0) {
    ::setpgid(0, 0);
    ::dup2(spec.input.empty() ? file.get() : in.read.get(), 0);
    ::dup2(out.write.get(), 1);
    ::dup2(err.write.get(), 2);
    reset_signals();
    enter_place(spec.place, error.write.get());
    if (spec.place.namespaces != nullptr) fork_into_pid_namespace(prepared, error.write.get());
    exec_program(prepared, error.write.get());
  }
  ::setpgid(pid, pid);
  in.read.reset();
  out.write.reset();
  err.write.reset();
  error.write.reset();
  if (spec.input.empty()) in.write.reset();
  if (const int code = read_exec_error(error.read); code != 0) {
    wait_for(pid);
    return fail(start_error(spec.argv, code));
  }
  return Conversation(spec, pid, std::move(in.write), std::move(out.read), std::move(err.read))
      .run();
}

Result<std::string> run_checked(const ProcessSpec& spec) {
  KPP_ASSIGN(ProcessResult result, run_process(spec));
  if (result.ok()) return std::move(result.out);
  std::string_view why = result.err.empty() ? result.out : result.err;
  while (!why.empty() && why.back() == '\n') why.remove_suffix(1);
  const std::string end =
      result.timed_out ? std::string("took too long") : cat("ended with ", result.exit_code);
  return fail(Reason::kIo, cat(join(spec.argv, " "), " ", end, why.empty() ? "" : ": ", why));
}

Result<std::string> run_checked(std::vector<std::string> argv) {
  ProcessSpec spec;
  spec.argv = std::move(argv);
  return run_checked(spec);
}

Result<pid_t> start_daemon(const DaemonSpec& spec) {
  KPP_ASSIGN(const Prepared prepared, prepare(spec.argv, spec.environment, spec.place));
  const Fd log(::open(spec.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.valid()) return fail(errno_status(cat("open ", spec.log_file), errno));
  KPP_ASSIGN(Pipe error, make_pipe());
  // The daemon's parent stays until the daemon's pid, as the caller sees it, has been read from its
  // list of children.
  KPP_ASSIGN(Pipe hold, make_pipe());
  const pid_t middle = ::fork();
  if (middle < 0) return fail(errno_status("fork", errno));
  if (middle == 0) {
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(null, 0);
    ::dup2(log.get(), 1);
    ::dup2(log.get(), 2);
    hold.write.reset();
    reset_signals();
    enter_place(spec.place, error.write.get());
    // In another PID namespace: middle (outside) -> go-between (inside) -> daemon. The go-between
    // ends, so that the daemon becomes a child of that namespace's init. Without one, middle itself
    // is the go-between.
    const pid_t first = spec.place.namespaces != nullptr ? ::fork() : 0;
    if (first < 0) give_up(error.write.get(), errno);
    if (first == 0) {
      const pid_t daemon = ::fork();
      if (daemon < 0) give_up(error.write.get(), errno);
      if (daemon == 0) {
        ::setsid();
        hold.read.reset();
        exec_program(prepared, error.write.get());
      }
      error.write.reset();
      char byte;
      [[maybe_unused]] const ssize_t n = ::read(hold.read.get(), &byte, 1);
      ::_exit(0);
    }
    error.write.reset();
    wait_for(first);
    ::_exit(0);
  }
  error.write.reset();
  hold.read.reset();
  const int code = read_exec_error(error.read);
  pid_t pid = middle;
  const int depth = spec.place.namespaces != nullptr ? 2 : 1;
  for (int i = 0; i < depth && code == 0; ++i) {
    const auto children = fs::read_file(cat("/proc/", pid, "/task/", pid, "/children"));
    pid_t child = 0;
    if (children) {
      std::from_chars(children->data(), children->data() + children->size(), child);
    }
    pid = child;
    if (pid == 0) break;
  }
  hold.write.reset();
  wait_for(middle);
  if (code != 0) return fail(start_error(spec.argv, code));
  if (pid <= 0) return fail(Reason::kIo, cat(spec.argv[0], " ended at once"));
  return pid;
}

Result<int> run_attached(const std::vector<std::string>& argv, const ProcessPlace& place) {
  KPP_ASSIGN(const Prepared prepared, prepare(argv, std::nullopt, place));
  KPP_ASSIGN(Pipe error, make_pipe());
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errno_status("fork", errno));
  if (pid == 0) {
    // Whoever ends the caller ends what it runs.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    reset_signals();
    enter_place(place, error.write.get());
    const pid_t inner = place.namespaces != nullptr ? ::fork() : 0;
    if (inner < 0) give_up(error.write.get(), errno);
    if (inner == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      exec_program(prepared, error.write.get());
    }
    error.write.reset();
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGQUIT, SIG_IGN);
    const int status = wait_for(inner);
    ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
  error.write.reset();
  const auto before_int = ::signal(SIGINT, SIG_IGN);
  const auto before_quit = ::signal(SIGQUIT, SIG_IGN);
  const int code = read_exec_error(error.read);
  const int status = wait_for(pid);
  ::signal(SIGINT, before_int);
  ::signal(SIGQUIT, before_quit);
  if (code != 0) return fail(start_error(argv, code));
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Status kill_and_wait(pid_t pid, std::chrono::milliseconds deadline) {
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) return errno == ESRCH ? Status() : errno_status("pidfd_open", errno);
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0) {
    return errno == ESRCH ? Status() : errno_status("kill", errno);
  }
  const auto end = SteadyClock::now() + deadline;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - SteadyClock::now()).count();
    if (left <= 0) return {Reason::kTimeout, cat("process ", pid, " does not end")};
    pollfd fds{pidfd.get(), POLLIN, 0};
    if (::poll(&fds, 1, static_cast<int>(left)) > 0) return {};
  }
}

Result<std::uint64_t> process_start_time(pid_t pid) {
  KPP_ASSIGN(const std::string stat, fs::read_file(cat("/proc/", pid, "/stat")));
  // The name in parentheses may hold anything; fields are counted from its end. The next one is
  // field 3.
  std::size_t at = stat.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  std::uint64_t ticks = 0;
  if (at == std::string::npos ||
      std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), ticks).ec != std::errc()) {
    return fail(Reason::kIo, cat("/proc/", pid, "/stat has no start time"));
  }
  return ticks;
}

Result<std::string> find_program(std::string_view name) {
  for (const std::string& program : candidates(name, path_of(std::nullopt))) {
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return fail(Reason::kNotFound, cat("program ", name, " is not on the PATH"));
}

}  // namespace kpp::sys
