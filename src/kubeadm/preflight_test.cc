#include "kubeadm/preflight.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/fs.h"
#include "kubeadm/cluster_images.h"
#include "kubeadm/runtime.h"

namespace kpp::kubeadm {
namespace {

// A machine on which nothing is wrong, in a folder.
class Preflight : public testing::Test {
 public:
  Preflight() {
    char path[] = "/tmp/kubeadm-test-XXXXXX";
    machine_.root = ::mkdtemp(path);
    write("/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n");
    write("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "1\n");
    write("/proc/sys/net/ipv4/ip_forward", "1\n");
    write("/proc/swaps", "Filename Type Size Used Priority\n");
    write("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
    for (const auto* list : {&required_programs(), &useful_programs()}) {
      for (const auto program : *list) machine_.programs.emplace_back(program);
    }
    machine_.runtime = {true, "", "containerd", "1.6.20", "cgroupfs"};
    machine_.memory_mb = 4096;
    machine_.cpus = 2;
    machine_.free_disk_mb = 10'000;
    machine_.is_root = true;
    machine_.resolves_hostname = true;
    config_.node.name = "class";
  }
  ~Preflight() override { (void)fs::remove_all(machine_.root); }

  void write(const std::string& path, std::string_view text) {
    const std::string file = cat(machine_.root, path);
    ASSERT_TRUE(fs::make_directories(file.substr(0, file.rfind('/'))).ok());
    ASSERT_TRUE(fs::write_file_atomic(file, text).ok());
  }
  // "NAME: message" of each finding, warnings with "W ".
  std::vector<std::string> findings() {
    std::vector<std::string> out;
    for (const Finding& finding : check_for_init(machine_, config_)) {
      out.push_back(cat(finding.warning ? "W " : "", finding.check, ": ", finding.message));
    }
    return out;
  }

  MachineView machine_;
  InitConfig config_;
};

TEST_F(Preflight, GoodMachinePasses) { EXPECT_EQ(join(findings(), "\n"), ""); }

TEST_F(Preflight, EachFaultIsOneLineWithItsMend) {
  const struct {
    const char* name;
    void (*spoil)(Preflight&);
    const char* finding;
    const char* mend;
  } rows[] = {
      {"user", [](Preflight& t) { t.machine_.is_root = false; }, "IsPrivilegedUser: ", "sudo"},
      {"port", [](Preflight& t) { t.machine_.used_ports = {6443}; },
       "Port-6443: Port 6443 is in use", "kubeadm reset"},
      {"manifest", [](Preflight& t) { t.write("/etc/kubernetes/manifests/etcd.yaml", ""); },
       "FileAvailable--etc-kubernetes-manifests-etcd.yaml: /etc/kubernetes/manifests/etcd.yaml "
       "already exists",
       "kubeadm reset"},
      {"etcd data", [](Preflight& t) { t.write("/var/lib/etcd/member/x", ""); },
       "DirAvailable--var-lib-etcd: /var/lib/etcd is not empty", "kubeadm reset"},
      {"forwarding", [](Preflight& t) { t.write("/proc/sys/net/ipv4/ip_forward", "0\n"); },
       "FileContent--proc-sys-net-ipv4-ip_forward: /proc/sys/net/ipv4/ip_forward contents are not "
       "set to 1",
       "sysctl -w net.ipv4.ip_forward=1"},
      {"bridge",
       [](Preflight& t) {
         (void)fs::remove_all(cat(t.machine_.root, "/proc/sys/net/bridge/bridge-nf-call-iptables"));
       },
       "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables: "
       "/proc/sys/net/bridge/bridge-nf-call-iptables does not exist",
       "modprobe br_netfilter"},
      {"swap", [](Preflight& t) { t.write("/proc/swaps", "Filename\n/swapfile file 1 0 -2\n"); },
       "W Swap: swap is supported", "swapoff -a"},
      {"controller",
       [](Preflight& t) { t.write("/sys/fs/cgroup/cgroup.controllers", "cpu cpuset pids\n"); },
       "SystemVerification: missing required cgroups: memory", "cgroup_enable=memory"},
      {"runtime",
       [](Preflight& t) { t.machine_.runtime = {false, "connect: no such file", "", "", ""}; },
       "CRI: container runtime is not running: connect: no such file",
       "systemctl start containerd"},
      {"driver", [](Preflight& t) { t.config_.kubelet["cgroupDriver"] = "systemd"; },
       "CgroupDriver: the container runtime's cgroup driver is \"cgroupfs\" and the kubelet's is "
       "\"systemd\"",
       "cgroupDriver: cgroupfs"},
      {"tool", [](Preflight& t) { std::erase(t.machine_.programs, "iptables"); },
       "FileExisting-iptables: iptables not found in system path", "apt-get install"},
      {"hostname", [](Preflight& t) { t.machine_.resolves_hostname = false; },
       "W Hostname: hostname \"class\" could not be reached", "/etc/hosts"},
      {"disk", [](Preflight& t) { t.machine_.free_disk_mb = 5; },
       "DiskSpace: /var/lib has 5 MB free", "du -xsh"},
  };
  const MachineView good = machine_;
  for (const auto& row : rows) {
    row.spoil(*this);
    const auto found = findings();
    ASSERT_EQ(found.size(), 1U) << row.name << ": " << join(found, "\n");
    EXPECT_TRUE(found[0].starts_with(row.finding)) << row.name << ": " << found[0];
    EXPECT_TRUE(found[0].contains(row.mend)) << row.name << ": " << found[0];
    EXPECT_FALSE(found[0].contains('\n')) << row.name;
    // Back to the good machine.
    machine_ = good;
    config_.kubelet.clear();
    (void)fs::remove_all(cat(machine_.root, "/etc"));
    (void)fs::remove_all(cat(machine_.root, "/var"));
    write("/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n");
    write("/proc/sys/net/ipv4/ip_forward", "1\n");
    write("/proc/swaps", "Filename\n");
    write("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
  }
}

TEST_F(Preflight, JoinRefusesAMachineThatIsANodeAlready) {
  write("/etc/kubernetes/kubelet.conf", "");
  JoinConfig config;
  config.ca_cert_path = "/etc/kubernetes/pki/ca.crt";
  const auto found = check_for_join(machine_, config);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].check, "FileAvailable--etc-kubernetes-kubelet.conf");
}

TEST(Judge, ErrorsStopUnlessTheyAreIgnored) {
  const std::vector<Finding> findings = {{"Swap", "swap", true}, {"Port-6443", "in use", false}};
  std::vector<std::string> lines;
  const auto print = [&](std::string_view line) { lines.emplace_back(line); };
  const Status refused = judge(findings, {}, print);
  EXPECT_TRUE(refused.message().contains("\n\t[ERROR Port-6443]: in use\n")) << refused.message();
  EXPECT_EQ(lines, (std::vector<std::string>{"\t[WARNING Swap]: swap"}));
  EXPECT_TRUE(judge(findings, {"port-6443"}, print).ok());
  EXPECT_TRUE(judge(findings, {"all"}, print).ok());
}

TEST(ListeningPorts, AreThoseInListenState) {
  EXPECT_EQ(listening_ports("  sl  local_address rem_address   st\n"
                            "   0: 00000000:192B 00000000:0000 0A 00000000:00000000\n"
                            "   1: 0100007F:1F90 0100007F:8888 01 00000000:00000000\n"
                            "   2: 00000000000000000000000000000000:280A "
                            "00000000000000000000000000000000:0000 0A x\n"),
            (std::vector<int>{6443, 10250}));
}

TEST(CgroupDriver, IsReadFromWhatTheRuntimeReports) {
  EXPECT_EQ(cgroup_driver_of(R"({"containerd":{"defaultRuntimeName":"runc","runtimes":{"runc":
            {"options":{"SystemdCgroup":true}}}}})"),
            "systemd");
  EXPECT_EQ(cgroup_driver_of(R"({"containerd":{"runtimes":{"runc":{"options":{}}}}})"), "cgroupfs");
  EXPECT_EQ(cgroup_driver_of("{}"), "");
  EXPECT_EQ(cgroup_driver_of("x"), "");
}

TEST(SandboxImage, IsLoadedUnderTheNameThatTheRuntimeUses) {
  const std::string other = sandbox_image_of(R"({"sandboxImage":"registry.k8s.io/pause:3.6"})");
  EXPECT_EQ(with_sandbox_image({"a"}, other),
            (std::vector<std::string>{"a", "registry.k8s.io/pause:3.6"}));
  EXPECT_EQ(with_sandbox_image({other}, other).size(), 1U);
  EXPECT_EQ(with_sandbox_image({"a"}, "example.org/other:1").size(), 1U);
  EXPECT_EQ(with_sandbox_image({"a"}, sandbox_image_of("{}")).size(), 1U);
}

}  // namespace
}  // namespace kpp::kubeadm
