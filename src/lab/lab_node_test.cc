// Nodes on this machine's kernel; needs root.
#include <dirent.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "base/fs.h"
#include "lab/lab.h"
#include "lab/machines.h"
#include "lab/node_network.h"
#include "linux/cgroups.h"
#include "linux/links.h"
#include "linux/mounts.h"

namespace kpp::lab {
namespace {

std::string tool() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string_view self(path, n > 0 ? static_cast<std::size_t>(n) : 0);
  return cat(self.substr(0, self.rfind('/')), "/lab_tool");
}

// What a lab could leave behind, of the whole machine.
struct Census {
  std::set<std::string> namespaces, mounts, cgroups, links;

  static Census take() {
    Census census;
    for (const std::string& pid : fs::list("/proc").value_or(std::vector<std::string>())) {
      if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
      // What has ended and waits for the machine's init to take note of it holds nothing.
      const std::string stat = fs::read_file(cat("/proc/", pid, "/stat")).value_or("");
      if (stat.find(") Z ") != std::string::npos) continue;
      for (const char* kind : {"mnt", "uts", "ipc", "net", "pid", "cgroup"}) {
        char target[64];
        const ssize_t n =
            ::readlink(cat("/proc/", pid, "/ns/", kind).c_str(), target, sizeof target);
        if (n > 0) census.namespaces.emplace(target, static_cast<std::size_t>(n));
      }
    }
    for (const auto& mount : *sys::list_mounts()) census.mounts.insert(mount.target);
    const auto cgroups = sys::Cgroups::discover();
    for (const auto& [controller, tree] : cgroups->trees()) census.add_groups(tree);
    for (const auto& link : *fs::list("/sys/class/net")) census.links.insert(link);
    return census;
  }

 private:
  void add_groups(const std::string& directory) {
    for (const std::string& name : fs::list(directory).value_or(std::vector<std::string>())) {
      const std::string path = cat(directory, "/", name);
      if (fs::exists(cat(path, "/cgroup.procs")) && name.starts_with("kpp-")) cgroups.insert(path);
      if (fs::exists(cat(path, "/cgroup.procs"))) add_groups(path);
    }
  }
};

class LabNode : public testing::Test {
 protected:
  LabNode() {
    // The names are always the same, so that a run removes what one before it left when it was
    // killed.
    labs_ = "/var/lib/kpp/lab-test";
    options_.name = "lab-test";
    options_.labs_directory = labs_;
    options_.init_command = {tool(), "lab-init"};
  }
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto lab = Lab::open(options_);
    ASSERT_TRUE(lab);
    ASSERT_TRUE(lab->remove().ok());
  }
  void TearDown() override {
    if (auto lab = Lab::open(options_)) EXPECT_TRUE(lab->remove().ok());
    EXPECT_TRUE(fs::remove_all(labs_).ok());
  }
  static std::string run(const Node& node, std::string script) {
    sys::ProcessSpec spec;
    spec.argv = {"sh", "-c", std::move(script)};
    const auto result = run_in_node(node, spec);
    return result ? cat(result->out, result->err) : result.error().to_string();
  }

  std::string labs_;
  LabOptions options_;
};

TEST_F(LabNode, IsAMachineOfItsOwn) {
  auto lab = Lab::open(options_);
  ASSERT_TRUE(lab);
  const std::string data = cat(labs_, "/data");
  ASSERT_TRUE(fs::make_directories(data).ok());
  NodeSpec spec;
  spec.name = "node1";
  spec.binds = {{data, data}};
  spec.files = {{"/etc/resolv.conf", "nameserver 192.0.2.53\n"}};
  spec.note = data;
  const auto node = lab->create_node(spec);
  ASSERT_TRUE(node) << node.error().to_string();

  EXPECT_EQ(lab->node("node1")->note, data);
  EXPECT_EQ(run(*node, "hostname"), "node1\n");
  EXPECT_EQ(run(*node, "cat /proc/1/comm"), "kpp-lab-init\n");
  EXPECT_EQ(run(*node, "cat /etc/resolv.conf"), "nameserver 192.0.2.53\n");
  EXPECT_EQ(run(*node, "cat /etc/hosts"),
            cat("127.0.0.1\tlocalhost\n", node->address, "\tnode1\n"));
  EXPECT_EQ(run(*node, "ls /sys/class/net"), "eth0\nlo\n");
  EXPECT_EQ(run(*node, "cat /proc/sys/net/ipv4/ip_forward"), "1\n");
  EXPECT_EQ(run(*node, "sort -u /proc/self/cgroup | cut -d: -f3 | sort -u"), "/\n");
  EXPECT_EQ(run(*node, "stat -f -c %T /"), "overlayfs\n");
  // What it writes to its root stays in its overlay; what it writes to a bind is the machine's.
  EXPECT_EQ(run(*node, cat("echo x > /kpp-lab-test; echo y > ", data, "/file")), "");
  EXPECT_FALSE(fs::exists("/kpp-lab-test"));
  EXPECT_EQ(fs::read_file(cat(data, "/file")).value_or(""), "y\n");
  // The machine is one hop away, and nothing else.
  EXPECT_EQ(run(*node, cat("busybox ping -c 1 -W 2 ", node->gateway, " >/dev/null && echo seen")),
            "seen\n");
  EXPECT_EQ(run(*node, "ip -4 -o addr show eth0 | wc -l"), "1\n");
  EXPECT_EQ(run(*node, "ip route | head -1"), cat("default via ", node->gateway, " dev eth0 \n"));
}

TEST_F(LabNode, DaemonOutlivesItsStarterAndBelongsToTheNodesInit) {
  auto lab = Lab::open(options_);
  ASSERT_TRUE(lab);
  const auto node = lab->create_node({.name = "node1", .address = "", .binds = {}, .files = {}});
  ASSERT_TRUE(node) << node.error().to_string();
  const auto pid = start_in_node(*node, {"sh", "-c", "echo up; exec sleep 1000"},
                                 cat(labs_, "/daemon.log"), {"ONE=1"});
  ASSERT_TRUE(pid) << pid.error().to_string();
  EXPECT_EQ(run(*node, "ps -o ppid= -C sleep | tr -d ' '"), "1\n");
  ASSERT_TRUE(lab->remove_node("node1").ok());
  EXPECT_FALSE(sys::process_start_time(*pid));
}

TEST_F(LabNode, NothingIsLeftBehind) {
  const Census before = Census::take();
  auto lab = Lab::open(options_);
  ASSERT_TRUE(lab);
  for (int round = 0; round < 2; ++round) {
    const auto node = lab->create_node({.name = "node1", .address = "", .binds = {}, .files = {}});
    ASSERT_TRUE(node) << node.error().to_string();
    // A tree of processes, groups, mounts and links of the node's own.
    EXPECT_EQ(run(*node,
                  "mkdir -p /sys/fs/cgroup/memory/kubepods/pod1; mount -t tmpfs x /mnt;"
                  "ip link add br0 type bridge; ip netns add inner; (sleep 1000 &) ; true"),
              "");
    const Census during = Census::take();
    EXPECT_GT(during.namespaces.size(), before.namespaces.size());
    EXPECT_EQ(during.mounts, before.mounts);
    EXPECT_EQ(during.links.size(), before.links.size() + 1);
  }
  ASSERT_TRUE(lab->remove().ok());
  const Census after = Census::take();
  for (const auto& ns : after.namespaces) EXPECT_TRUE(before.namespaces.contains(ns)) << ns;
  EXPECT_EQ(after.mounts, before.mounts);
  EXPECT_EQ(after.cgroups, before.cgroups);
  EXPECT_EQ(after.links, before.links);
  EXPECT_FALSE(fs::exists(lab->directory()));
}

TEST_F(LabNode, HalfMadeNodeIsRemovedByTheNextOne) {
  auto lab = Lab::open(options_);
  ASSERT_TRUE(lab);
  // A mount point that cannot be made stops init half way.
  NodeSpec broken{
      .name = "node1", .address = "", .binds = {{"/no/such/source", "/x"}}, .files = {}};
  EXPECT_FALSE(lab->create_node(broken));
  EXPECT_FALSE(fs::exists(cat(lab->directory(), "/node1")));
  // The memory of a running node is lost: its processes are still found.
  ASSERT_TRUE(lab->create_node({.name = "node1", .address = "", .binds = {}, .files = {}}));
  ASSERT_TRUE(fs::remove_all(cat(lab->directory(), "/node1/state")).ok());
  EXPECT_FALSE(lab->node("node1"));
  const auto node = lab->create_node({.name = "node1", .address = "", .binds = {}, .files = {}});
  ASSERT_TRUE(node) << node.error().to_string();
  EXPECT_EQ(run(*node, "echo alive"), "alive\n");
}

TEST_F(LabNode, BridgedNodesSeeEachOther) {
  options_.bridged = true;
  auto lab = Lab::open(options_);
  ASSERT_TRUE(lab);
  const auto one = lab->create_node({.name = "node1", .address = "", .binds = {}, .files = {}});
  ASSERT_TRUE(one) << one.error().to_string();
  const auto two = lab->create_node({.name = "node2", .address = "", .binds = {}, .files = {}});
  ASSERT_TRUE(two) << two.error().to_string();
  EXPECT_EQ(one->gateway, two->gateway);
  EXPECT_NE(one->address, two->address);
  EXPECT_EQ(run(*one, cat("busybox ping -c 1 -W 2 ", two->address, " >/dev/null && echo seen")),
            "seen\n");
  ASSERT_TRUE(lab->remove().ok());
  EXPECT_FALSE(sys::link_exists(bridge_name(options_.name)));
}

TEST_F(LabNode, MachinesHaveARuntimeSeeEachOtherAndLeaveNothing) {
  const Census before = Census::take();
  const auto machines = parse_machines("class,class2");
  ASSERT_TRUE(machines);
  std::vector<std::string> steps;
  const MachinesOptions machines_options{.lab = options_, .machines = *machines, .program = tool()};
  for (int round = 0; round < 2; ++round) {
    const Status made = make_machines(machines_options, [&](const auto& s) { steps.push_back(s); });
    ASSERT_TRUE(made.ok()) << made.to_string();
  }
  EXPECT_EQ(steps[1], "machine class2 at 192.168.1.8");
  // The bridge is in a namespace of the lab's.
  EXPECT_EQ(Census::take().links, before.links);
  EXPECT_EQ(Census::take().mounts, before.mounts);
  auto lab = Lab::open(options_);
  const auto one = lab->node("class");
  const auto two = lab->node("class2");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(run(*one, "busybox ping -c 1 -W 2 class2 >/dev/null && echo seen"), "seen\n");
  EXPECT_EQ(run(*two, "busybox ping -c 1 -W 2 192.168.1.12 >/dev/null && echo seen"), "seen\n");
  EXPECT_EQ(run(*one, "command -v kubeadm; command -v kubelet"),
            "/usr/local/bin/kubeadm\n/usr/local/bin/kubelet\n");
  EXPECT_NE(run(*one, "cat /etc/machine-id"), run(*two, "cat /etc/machine-id"));
  EXPECT_EQ(run(*two, "ps -e -o comm= | grep -v -e ps -e sh -e grep -e sort | sort"),
            "containerd\nkpp-lab-init\n");
  EXPECT_EQ(run(*one, "ctr version >/dev/null && echo answers"), "answers\n");
  // What one writes to the shared directory the other reads.
  EXPECT_EQ(run(*one, "echo x > /srv/shared/file"), "");
  EXPECT_EQ(run(*two, "cat /srv/shared/file"), "x\n");
  ASSERT_TRUE(lab->remove().ok());
  const Census after = Census::take();
  for (const auto& ns : after.namespaces) EXPECT_TRUE(before.namespaces.contains(ns)) << ns;
  EXPECT_EQ(after.mounts, before.mounts);
  EXPECT_EQ(after.cgroups, before.cgroups);
  EXPECT_EQ(after.links, before.links);
  EXPECT_FALSE(fs::exists(lab->directory()));
}

TEST_F(LabNode, LostSwitchIsFoundByItsControlGroup) {
  const Census before = Census::take();
  options_.network = "192.168.1.0/24";
  auto lab = Lab::open(options_);
  ASSERT_TRUE(lab->create_node({.name = "node1", .address = "", .binds = {}, .files = {}}));
  ASSERT_TRUE(fs::remove_all(cat(lab->directory(), "/.switch/state")).ok());
  ASSERT_TRUE(lab->remove().ok());
  for (const auto& ns : Census::take().namespaces) EXPECT_TRUE(before.namespaces.contains(ns));
}

}  // namespace
}  // namespace kpp::lab
