#include "dockershim/docker_objects.h"

#include <algorithm>
#include <charconv>

#include "api/time_text.h"
#include "base/clock.h"

namespace kpp::dockershim {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

bool bool_at(const json::Value& value, std::string_view path) {
  const json::Value* found = json::find(value, path);
  return found != nullptr && found->is_bool() && found->as_bool();
}

std::string name_of(std::string_view name) {
  if (name.starts_with('/')) name.remove_prefix(1);
  return std::string(name);
}

// Links give a container more names; its own has no further slash.
std::string first_name(const json::Value* names) {
  for (const std::string& name : parse_texts(names)) {
    if (name.rfind('/') == 0) return name.substr(1);
  }
  return {};
}

std::vector<MountPoint> parse_mounts(const json::Value* mounts) {
  std::vector<MountPoint> out;
  if (mounts == nullptr || !mounts->is_array()) return out;
  for (const json::Value& mount : mounts->as_array()) {
    out.push_back({std::string(json::text_at(mount, "Source")),
                   std::string(json::text_at(mount, "Destination")),
                   std::string(json::text_at(mount, "Propagation")), bool_at(mount, "RW")});
  }
  return out;
}

}  // namespace

Labels parse_labels(const json::Value* object) {
  Labels out;
  if (object == nullptr || !object->is_object()) return out;
  for (const auto& [key, value] : object->as_object()) {
    if (value.is_string()) out.emplace(key, std::string_view(value.as_string()));
  }
  return out;
}

std::vector<std::string> parse_texts(const json::Value* array) {
  std::vector<std::string> out;
  if (array == nullptr || !array->is_array()) return out;
  for (const json::Value& item : array->as_array()) {
    if (item.is_string()) out.emplace_back(std::string_view(item.as_string()));
  }
  return out;
}

std::vector<ListedContainer> parse_containers(const json::Value& list) {
  std::vector<ListedContainer> out;
  if (!list.is_array()) return out;
  for (const json::Value& item : list.as_array()) {
    ListedContainer& container = out.emplace_back();
    container.id = json::text_at(item, "Id");
    container.name = first_name(json::find(item, "Names"));
    container.image = json::text_at(item, "Image");
    container.image_id = json::text_at(item, "ImageID");
    container.state = json::text_at(item, "State");
    container.created = json::int_at(item, "Created");
    container.size_rw = json::int_at(item, "SizeRw", -1);
    container.labels = parse_labels(json::find(item, "Labels"));
  }
  return out;
}

InspectedContainer parse_container(const json::Value& value) {
  InspectedContainer out;
  out.id = json::text_at(value, "Id");
  out.name = name_of(json::text_at(value, "Name"));
  out.image = json::text_at(value, "Config.Image");
  out.image_id = json::text_at(value, "Image");
  out.created = parse_nanoseconds(json::text_at(value, "Created"));
  out.started = parse_nanoseconds(json::text_at(value, "State.StartedAt"));
  out.finished = parse_nanoseconds(json::text_at(value, "State.FinishedAt"));
  out.running = bool_at(value, "State.Running");
  out.paused = bool_at(value, "State.Paused");
  out.oom_killed = bool_at(value, "State.OOMKilled");
  out.pid = json::int_at(value, "State.Pid");
  out.exit_code = static_cast<std::int32_t>(json::int_at(value, "State.ExitCode"));
  out.error = json::text_at(value, "State.Error");
  out.labels = parse_labels(json::find(value, "Config.Labels"));
  out.tty = bool_at(value, "Config.Tty");
  out.open_stdin = bool_at(value, "Config.OpenStdin");
  out.user = json::text_at(value, "Config.User");
  out.resolv_conf_path = json::text_at(value, "ResolvConfPath");
  out.network_mode = json::text_at(value, "HostConfig.NetworkMode");
  out.pid_mode = json::text_at(value, "HostConfig.PidMode");
  out.ipc_mode = json::text_at(value, "HostConfig.IpcMode");
  out.runtime = json::text_at(value, "HostConfig.Runtime");
  out.mounts = parse_mounts(json::find(value, "Mounts"));
  out.memory = json::int_at(value, "HostConfig.Memory");
  out.cpu_shares = json::int_at(value, "HostConfig.CpuShares");
  out.cpu_quota = json::int_at(value, "HostConfig.CpuQuota");
  out.cpu_period = json::int_at(value, "HostConfig.CpuPeriod");
  out.oom_score_adj = json::int_at(value, "HostConfig.OomScoreAdj");
  out.cpuset_cpus = json::text_at(value, "HostConfig.CpusetCpus");
  out.cpuset_mems = json::text_at(value, "HostConfig.CpusetMems");
  out.size_rw = json::int_at(value, "SizeRw", -1);
  return out;
}

std::int64_t parse_nanoseconds(std::string_view time) {
  const auto seconds = api::parse_time(time);
  if (!seconds || seconds->seconds <= 0) return 0;
  std::int64_t nanoseconds = 0;
  if (const std::size_t dot = time.find('.'); dot != std::string_view::npos) {
    std::int64_t unit = kSecond;
    for (const char digit : time.substr(dot + 1)) {
      if (digit < '0' || digit > '9' || unit == 1) break;
      unit /= 10;
      nanoseconds += (digit - '0') * unit;
    }
  }
  // Times beyond what nanoseconds can count are none that a container has.
  if (seconds->seconds > std::numeric_limits<std::int64_t>::max() / kSecond - 1) return 0;
  return seconds->seconds * kSecond + nanoseconds;
}

std::string nanoseconds_text(std::int64_t time) {
  std::string out = rfc3339(WallTime(Duration(time)));
  out.pop_back();
  return cat(out, ".", cat(time % kSecond + kSecond).substr(1), "Z");
}

}  // namespace kpp::dockershim
