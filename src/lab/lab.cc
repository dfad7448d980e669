#include "lab/lab.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "base/fs.h"
#include "lab/node_network.h"
#include "linux/cgroups.h"
#include "linux/fd.h"
#include "linux/links.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace kpp::lab {
namespace {

constexpr std::chrono::seconds kEndOfNode{20};
constexpr std::chrono::seconds kEndOfCgroup{10};
constexpr int kBridgedPrefix = 24;
constexpr int kSinglePrefix = 30;

// Held while a network is picked and taken, so that two labs do not pick the same. The directory
// itself is locked.
Result<sys::Fd> lock_directory(const std::string& directory) {
  sys::Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail(errno_status(cat("open ", directory), errno));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(errno_status(cat("lock ", directory), errno));
  }
  return fd;
}

// The trees as seen from the caller's own group: what a lab makes stays below the limits of whoever
// started it. In version 2 a group with processes cannot have children with limits, so there the
// root is taken.
Result<sys::Cgroups> own_cgroups() {
  KPP_ASSIGN(const sys::Cgroups machine, sys::Cgroups::discover());
  if (machine.version() == sys::CgroupVersion::kV2) return machine;
  KPP_ASSIGN(const auto groups, sys::memberships(::getpid()));
  std::map<std::string, std::string> trees = machine.trees();
  for (const sys::CgroupMembership& membership : groups) {
    for (const std::string& controller : membership.controllers) {
      const auto tree = trees.find(controller);
      const bool below = membership.path != "/" && !membership.path.starts_with("/..");
      if (tree != trees.end() && below) tree->second += membership.path;
    }
  }
  return sys::Cgroups::v1(std::move(trees));
}

std::string group_name(const std::string& lab, const std::string& node) {
  return cat("/kpp-", lab, "-", node);
}

// The trees that a node was made in; those of the caller if that is not known.
Result<sys::Cgroups> cgroups_of(const StateFile& state) {
  const auto controllers = state.all("cgroup-controller");
  const auto trees = state.all("cgroup-tree");
  if (controllers.empty() || controllers.size() != trees.size()) return own_cgroups();
  if (controllers[0] == "v2") return sys::Cgroups::v2(trees[0]);
  std::map<std::string, std::string> map;
  for (std::size_t i = 0; i < trees.size(); ++i) map[controllers[i]] = trees[i];
  return sys::Cgroups::v1(std::move(map));
}

void remember(const sys::Cgroups& cgroups, StateFile& state) {
  for (const auto& [controller, tree] : cgroups.trees()) {
    state.add("cgroup-controller", controller.empty() ? "v2" : controller);
    state.add("cgroup-tree", tree);
  }
}

template <class T>
T number(std::string_view text) {
  T value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The init that a state names, if that very process still runs; else 0.
pid_t running_init(const StateFile& state) {
  const auto pid = number<pid_t>(state.get("init"));
  if (pid <= 0) return 0;
  const auto started = sys::process_start_time(pid);
  return started && *started == number<std::uint64_t>(state.get("init-start")) ? pid : 0;
}

std::string state_path(const std::string& node_directory) { return cat(node_directory, "/state"); }

// A half-made init is known to nobody: it is found by its cgroup.
Status end_processes(const sys::Cgroups& cgroups, const std::string& group,
                     const StateFile& state) {
  if (const pid_t init = running_init(state); init != 0) {
    KPP_RETURN_IF_ERROR(sys::kill_and_wait(init, kEndOfNode));
  }
  const auto rest = cgroups.processes(group);
  if (!rest) return {};
  for (const pid_t pid : *rest) KPP_RETURN_IF_ERROR(sys::kill_and_wait(pid, kEndOfNode));
  return {};
}

sys::ProcessPlace place_in(const Node& node, const sys::NamespaceSet& namespaces) {
  sys::ProcessPlace place;
  place.namespaces = &namespaces;
  place.cgroup_procs = node.cgroup_procs;
  place.working_directory = "/";
  return place;
}

}  // namespace

Result<Lab> Lab::open(LabOptions options) {
  KPP_RETURN_IF_ERROR(check_name("lab", options.name));
  std::string directory = cat(options.labs_directory, "/", options.name);
  KPP_RETURN_IF_ERROR(fs::make_directories(options.labs_directory));
  return Lab(std::move(options), std::move(directory));
}

Result<Node> Lab::create_node(const NodeSpec& spec) {
  KPP_RETURN_IF_ERROR(check_name("node", spec.name));
  KPP_RETURN_IF_ERROR(remove_node(spec.name));
  if (Status status = make_node(spec); !status.ok()) {
    // The first error is the one to tell; what cannot be removed now is removed by the next
    // attempt.
    (void)remove_node(spec.name);
    return fail(std::move(status).with_context(cat("making node ", spec.name)));
  }
  return node(spec.name);
}

Result<NodeLink> Lab::plan_link(const std::string& name) const {
  KPP_ASSIGN(std::vector<sys::Ipv4Network> used, sys::routed_networks());
  NodeLink link;
  link.link = link_name(options_.name, name);
  if (!options_.bridged) {
    KPP_ASSIGN(const sys::Ipv4Network network, pick_network(used, kSinglePrefix));
    link.gateway = network.host(1);
    link.address = network.host(2);
    link.prefix = kSinglePrefix;
    return link;
  }
  link.bridge = bridge_name(options_.name);
  link.prefix = kBridgedPrefix;
  // The first node brings the network, the others take further addresses of it.
  KPP_ASSIGN(const std::vector<Node> others, nodes());
  sys::Ipv4Network network;
  if (others.empty()) {
    KPP_ASSIGN(network, pick_network(used, kBridgedPrefix));
  } else {
    KPP_ASSIGN(network, sys::parse_ipv4_network(cat(others[0].gateway, "/", kBridgedPrefix)));
  }
  link.gateway = network.host(1);
  for (std::uint32_t n = 2; n < 255; ++n) {
    link.address = network.host(n);
    const bool taken = std::ranges::any_of(
        others, [&](const Node& other) { return other.address == link.address; });
    if (!taken) return link;
  }
  return fail(Reason::kServiceUnavailable, "the lab has no address left");
}

Status Lab::make_node(const NodeSpec& spec) {
  const std::string directory = node_directory(spec.name);
  for (const char* part : {"upper", "work", "root"}) {
    KPP_RETURN_IF_ERROR(fs::make_directories(cat(directory, "/", part)));
  }
  KPP_ASSIGN(const sys::Cgroups cgroups, own_cgroups());
  const std::string group = group_name(options_.name, spec.name);
  StateFile state;
  remember(cgroups, state);
  KPP_RETURN_IF_ERROR(state.save(state_path(directory)));
  KPP_RETURN_IF_ERROR(cgroups.create(group));
  if (const std::string cpuset = cgroups.directory("cpuset", group);
      cgroups.version() == sys::CgroupVersion::kV1 && !cpuset.empty()) {
    // Groups that are made inside the node, by whomever, start with its CPUs.
    const sys::Fd clone(
        ::open(cat(cpuset, "/cgroup.clone_children").c_str(), O_WRONLY | O_CLOEXEC));
    if (clone.valid() && ::write(clone.get(), "1", 1) != 1)
      return errno_status("clone_children", errno);
  }

  KPP_ASSIGN(const sys::Fd lock, lock_directory(options_.labs_directory));
  KPP_ASSIGN(const NodeLink link, plan_link(spec.name));
  InitSpec init_spec{spec, directory, link.address, cgroups.procs_files(group)};
  const std::string spec_file = cat(directory, "/spec");
  KPP_RETURN_IF_ERROR(to_state(init_spec).save(spec_file));
  sys::ProcessSpec start;
  start.argv = options_.init_command;
  start.argv.push_back(spec_file);
  KPP_ASSIGN(const sys::ProcessResult result, sys::run_process(start));
  if (!result.ok()) return {Reason::kIo, result.err.substr(0, result.err.find('\n'))};
  const auto init = number<pid_t>(result.out);
  KPP_ASSIGN(const std::uint64_t started, sys::process_start_time(init));
  state.add("init", cat(init));
  state.add("init-start", cat(started));
  state.add("address", link.address);
  state.add("gateway", link.gateway);
  KPP_RETURN_IF_ERROR(state.save(state_path(directory)));
  if (!link.bridge.empty()) {
    KPP_RETURN_IF_ERROR(make_bridge(link.bridge, link.gateway, link.prefix));
  }
  return connect_node(link, init);
}

Result<Node> Lab::node(const std::string& name) const {
  KPP_RETURN_IF_ERROR(check_name("node", name));
  const std::string directory = node_directory(name);
  const auto state = StateFile::load(state_path(directory));
  const pid_t init = state ? running_init(*state) : 0;
  if (init == 0) {
    return fail(Reason::kNotFound, cat("lab ", options_.name, " has no running node ", name));
  }
  KPP_ASSIGN(const sys::Cgroups cgroups, cgroups_of(*state));
  const std::string inner = cgroups.version() == sys::CgroupVersion::kV2 ? "/init" : "";
  return Node{name,
              state->get("address"),
              state->get("gateway"),
              directory,
              init,
              cgroups.procs_files(cat(group_name(options_.name, name), inner))};
}

Result<std::vector<Node>> Lab::nodes() const {
  std::vector<Node> out;
  const auto names = fs::list(directory_);
  if (!names) return out;
  for (const std::string& name : *names) {
    if (auto found = node(name)) out.push_back(std::move(*found));
  }
  return out;
}

Status Lab::remove_node(const std::string& name) {
  KPP_RETURN_IF_ERROR(check_name("node", name));
  const std::string directory = node_directory(name);
  const StateFile state = StateFile::load(state_path(directory)).value_or(StateFile());
  KPP_ASSIGN(const sys::Cgroups cgroups, cgroups_of(state));
  const std::string group = group_name(options_.name, name);
  KPP_RETURN_IF_ERROR(end_processes(cgroups, group, state));
  KPP_RETURN_IF_ERROR(sys::delete_link(link_name(options_.name, name)));
  KPP_RETURN_IF_ERROR(cgroups.remove(group, kEndOfCgroup));
  return fs::remove_all(directory);
}

Status Lab::remove() {
  if (const auto names = fs::list(directory_)) {
    for (const std::string& name : *names) KPP_RETURN_IF_ERROR(remove_node(name));
  }
  KPP_RETURN_IF_ERROR(sys::delete_link(bridge_name(options_.name)));
  return fs::remove_all(directory_);
}

std::vector<std::string> list_labs(const std::string& labs_directory) {
  return fs::list(labs_directory).value_or(std::vector<std::string>());
}

Result<sys::ProcessResult> run_in_node(const Node& node, sys::ProcessSpec spec) {
  KPP_ASSIGN(const sys::NamespaceSet namespaces, sys::NamespaceSet::of_process(node.init));
  spec.place = place_in(node, namespaces);
  return sys::run_process(spec);
}

Result<pid_t> start_in_node(const Node& node, std::vector<std::string> argv,
                            const std::string& log_file,
                            std::vector<std::string> extra_environment) {
  KPP_ASSIGN(const sys::NamespaceSet namespaces, sys::NamespaceSet::of_process(node.init));
  sys::DaemonSpec spec;
  spec.argv = std::move(argv);
  spec.log_file = log_file;
  spec.place = place_in(node, namespaces);
  if (!extra_environment.empty()) {
    for (char** entry = environ; *entry != nullptr; ++entry) extra_environment.emplace_back(*entry);
    spec.environment = std::move(extra_environment);
  }
  return sys::start_daemon(spec);
}

Result<int> enter_node(const Node& node, const std::vector<std::string>& argv) {
  KPP_ASSIGN(const sys::NamespaceSet namespaces, sys::NamespaceSet::of_process(node.init));
  return sys::run_attached(argv, place_in(node, namespaces));
}

}  // namespace kpp::lab
