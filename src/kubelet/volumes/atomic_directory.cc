#include "kubelet/volumes/atomic_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <set>

#include "base/fs.h"
#include "base/ids.h"
#include "linux/fd.h"

namespace kpp::kubelet {
namespace {

constexpr const char* kDataLink = "..data";
constexpr const char* kNewDataLink = "..data_tmp";

std::string link_target(const std::string& path) {
  char buffer[4096];
  const ssize_t n = ::readlink(path.c_str(), buffer, sizeof buffer);
  return n < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(n));
}

std::string time_stamped_name(WallTime now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(now));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  const auto n = std::strftime(text, sizeof text, "..%Y_%m_%d_%H_%M_%S.", &parts);
  const auto nanos = now.time_since_epoch().count() % 1'000'000'000;
  return std::string(text, n) + std::to_string(nanos);
}

// The mode of a file with what a shared group may do.
std::uint32_t file_mode(const PayloadFile& file, bool group) {
  return group ? file.mode | 0440u : file.mode;
}

Status write_file(const std::string& path, const PayloadFile& file,
                  std::optional<std::int64_t> group) {
  const sys::Fd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return errno_status(cat("open ", path), errno);
  std::size_t done = 0;
  while (done < file.data.size()) {
    const ssize_t n = ::write(fd.get(), file.data.data() + done, file.data.size() - done);
    if (n < 0) return errno_status(cat("write ", path), errno);
    done += static_cast<std::size_t>(n);
  }
  const auto uid = file.owner ? static_cast<uid_t>(*file.owner) : static_cast<uid_t>(-1);
  const auto gid = group ? static_cast<gid_t>(*group) : static_cast<gid_t>(-1);
  if ((file.owner || group) && ::fchown(fd.get(), uid, gid) != 0)
    return errno_status(cat("chown ", path), errno);
  if (::fchmod(fd.get(), file_mode(file, group.has_value())) != 0)
    return errno_status(cat("chmod ", path), errno);
  return {};
}

bool same_content(const std::string& data_dir, const Payload& payload, bool group) {
  std::set<std::string> present;
  std::vector<std::string> folders{""};
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    const auto names = fs::list(data_dir + "/" + folder);
    if (!names) return false;
    for (const auto& name : *names) {
      const std::string relative = folder.empty() ? name : cat(folder, "/", name);
      struct stat info{};
      if (::lstat((data_dir + "/" + relative).c_str(), &info) != 0) return false;
      if (S_ISDIR(info.st_mode)) {
        folders.push_back(relative);
        continue;
      }
      const auto it = payload.find(relative);
      if (it == payload.end() || (info.st_mode & 07777u) != file_mode(it->second, group))
        return false;
      const auto data = fs::read_file(data_dir + "/" + relative);
      if (!data || *data != it->second.data) return false;
      present.insert(relative);
    }
  }
  return present.size() == payload.size();
}

Status point_visible_names(const std::string& directory, const Payload& payload) {
  std::set<std::string> wanted;
  for (const auto& [path, file] : payload) wanted.insert(path.substr(0, path.find('/')));
  for (const auto& name : wanted) {
    const std::string link = directory + "/" + name;
    const std::string target = cat(kDataLink, "/", name);
    if (link_target(link) == target) continue;
    ::unlink(link.c_str());
    if (::symlink(target.c_str(), link.c_str()) != 0)
      return errno_status(cat("symlink ", link), errno);
  }
  KPP_ASSIGN(const auto names, fs::list(directory));
  for (const auto& name : names) {
    if (!name.starts_with("..") && !wanted.contains(name))
      ::unlink((directory + "/" + name).c_str());
  }
  return {};
}

}  // namespace

Status write_payload(const std::string& directory, const Payload& payload, WallTime now,
                     std::optional<std::int64_t> group) {
  const std::string old_name = link_target(cat(directory, "/", kDataLink));
  if (!old_name.empty() &&
      same_content(cat(directory, "/", old_name), payload, group.has_value())) {
    return point_visible_names(directory, payload);
  }
  const std::string new_name = time_stamped_name(now);
  const std::string new_dir = cat(directory, "/", new_name);
  KPP_RETURN_IF_ERROR(fs::make_directories(new_dir, 0755));
  if (group && ::chown(new_dir.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(*group)) != 0) {
    return errno_status(cat("chown ", new_dir), errno);
  }
  for (const auto& [path, file] : payload) {
    const std::size_t slash = path.rfind('/');
    if (slash != std::string::npos)
      KPP_RETURN_IF_ERROR(fs::make_directories(cat(new_dir, "/", path.substr(0, slash))));
    KPP_RETURN_IF_ERROR(write_file(cat(new_dir, "/", path), file, group));
  }
  const std::string link = cat(directory, "/", kDataLink);
  const std::string new_link = cat(directory, "/", kNewDataLink);
  ::unlink(new_link.c_str());
  if (::symlink(new_name.c_str(), new_link.c_str()) != 0)
    return errno_status(cat("symlink ", new_link), errno);
  if (::rename(new_link.c_str(), link.c_str()) != 0)
    return errno_status(cat("rename ", new_link), errno);
  KPP_RETURN_IF_ERROR(point_visible_names(directory, payload));
  if (!old_name.empty() && old_name != new_name)
    return fs::remove_all(cat(directory, "/", old_name));
  return {};
}

}  // namespace kpp::kubelet
