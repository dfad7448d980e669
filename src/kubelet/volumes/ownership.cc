#include "kubelet/volumes/ownership.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/cat.h"
#include "base/fs.h"

namespace kpp::kubelet {
namespace {

mode_t wanted_bits(bool directory, bool read_only) {
  mode_t bits = read_only ? 0440U : 0660U;
  if (directory) bits |= 02110U;
  return bits;
}

Status give_one(const std::string& path, const struct stat& info, gid_t group, bool read_only) {
  if (::lchown(path.c_str(), static_cast<uid_t>(-1), group) != 0)
    return errno_status(cat("lchown ", path), errno);
  if (S_ISLNK(info.st_mode)) return {};
  const mode_t mode = (info.st_mode & 07777U) | wanted_bits(S_ISDIR(info.st_mode), read_only);
  if (::chmod(path.c_str(), mode) != 0) return errno_status(cat("chmod ", path), errno);
  return {};
}

}  // namespace

Status give_to_group(const std::string& path, gid_t group, bool read_only,
                     bool unless_root_matches) {
  struct stat root{};
  if (::lstat(path.c_str(), &root) != 0) return errno_status(path, errno);
  const mode_t bits = wanted_bits(S_ISDIR(root.st_mode), read_only);
  if (unless_root_matches && root.st_gid == group && (root.st_mode & bits) == bits) return {};
  // The root last: an interrupted change is not taken for a whole one.
  std::vector<std::string> folders{path};
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    KPP_ASSIGN(const auto names, fs::list(folder));
    for (const auto& name : names) {
      const std::string child = cat(folder, "/", name);
      struct stat info{};
      if (::lstat(child.c_str(), &info) != 0) {
        if (errno == ENOENT) continue;
        return errno_status(child, errno);
      }
      if (S_ISDIR(info.st_mode)) folders.push_back(child);
      KPP_RETURN_IF_ERROR(give_one(child, info, group, read_only));
    }
  }
  return give_one(path, root, group, read_only);
}

}  // namespace kpp::kubelet
