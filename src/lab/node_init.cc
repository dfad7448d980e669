#include "lab/node_init.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <map>

#include "base/fs.h"
#include "linux/cgroups.h"
#include "linux/fd.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"

namespace kpp::lab {
namespace {

Status write_control(const std::string& path, std::string_view value) {
  const sys::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_status(cat("open ", path), errno);
  if (::write(fd.get(), value.data(), value.size()) < 0)
    return errno_status(cat("write ", path), errno);
  return {};
}

// A directory or an empty file to mount on.
Status make_mount_point(const std::string& source, const std::string& target) {
  struct stat st{};
  if (::stat(source.c_str(), &st) != 0) return errno_status(cat("stat ", source), errno);
  if (S_ISDIR(st.st_mode)) return fs::make_directories(target);
  if (fs::exists(target)) return {};
  KPP_RETURN_IF_ERROR(fs::make_directories(target.substr(0, target.rfind('/'))));
  const sys::Fd fd(::open(target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  return fd.valid() ? Status() : errno_status(cat("open ", target), errno);
}

// File systems that the machine mounts below its root (a separate /usr or /var): an overlay does
// not look through mounts, so each gets an overlay of its own; what cannot be under one is
// read-only in the node.
Status mount_disks(const std::string& root, const std::string& directory) {
  static constexpr std::string_view kOwn[] = {"/proc",  "/sys", "/dev",  "/run",        "/mnt",
                                              "/media", "/etc", "/boot", "/var/lib/kpp"};
  KPP_ASSIGN(const std::vector<sys::Mount> mounts, sys::list_mounts());
  int number = 0;
  for (const sys::Mount& mount : mounts) {
    bool skip = mount.target == "/" || !mount.source.starts_with("/");
    for (const std::string_view own : kOwn) skip = skip || mount.target.starts_with(own);
    const std::string target = cat(root, mount.target);
    if (skip || !fs::exists(target)) continue;
    const std::string upper = cat(directory, "/disks/", number, "/upper");
    const std::string work = cat(directory, "/disks/", number, "/work");
    ++number;
    KPP_RETURN_IF_ERROR(fs::make_directories(upper));
    KPP_RETURN_IF_ERROR(fs::make_directories(work));
    if (!sys::mount_overlay(mount.target, upper, work, target).ok()) {
      KPP_RETURN_IF_ERROR(sys::bind_mount(mount.target, target, false, true));
    }
  }
  return {};
}

Status mount_devices(const std::string& root) {
  KPP_RETURN_IF_ERROR(sys::bind_mount("/dev", cat(root, "/dev")));
  const std::string pts = cat(root, "/dev/pts");
  if (fs::exists(pts)) {
    KPP_RETURN_IF_ERROR(sys::mount_fs("devpts", "devpts", pts, MS_NOSUID | MS_NOEXEC,
                                      "newinstance,ptmxmode=0666,mode=0620"));
  }
  const std::string shm = cat(root, "/dev/shm");
  if (fs::exists(shm)) KPP_RETURN_IF_ERROR(sys::mount_tmpfs(shm, "mode=1777"));
  return {};
}

// The node sees its own group as the root of every tree, because it mounts them inside its cgroup
// namespace.
Status mount_cgroups(const std::string& root, const sys::Cgroups& machine) {
  const std::string base = cat(root, "/sys/fs/cgroup");
  if (machine.version() == sys::CgroupVersion::kV2) {
    return sys::mount_fs("cgroup2", "cgroup2", base, MS_NOSUID | MS_NODEV | MS_NOEXEC);
  }
  KPP_RETURN_IF_ERROR(sys::mount_tmpfs(base));
  std::map<std::string, std::vector<std::string>> by_tree;
  for (const auto& [controller, tree] : machine.trees()) by_tree[tree].push_back(controller);
  for (const auto& [tree, controllers] : by_tree) {
    const std::string name = tree.substr(tree.rfind('/') + 1);
    const std::string target = cat(base, "/", name);
    KPP_RETURN_IF_ERROR(fs::make_directories(target));
    const bool named = controllers[0].starts_with("name=");
    KPP_RETURN_IF_ERROR(sys::mount_fs("cgroup", "cgroup", target, MS_NOSUID | MS_NODEV | MS_NOEXEC,
                                      cat(named ? "none," : "", join(controllers, ","))));
    for (const std::string& controller : controllers) {
      if (controller == name || named) continue;
      if (::symlink(name.c_str(), cat(base, "/", controller).c_str()) != 0 && errno != EEXIST) {
        return errno_status(cat("linking ", controller), errno);
      }
    }
  }
  return {};
}

Status write_node_files(const std::string& root, const InitSpec& spec) {
  std::vector<NodeFile> files = {
      {"/etc/hostname", cat(spec.node.name, "\n")},
      {"/etc/hosts", cat("127.0.0.1\tlocalhost\n", spec.address, "\t", spec.node.name, "\n")}};
  if (auto resolv = fs::read_file("/etc/resolv.conf")) {
    files.push_back({"/etc/resolv.conf", std::move(*resolv)});
  }
  files.insert(files.end(), spec.node.files.begin(), spec.node.files.end());
  for (const NodeFile& file : files) {
    const std::string path = cat(root, file.path);
    KPP_RETURN_IF_ERROR(fs::make_directories(path.substr(0, path.rfind('/'))));
    // A link of the machine's (resolv.conf often is one) is replaced by a file.
    ::unlink(path.c_str());
    KPP_RETURN_IF_ERROR(fs::write_file_atomic(path, file.content));
  }
  return {};
}

Status build_root(const InitSpec& spec, const sys::Cgroups& machine) {
  const std::string root = cat(spec.directory, "/root");
  KPP_RETURN_IF_ERROR(sys::set_propagation("/", sys::Propagation::kPrivate, true));
  KPP_RETURN_IF_ERROR(
      sys::mount_overlay("/", cat(spec.directory, "/upper"), cat(spec.directory, "/work"), root)
          .with_context("the lab's directory must lie on a disk, not on an overlay"));
  KPP_RETURN_IF_ERROR(mount_disks(root, spec.directory));
  KPP_RETURN_IF_ERROR(
      sys::mount_fs("proc", "proc", cat(root, "/proc"), MS_NOSUID | MS_NODEV | MS_NOEXEC));
  KPP_RETURN_IF_ERROR(
      sys::mount_fs("sysfs", "sysfs", cat(root, "/sys"), MS_NOSUID | MS_NODEV | MS_NOEXEC));
  KPP_RETURN_IF_ERROR(mount_devices(root));
  KPP_RETURN_IF_ERROR(mount_cgroups(root, machine));
  KPP_RETURN_IF_ERROR(sys::mount_tmpfs(cat(root, "/run")));
  KPP_RETURN_IF_ERROR(fs::make_directories(cat(root, "/run/lock")));
  KPP_RETURN_IF_ERROR(write_node_files(root, spec));
  for (const Bind& bind : spec.node.binds) {
    const std::string target = cat(root, bind.target);
    KPP_RETURN_IF_ERROR(make_mount_point(bind.source, target));
    KPP_RETURN_IF_ERROR(sys::bind_mount(bind.source, target, true, bind.read_only));
  }
  KPP_RETURN_IF_ERROR(sys::switch_root(root));
  // As on a machine: volumes with mount propagation need a shared root.
  return sys::set_propagation("/", sys::Propagation::kShared, true);
}

// A node routes for its pods, and its bridge's packets pass iptables. Both belong to the node's
// network namespace.
Status set_kernel_parameters() {
  KPP_RETURN_IF_ERROR(write_control("/proc/sys/net/ipv4/ip_forward", "1"));
  for (const char* path : {"/proc/sys/net/bridge/bridge-nf-call-iptables",
                           "/proc/sys/net/bridge/bridge-nf-call-ip6tables"}) {
    if (fs::exists(path)) KPP_RETURN_IF_ERROR(write_control(path, "1"));
  }
  return {};
}

Status become_node(const InitSpec& spec, const sys::Cgroups& machine) {
  ::prctl(PR_SET_NAME, "kpp-lab-init");
  if (::setsid() < 0) return errno_status("setsid", errno);
  if (spec.network_only) return {};
  if (::sethostname(spec.node.name.data(), spec.node.name.size()) != 0) {
    return errno_status("sethostname", errno);
  }
  KPP_RETURN_IF_ERROR(build_root(spec, machine));
  KPP_RETURN_IF_ERROR(set_kernel_parameters());
  if (machine.version() == sys::CgroupVersion::kV2) {
    // A v2 group with processes cannot give its controllers to children, so the node's own
    // processes move aside.
    KPP_RETURN_IF_ERROR(fs::make_directories("/sys/fs/cgroup/init"));
    KPP_RETURN_IF_ERROR(write_control("/sys/fs/cgroup/init/cgroup.procs", "0"));
  }
  return {};
}

void close_standard_files() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
  if (null > 2) ::close(null);
}

[[noreturn]] void reap_forever() {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  while (true) {
    if (::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) {
      int signal = 0;
      ::sigwait(&child, &signal);
    }
  }
}

[[noreturn]] void run_init(const InitSpec& spec, const sys::Cgroups& machine, sys::Fd ready) {
  // No signal means anything to init; a pending SIGCHLD wakes sigwait.
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  const Status status = become_node(spec, machine);
  const std::string text = status.ok() ? "ok" : status.message();
  [[maybe_unused]] const ssize_t n = ::write(ready.get(), text.data(), text.size());
  ready.reset();
  if (!status.ok()) ::_exit(1);
  close_standard_files();
  reap_forever();
}

Result<pid_t> make_node(const std::string& spec_file) {
  KPP_ASSIGN(const StateFile state, StateFile::load(spec_file));
  KPP_ASSIGN(const InitSpec spec, init_spec_from(state));
  KPP_ASSIGN(const sys::Cgroups machine, sys::Cgroups::discover());
  for (const std::string& procs : spec.cgroup_procs) KPP_RETURN_IF_ERROR(write_control(procs, "0"));
  KPP_RETURN_IF_ERROR(sys::unshare_namespaces(
      spec.network_only ? CLONE_NEWNET
                        : CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWPID |
                              CLONE_NEWCGROUP));
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return fail(errno_status("pipe", errno));
  sys::Fd ready_read(fds[0]);
  sys::Fd ready_write(fds[1]);
  const pid_t init = ::fork();
  if (init < 0) return fail(errno_status("fork", errno));
  if (init == 0) {
    ready_read.reset();
    run_init(spec, machine, std::move(ready_write));
  }
  ready_write.reset();
  std::string answer;
  char buffer[512];
  ssize_t n = 0;
  while ((n = ::read(ready_read.get(), buffer, sizeof buffer)) > 0) {
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  if (answer == "ok") return init;
  return fail(Reason::kIo, answer.empty() ? "the node's init ended at once" : answer);
}

}  // namespace

int lab_init_main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: kpp lab-init SPEC\n", stderr);
    return 2;
  }
  const auto init = make_node(argv[1]);
  if (!init) std::fprintf(stderr, "%s\n", init.error().message().c_str());
  if (init) std::printf("%d\n", *init);
  std::fflush(nullptr);
  // Between two PID namespaces no thread can be made; what a sanitizer does at a regular exit would
  // hang.
  ::_exit(init ? 0 : 1);
}

}  // namespace kpp::lab
