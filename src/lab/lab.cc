#include "lab/lab.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/fs.h"
#include "lab/init_process.h"
#include "lab/node_network.h"
#include "linux/cgroups.h"
#include "linux/fd.h"
#include "linux/links.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace kpp::lab {
namespace {

constexpr std::chrono::seconds kEndOfCgroup{10};
constexpr int kBridgedPrefix = 24;
constexpr int kSinglePrefix = 30;
// No node can be called so.
constexpr std::string_view kSwitch = ".switch";

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

std::string state_path(const std::string& node_directory) { return cat(node_directory, "/state"); }

// The address asked for, or the first that no other node has; the gateway has the first of all.
Result<std::string> free_address(const sys::Ipv4Network& network, const std::string& wanted,
                                 const std::vector<Node>& others) {
  const auto taken = [&](const std::string& address) {
    return std::ranges::any_of(others, [&](const Node& o) { return o.address == address; });
  };
  if (!wanted.empty()) {
    KPP_ASSIGN(const sys::Ipv4Network one, sys::parse_ipv4_network(wanted));
    if (!network.overlaps(one) || wanted == network.host(1)) {
      return fail(Reason::kInvalid,
                  cat("no node can have ", wanted, " in the lab's network ", network));
    }
    if (taken(wanted)) return fail(Reason::kInvalid, cat("another node has ", wanted));
    return wanted;
  }
  const std::uint32_t size = 1U << (32 - network.prefix);
  for (std::uint32_t n = 2; n + 1 < size; ++n) {
    if (!taken(network.host(n))) return network.host(n);
  }
  return fail(Reason::kServiceUnavailable, "the lab has no address left");
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

Result<NodeLink> Lab::plan_link(const NodeSpec& spec) const {
  NodeLink link;
  link.link = link_name(options_.name, spec.name);
  if (options_.network.empty() && !options_.bridged) {
    KPP_ASSIGN(const std::vector<sys::Ipv4Network> used, sys::routed_networks());
    KPP_ASSIGN(const sys::Ipv4Network network, pick_network(used, kSinglePrefix));
    link.gateway = network.host(1);
    link.address = network.host(2);
    link.prefix = kSinglePrefix;
    return link;
  }
  link.bridge = bridge_name(options_.name);
  // The first node brings the network, the others take further addresses of it.
  KPP_ASSIGN(const std::vector<Node> others, nodes());
  sys::Ipv4Network network;
  if (!options_.network.empty()) {
    KPP_ASSIGN(network, sys::parse_ipv4_network(options_.network));
  } else if (others.empty()) {
    KPP_ASSIGN(const std::vector<sys::Ipv4Network> used, sys::routed_networks());
    KPP_ASSIGN(network, pick_network(used, kBridgedPrefix));
  } else {
    KPP_ASSIGN(network, sys::parse_ipv4_network(cat(others[0].gateway, "/", kBridgedPrefix)));
  }
  link.prefix = network.prefix;
  link.gateway = network.host(1);
  KPP_ASSIGN(link.address, free_address(network, spec.address, others));
  return link;
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
  KPP_RETURN_IF_ERROR(prepare_group(cgroups, group));

  KPP_ASSIGN(const sys::Fd lock, lock_directory(options_.labs_directory));
  KPP_ASSIGN(NodeLink link, plan_link(spec));
  InitSpec init_spec{spec, directory, link.address, cgroups.procs_files(group)};
  KPP_ASSIGN(const pid_t init, start_init(options_.init_command, init_spec, state));
  state.add("address", link.address);
  state.add("gateway", link.gateway);
  state.add("note", spec.note);
  KPP_RETURN_IF_ERROR(state.save(state_path(directory)));
  if (!options_.network.empty()) {
    KPP_ASSIGN(link.network_of, ensure_switch());
  }
  if (!link.bridge.empty()) KPP_RETURN_IF_ERROR(make_bridge(link));
  return connect_node(link, init);
}

Result<pid_t> Lab::ensure_switch() {
  const std::string directory = node_directory(std::string(kSwitch));
  if (const auto known = StateFile::load(state_path(directory))) {
    if (const pid_t running = running_init(*known); running != 0) return running;
  }
  KPP_RETURN_IF_ERROR(remove_made(std::string(kSwitch)));
  KPP_RETURN_IF_ERROR(fs::make_directories(directory));
  KPP_ASSIGN(const sys::Cgroups cgroups, own_cgroups());
  const std::string group = group_name(options_.name, std::string(kSwitch));
  StateFile state;
  remember(cgroups, state);
  KPP_RETURN_IF_ERROR(state.save(state_path(directory)));
  KPP_RETURN_IF_ERROR(prepare_group(cgroups, group));
  InitSpec spec;
  spec.node.name = kSwitch;
  spec.directory = directory;
  spec.cgroup_procs = cgroups.procs_files(group);
  spec.network_only = true;
  KPP_ASSIGN(const pid_t init, start_init(options_.init_command, spec, state));
  KPP_RETURN_IF_ERROR(state.save(state_path(directory)));
  return init;
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
              cgroups.procs_files(cat(group_name(options_.name, name), inner)),
              state->get("note")};
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
  return remove_made(name);
}

Status Lab::remove_made(const std::string& name) {
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
    for (const std::string& name : *names) {
      if (check_name("node", name).ok()) KPP_RETURN_IF_ERROR(remove_node(name));
    }
  }
  KPP_RETURN_IF_ERROR(remove_made(std::string(kSwitch)));
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
