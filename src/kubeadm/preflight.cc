#include "kubeadm/preflight.h"

#include <netdb.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/fs.h"
#include "linux/process.h"

namespace kpp::kubeadm {
namespace {

constexpr long kControlPlaneMemoryMb = 1700;
constexpr int kControlPlaneCpus = 2;
constexpr long kDiskMb = 1024;

class Checks {
 public:
  explicit Checks(const MachineView& machine) : machine_(machine) {}

  void error(std::string check, std::string message) {
    out_.push_back({std::move(check), std::move(message), false});
  }
  void warn(std::string check, std::string message) {
    out_.push_back({std::move(check), std::move(message), true});
  }

  std::string read(std::string_view path) const {
    return fs::read_file(cat(machine_.root, path), 1U << 20).value_or("");
  }
  bool exists(std::string_view path) const { return fs::exists(cat(machine_.root, path)); }

  void content(std::string_view path, std::string_view sysctl) {
    const std::string check = name("FileContent", path);
    if (!exists(path)) {
      const bool bridge = path.contains("/bridge/");
      error(check,
            cat(path, " does not exist", bridge ? "; load the module: modprobe br_netfilter" : ""));
    } else if (!read(path).starts_with("1")) {
      error(check, cat(path, " contents are not set to 1; set it: sysctl -w ", sysctl, "=1"));
    }
  }

  void port(int number) {
    if (std::ranges::find(machine_.used_ports, number) != machine_.used_ports.end()) {
      error(cat("Port-", number),
            cat("Port ", number, " is in use; see by what: ss -ltnp 'sport = :", number,
                "'; of an earlier cluster: kubeadm reset"));
    }
  }

  void absent_file(const std::string& path) {
    if (exists(path)) {
      error(name("FileAvailable", path),
            cat(path, " already exists; remove what an earlier run left: kubeadm reset"));
    }
  }

  void empty_directory(const std::string& path) {
    const auto names = fs::list(cat(machine_.root, path));
    if (names && !names->empty()) {
      error(name("DirAvailable", path),
            cat(path, " is not empty; remove what an earlier cluster left: kubeadm reset"));
    }
  }

  // /etc/x/y becomes Kind--etc-x-y.
  static std::string name(std::string_view kind, std::string_view path) {
    std::string out = cat(kind, "-");
    for (const char c : path) out += c == '/' ? '-' : c;
    return out;
  }

  const MachineView& machine() const { return machine_; }
  std::vector<Finding> take() { return std::move(out_); }

 private:
  const MachineView& machine_;
  std::vector<Finding> out_;
};

// Version 2 names its controllers in one file, version 1 in /proc/cgroups.
std::vector<std::string> cgroup_controllers(const Checks& checks) {
  std::vector<std::string> out;
  const std::string v2 = checks.read("/sys/fs/cgroup/cgroup.controllers");
  std::string_view text = v2;
  if (!text.empty()) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
      if (end > 0) out.emplace_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
  }
  const std::string v1 = checks.read("/proc/cgroups");
  text = v1;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("#") || !line.ends_with("1")) continue;
    out.emplace_back(line.substr(0, line.find('\t')));
  }
  return out;
}

void check_cgroups(Checks& checks) {
  const auto have = cgroup_controllers(checks);
  const bool v2 = checks.exists("/sys/fs/cgroup/cgroup.controllers");
  std::vector<std::string_view> needed = {"cpu", "cpuset", "memory", "pids"};
  if (!v2) needed.insert(needed.end(), {"cpuacct", "devices", "freezer"});
  for (const std::string_view controller : needed) {
    if (std::ranges::find(have, controller) == have.end()) {
      checks.error(
          "SystemVerification",
          cat("missing required cgroups: ", controller,
              "; switch it on with the kernel's command line: cgroup_enable=", controller));
    }
  }
  if (!v2) {
    checks.warn("SystemVerification",
                "cgroups v1 support is in maintenance mode, please migrate to cgroups v2");
  }
}

void check_runtime(Checks& checks, const NodeRegistration& node, std::string_view driver) {
  const RuntimeFacts& runtime = checks.machine().runtime;
  if (!runtime.answers) {
    checks.error("CRI", cat("container runtime is not running: ", runtime.error,
                            "; start it: "
                            "systemctl start containerd, or name its socket: --cri-socket (now ",
                            node.cri_socket, ")"));
    return;
  }
  const bool differ =
      !driver.empty() && !runtime.cgroup_driver.empty() && driver != runtime.cgroup_driver;
  if (differ) {
    checks.error("CgroupDriver",
                 cat("the container runtime's cgroup driver is ", quoted(runtime.cgroup_driver),
                     " and the kubelet's is ", quoted(driver), "; make them equal: cgroupDriver: ",
                     runtime.cgroup_driver, " in the KubeletConfiguration, or SystemdCgroup = ",
                     driver == "systemd" ? "true" : "false", " in /etc/containerd/config.toml"));
  }
}

void check_common(Checks& checks, const NodeRegistration& node) {
  const MachineView& machine = checks.machine();
  if (!machine.is_root) checks.error("IsPrivilegedUser", "user is not running as root; use sudo");
  for (const std::string_view program : required_programs()) {
    if (std::ranges::find(machine.programs, program) == machine.programs.end()) {
      checks.error(cat("FileExisting-", program), cat(program,
                                                      " not found in system path; install "
                                                      "it: apt-get install iproute2 iptables mount "
                                                      "util-linux"));
    }
  }
  for (const std::string_view program : useful_programs()) {
    if (std::ranges::find(machine.programs, program) == machine.programs.end()) {
      checks.warn(cat("FileExisting-", program),
                  cat(program, " not found in system path; install it: apt-get install ", program));
    }
  }
  checks.content("/proc/sys/net/bridge/bridge-nf-call-iptables",
                 "net.bridge.bridge-nf-call-iptables");
  checks.content("/proc/sys/net/bridge/bridge-nf-call-ip6tables",
                 "net.bridge.bridge-nf-call-ip6tables");
  checks.content("/proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward");
  check_cgroups(checks);
  const std::string swaps = checks.read("/proc/swaps");
  if (std::ranges::count(swaps, '\n') > 1) {
    checks.warn("Swap",
                "swap is supported for cgroup v2 only. The kubelet must be properly "
                "configured to use swap; or switch it off: swapoff -a");
  }
  if (!machine.resolves_hostname) {
    checks.warn("Hostname", cat("hostname ", quoted(node.name),
                                " could not be reached; add it: echo "
                                "\"ADDRESS ",
                                node.name, "\" >> /etc/hosts"));
  }
  if (machine.free_disk_mb < kDiskMb) {
    checks.error("DiskSpace", cat("/var/lib has ", machine.free_disk_mb, " MB free, and ", kDiskMb,
                                  " MB are needed; see what takes it: du -xsh /var/lib/*"));
  }
}

std::string_view driver_of(const InitConfig& config) {
  const json::Value* const driver = config.kubelet.if_contains("cgroupDriver");
  return driver != nullptr && driver->is_string() ? std::string_view(driver->get_string())
                                                  : std::string_view();
}

void check_control_plane(Checks& checks, const InitConfig& config) {
  const MachineView& machine = checks.machine();
  if (machine.cpus < kControlPlaneCpus) {
    checks.error("NumCPU",
                 cat("the number of available CPUs ", machine.cpus, " is less than the required ",
                     kControlPlaneCpus, "; give the machine more"));
  }
  if (machine.memory_mb < kControlPlaneMemoryMb) {
    checks.error("Mem", cat("the system RAM (", machine.memory_mb, " MB) is less than the minimum ",
                            kControlPlaneMemoryMb, " MB; give the machine more"));
  }
  checks.port(config.bind_port);
  for (const int port : {10259, 10257}) checks.port(port);
  for (const char* component :
       {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"}) {
    checks.absent_file(cat(kManifestsDirectory, "/", component, ".yaml"));
  }
}

void check_store(Checks& checks, const InitConfig& config) {
  if (config.cluster.store != StoreKind::kEtcd) return;
  for (const int port : {2379, 2380}) checks.port(port);
  checks.empty_directory(config.cluster.etcd_data_dir);
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

long number_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return 0;
  text.remove_prefix(at + key.size());
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  long value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool resolves(const std::string& name) {
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, nullptr, &found) != 0) return false;
  ::freeaddrinfo(found);
  return true;
}

}  // namespace

const std::vector<std::string_view>& required_programs() {
  static const std::vector<std::string_view> names = {"ip", "iptables", "mount", "nsenter"};
  return names;
}

const std::vector<std::string_view>& useful_programs() {
  static const std::vector<std::string_view> names = {"conntrack", "ethtool", "socat"};
  return names;
}

std::vector<int> listening_ports(std::string_view text) {
  std::vector<int> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    // "  0: 0100007F:1F90 00000000:0000 0A ...": 0A is LISTEN.
    const std::size_t first = line.find(": ");
    const std::size_t colon = first == std::string_view::npos ? first : line.find(':', first + 2);
    if (colon == std::string_view::npos || colon + 5 > line.size()) continue;
    const std::size_t peer = line.find(' ', colon);
    const std::size_t state = peer == std::string_view::npos ? peer : line.find(' ', peer + 1);
    if (state == std::string_view::npos || line.substr(state + 1, 2) != "0A") continue;
    int port = 0;
    std::from_chars(line.data() + colon + 1, line.data() + colon + 5, port, 16);
    out.push_back(port);
  }
  return out;
}

MachineView look_at_machine(RuntimeFacts runtime, const std::string& node_name) {
  MachineView view;
  view.runtime = std::move(runtime);
  for (const auto* programs : {&required_programs(), &useful_programs()}) {
    for (const std::string_view program : *programs) {
      if (sys::find_program(program)) view.programs.emplace_back(program);
    }
  }
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto ports = listening_ports(fs::read_file(table).value_or(""));
    view.used_ports.insert(view.used_ports.end(), ports.begin(), ports.end());
  }
  view.memory_mb = number_after(fs::read_file("/proc/meminfo").value_or(""), "MemTotal:") / 1024;
  view.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  struct statvfs disk{};
  if (::statvfs("/var/lib", &disk) == 0) {
    view.free_disk_mb = static_cast<long>(disk.f_bavail * disk.f_frsize >> 20U);
  }
  view.is_root = ::geteuid() == 0;
  view.resolves_hostname = resolves(node_name);
  return view;
}

std::vector<Finding> check_for_init(const MachineView& machine, const InitConfig& config) {
  Checks checks(machine);
  check_control_plane(checks, config);
  check_common(checks, config.node);
  check_runtime(checks, config.node, driver_of(config));
  checks.port(10250);
  check_store(checks, config);
  return checks.take();
}

std::vector<Finding> check_for_control_plane(const MachineView& machine, const InitConfig& config) {
  Checks checks(machine);
  check_control_plane(checks, config);
  check_store(checks, config);
  return checks.take();
}

std::vector<Finding> check_for_join(const MachineView& machine, const JoinConfig& config) {
  Checks checks(machine);
  checks.empty_directory(std::string(kManifestsDirectory));
  checks.absent_file(cat(kKubernetesDirectory, "/kubelet.conf"));
  checks.absent_file(cat(kKubernetesDirectory, "/bootstrap-kubelet.conf"));
  // A control plane may have been given it.
  if (!config.control_plane) checks.absent_file(config.ca_cert_path);
  check_common(checks, config.node);
  check_runtime(checks, config.node, "");
  checks.port(10250);
  return checks.take();
}

Status judge(std::vector<Finding> findings, const std::vector<std::string>& ignored,
             const Printer& print) {
  const auto is_ignored = [&](const std::string& check) {
    return std::ranges::any_of(ignored, [&](const std::string& name) {
      return same_name(name, "all") || same_name(name, check);
    });
  };
  std::string errors;
  for (const Finding& finding : findings) {
    if (finding.warning || is_ignored(finding.check)) {
      print(cat("\t[WARNING ", finding.check, "]: ", finding.message));
    } else {
      errors += cat("\t[ERROR ", finding.check, "]: ", finding.message, "\n");
    }
  }
  if (errors.empty()) return {};
  return {Reason::kInvalid,
          cat("[preflight] Some fatal errors occurred:\n", errors,
              "[preflight] If you know what you are doing, you can make a check non-fatal with "
              "`--ignore-preflight-errors=...`")};
}

}  // namespace kpp::kubeadm
