#include "linux/cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>
#include <thread>

#include "base/fs.h"
#include "linux/fd.h"
#include "linux/mounts.h"

namespace kpp::sys {
namespace {

constexpr std::int64_t kDefaultPeriodUs = 100'000;

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

// Control files take one write each, and are neither created nor renamed.
Status write_control(const std::string& path, std::string_view value) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!fd.valid()) return errno_status(cat("open ", path), errno);
  if (::write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    return errno_status(cat("writing ", value, " to ", path), errno);
  }
  return {};
}

Status write_control(const std::string& path, std::int64_t value) {
  return write_control(path, cat(value));
}

Result<std::string> read_control(const std::string& path) {
  KPP_ASSIGN(const std::string text, fs::read_file(path));
  return std::string(trim(text));
}

Result<std::uint64_t> read_number(const std::string& path) {
  KPP_ASSIGN(const std::string text, read_control(path));
  std::uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
    return fail(Reason::kIo, cat(path, " holds no number: ", quoted(text)));
  }
  return value;
}

// "name value" lines: memory.stat, cpu.stat. 0 if the name is not there.
std::uint64_t keyed_number(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, "\n")) {
    const auto parts = split(line, " ");
    std::uint64_t value = 0;
    if (parts.size() == 2 && parts[0] == key) {
      std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), value);
      return value;
    }
  }
  return 0;
}

std::vector<std::string> children(const std::string& directory) {
  std::vector<std::string> out;
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return out;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..")
      out.push_back(cat(directory, "/", name));
  }
  ::closedir(dir);
  return out;
}

// One pass over a tree, leaves first. The errno of the last group that would not go, or 0.
int remove_groups(const std::string& directory) {
  int error = 0;
  for (const std::string& child : children(directory)) {
    if (const int e = remove_groups(child); e != 0) error = e;
  }
  if (::rmdir(directory.c_str()) != 0 && errno != ENOENT) error = errno;
  return error;
}

// "/a/b/c" -> "/a", "/a/b", "/a/b/c"
std::vector<std::string> with_parents(std::string_view group) {
  std::vector<std::string> out;
  for (std::size_t i = 1; i <= group.size(); ++i) {
    if ((i == group.size() || group[i] == '/') && group[i - 1] != '/')
      out.emplace_back(group.substr(0, i));
  }
  return out;
}

std::string parent_of(std::string_view directory) {
  return std::string(directory.substr(0, directory.rfind('/')));
}

Status make_group(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return errno_status(cat("making cgroup ", directory), errno);
  }
  return {};
}

// A new cpuset is empty, and accepts no process until it has CPUs and memory nodes.
Status fill_cpuset(const std::string& directory) {
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    const std::string path = cat(directory, "/", file);
    KPP_ASSIGN(const std::string own, read_control(path));
    if (!own.empty()) continue;
    KPP_ASSIGN(const std::string inherited, read_control(cat(parent_of(directory), "/", file)));
    if (!inherited.empty()) KPP_RETURN_IF_ERROR(write_control(path, inherited));
  }
  return {};
}

// Lets the children of a v2 group use its controllers. The root of a tree that holds processes of
// its own refuses some; what is refused shows when a limit is applied.
void enable_controllers(const std::string& directory) {
  const auto available = read_control(cat(directory, "/cgroup.controllers"));
  if (!available) return;
  for (const std::string_view controller : split(*available, " ")) {
    (void)write_control(cat(directory, "/cgroup.subtree_control"), cat("+", controller));
  }
}

}  // namespace

std::int64_t cpu_weight_from_shares(std::int64_t shares) {
  shares = std::clamp<std::int64_t>(shares, 2, 262'144);
  return 1 + (shares - 2) * 9999 / 262'142;
}

Result<Cgroups> Cgroups::discover() {
  KPP_ASSIGN(const std::vector<Mount> mounts, list_mounts());
  static const std::set<std::string_view> kKnown = {
      "cpu",     "cpuacct", "cpuset",   "memory",     "devices", "freezer", "blkio",       "pids",
      "hugetlb", "net_cls", "net_prio", "perf_event", "rdma",    "misc",    "name=systemd"};
  std::map<std::string, std::string> trees;
  std::string unified;
  for (const Mount& mount : mounts) {
    if (mount.type == "cgroup2") unified = mount.target;
    if (mount.type != "cgroup") continue;
    for (const std::string_view option : split(mount.super_options, ",")) {
      if (kKnown.contains(option)) trees[std::string(option)] = mount.target;
    }
  }
  if (trees.contains("cpu") || trees.contains("memory")) return v1(std::move(trees));
  if (!unified.empty()) return v2(std::move(unified));
  return fail(Reason::kNotFound,
              "no cgroups are mounted; mount them: mount -t cgroup2 none /sys/fs/cgroup");
}

Cgroups Cgroups::v1(std::map<std::string, std::string> directories) {
  return {CgroupVersion::kV1, std::move(directories)};
}

Cgroups Cgroups::v2(std::string directory) {
  return {CgroupVersion::kV2, {{"", std::move(directory)}}};
}

std::string Cgroups::directory(std::string_view controller, std::string_view group) const {
  const auto tree =
      trees_.find(version_ == CgroupVersion::kV2 ? std::string() : std::string(controller));
  if (tree == trees_.end()) return {};
  return group == "/" ? tree->second : cat(tree->second, group);
}

Status Cgroups::create(std::string_view group) const {
  for (const auto& [controller, tree] : trees_) {
    if (version_ == CgroupVersion::kV2) enable_controllers(tree);
    for (const std::string& step : with_parents(group)) {
      const std::string directory = cat(tree, step);
      KPP_RETURN_IF_ERROR(make_group(directory));
      if (controller == "cpuset") KPP_RETURN_IF_ERROR(fill_cpuset(directory));
      if (version_ == CgroupVersion::kV2 && step != group) enable_controllers(directory);
    }
  }
  return {};
}

bool Cgroups::exists(std::string_view group) const {
  return !trees_.empty() && std::ranges::all_of(trees_, [&](const auto& tree) {
    return fs::exists(cat(tree.second, group));
  });
}

Status Cgroups::remove(std::string_view group, std::chrono::milliseconds deadline) const {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (true) {
    std::string stuck;
    int error = 0;
    for (const auto& [controller, tree] : trees_) {
      const std::string directory = cat(tree, group);
      if (const int e = remove_groups(directory); e != 0) {
        error = e;
        stuck = directory;
      }
    }
    if (error == 0) return {};
    if (error != EBUSY && error != ENOTEMPTY)
      return errno_status(cat("removing cgroup ", stuck), error);
    if (std::chrono::steady_clock::now() >= end) {
      return {Reason::kTimeout, cat("cgroup ", stuck, " still holds processes")};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Status Cgroups::apply(std::string_view group, const CgroupLimits& limits) const {
  const bool two = version_ == CgroupVersion::kV2;
  const std::string cpu = directory("cpu", group);
  const std::string memory = directory("memory", group);
  const std::string pids = directory("pids", group);
  const std::int64_t period = limits.cpu_period_us.value_or(kDefaultPeriodUs);
  const auto or_max = [](std::int64_t value) {
    return value < 0 ? std::string("max") : cat(value);
  };
  if (limits.cpu_shares) {
    KPP_RETURN_IF_ERROR(
        two ? write_control(cat(cpu, "/cpu.weight"), cpu_weight_from_shares(*limits.cpu_shares))
            : write_control(cat(cpu, "/cpu.shares"), *limits.cpu_shares));
  }
  if (limits.cpu_quota_us && two) {
    KPP_RETURN_IF_ERROR(
        write_control(cat(cpu, "/cpu.max"), cat(or_max(*limits.cpu_quota_us), " ", period)));
  } else if (limits.cpu_quota_us) {
    KPP_RETURN_IF_ERROR(write_control(cat(cpu, "/cpu.cfs_period_us"), period));
    KPP_RETURN_IF_ERROR(write_control(cat(cpu, "/cpu.cfs_quota_us"), *limits.cpu_quota_us));
  }
  if (limits.memory_bytes) {
    KPP_RETURN_IF_ERROR(
        two ? write_control(cat(memory, "/memory.max"), or_max(*limits.memory_bytes))
            : write_control(cat(memory, "/memory.limit_in_bytes"), *limits.memory_bytes));
  }
  if (limits.pids) {
    KPP_RETURN_IF_ERROR(write_control(cat(pids, "/pids.max"), or_max(*limits.pids)));
  }
  return {};
}

Result<CgroupUsage> Cgroups::usage(std::string_view group) const {
  const bool two = version_ == CgroupVersion::kV2;
  const std::string memory = directory("memory", group);
  CgroupUsage usage;
  KPP_ASSIGN(const std::string stat, read_control(cat(memory, "/memory.stat")));
  KPP_ASSIGN(usage.memory_bytes,
             read_number(cat(memory, two ? "/memory.current" : "/memory.usage_in_bytes")));
  const std::uint64_t inactive = keyed_number(stat, two ? "inactive_file" : "total_inactive_file");
  usage.memory_working_set_bytes = usage.memory_bytes - std::min(inactive, usage.memory_bytes);
  if (two) {
    KPP_ASSIGN(const std::string cpu, read_control(cat(directory("cpu", group), "/cpu.stat")));
    usage.cpu_ns = keyed_number(cpu, "usage_usec") * 1000;
  } else {
    KPP_ASSIGN(usage.cpu_ns, read_number(cat(directory("cpuacct", group), "/cpuacct.usage")));
  }
  return usage;
}

Result<std::vector<pid_t>> Cgroups::processes(std::string_view group) const {
  const std::string tree = trees_.contains("memory") ? "memory" : trees_.begin()->first;
  KPP_ASSIGN(const std::string text, fs::read_file(cat(directory(tree, group), "/cgroup.procs")));
  std::vector<pid_t> out;
  for (const std::string_view line : split(text, "\n")) {
    pid_t pid = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), pid).ec == std::errc())
      out.push_back(pid);
  }
  return out;
}

Status Cgroups::move_process(std::string_view group, pid_t pid) const {
  for (const std::string& file : procs_files(group)) KPP_RETURN_IF_ERROR(write_control(file, pid));
  return {};
}

std::vector<std::string> Cgroups::procs_files(std::string_view group) const {
  std::set<std::string> files;
  for (const auto& [controller, tree] : trees_) files.insert(cat(tree, group, "/cgroup.procs"));
  return {files.begin(), files.end()};
}

std::vector<CgroupMembership> parse_memberships(std::string_view text) {
  std::vector<CgroupMembership> out;
  for (const std::string_view line : split(text, "\n")) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    CgroupMembership membership;
    for (const auto c : split(line.substr(first + 1, second - first - 1), ",")) {
      membership.controllers.emplace_back(c);
    }
    membership.path = line.substr(second + 1);
    out.push_back(std::move(membership));
  }
  return out;
}

Result<std::vector<CgroupMembership>> memberships(pid_t pid) {
  KPP_ASSIGN(const std::string text, fs::read_file(cat("/proc/", pid, "/cgroup")));
  return parse_memberships(text);
}

}  // namespace kpp::sys
