#include "kubelet/cgroups/cgroup_names.h"

#include <algorithm>

#include "base/cat.h"

namespace kpp::kubelet {

std::string cgroupfs_path(const CgroupName& name) { return cat("/", join(name, "/")); }

std::string systemd_path(const CgroupName& name) {
  if (name.empty()) return "/";
  std::string path, unit;
  for (std::string step : name) {
    std::ranges::replace(step, '-', '_');
    unit += cat(unit.empty() ? "" : "-", step);
    path += cat("/", unit, ".slice");
  }
  return path;
}

std::string systemd_unit(const CgroupName& name) {
  const std::string path = systemd_path(name);
  return name.empty() ? "-.slice" : path.substr(path.rfind('/') + 1);
}

CgroupName cgroup_name(std::string_view path) {
  CgroupName out;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) out.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return out;
}

}  // namespace kpp::kubelet
