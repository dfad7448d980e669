#include "lab/init_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "linux/fd.h"
#include "linux/process.h"

namespace kpp::lab {
namespace {

constexpr std::chrono::seconds kEndOfProcess{20};

template <class T>
T number(std::string_view text) {
  T value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Groups that are made inside a node, by whomever, start with its CPUs.
Status clone_cpus(const sys::Cgroups& cgroups, const std::string& group) {
  const std::string cpuset = cgroups.directory("cpuset", group);
  if (cgroups.version() != sys::CgroupVersion::kV1 || cpuset.empty()) return {};
  const sys::Fd clone(::open(cat(cpuset, "/cgroup.clone_children").c_str(), O_WRONLY | O_CLOEXEC));
  if (clone.valid() && ::write(clone.get(), "1", 1) != 1) {
    return errno_status("clone_children", errno);
  }
  return {};
}

}  // namespace

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

pid_t running_init(const StateFile& state) {
  const auto pid = number<pid_t>(state.get("init"));
  if (pid <= 0) return 0;
  const auto started = sys::process_start_time(pid);
  return started && *started == number<std::uint64_t>(state.get("init-start")) ? pid : 0;
}

// A half-made init is known to nobody: it is found by its cgroup.
Status end_processes(const sys::Cgroups& cgroups, const std::string& group,
                     const StateFile& state) {
  if (const pid_t init = running_init(state); init != 0) {
    KPP_RETURN_IF_ERROR(sys::kill_and_wait(init, kEndOfProcess));
  }
  const auto rest = cgroups.processes(group);
  if (!rest) return {};
  for (const pid_t pid : *rest) KPP_RETURN_IF_ERROR(sys::kill_and_wait(pid, kEndOfProcess));
  return {};
}

Status prepare_group(const sys::Cgroups& cgroups, const std::string& group) {
  KPP_RETURN_IF_ERROR(cgroups.create(group));
  return clone_cpus(cgroups, group);
}

Result<pid_t> start_init(const std::vector<std::string>& command, const InitSpec& spec,
                         StateFile& state) {
  const std::string spec_file = cat(spec.directory, "/spec");
  KPP_RETURN_IF_ERROR(to_state(spec).save(spec_file));
  sys::ProcessSpec start;
  start.argv = command;
  start.argv.push_back(spec_file);
  KPP_ASSIGN(const sys::ProcessResult result, sys::run_process(start));
  if (!result.ok()) return fail(Reason::kIo, result.err.substr(0, result.err.find('\n')));
  const auto init = number<pid_t>(result.out);
  KPP_ASSIGN(const std::uint64_t started, sys::process_start_time(init));
  state.add("init", cat(init));
  state.add("init-start", cat(started));
  return init;
}

}  // namespace kpp::lab
