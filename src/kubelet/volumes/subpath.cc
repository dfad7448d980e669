#include "kubelet/volumes/subpath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/cat.h"
#include "base/fs.h"
#include "linux/mounts.h"

namespace kpp::kubelet {
namespace {

// Closes it.
class Handle {
 public:
  explicit Handle(int fd) : fd_(fd) {}
  Handle(Handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Handle() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<Handle> open_volume(const std::string& volume) {
  const int fd = ::open(volume.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(errno_status(volume, errno));
  return Handle(fd);
}

// Never leaves the directory, whatever links there are; the kernel sees to it. -1 with errno.
int open_beneath(int directory, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(
      ::syscall(SYS_openat2, directory, path.empty() ? "." : path.c_str(), &how, sizeof how));
}

}  // namespace

Status make_subpath(const std::string& volume, const std::string& subpath) {
  struct stat info{};
  if (::stat(cat(volume, "/", subpath).c_str(), &info) == 0) return {};
  KPP_ASSIGN(const Handle root, open_volume(volume));
  if (::fstat(root.get(), &info) != 0) return errno_status(volume, errno);
  const mode_t mode = info.st_mode & 07777U;
  std::string path;
  Handle parent(open_beneath(root.get(), ""));
  for (std::size_t from = 0; from < subpath.size();) {
    std::size_t to = subpath.find('/', from);
    if (to == std::string::npos) to = subpath.size();
    const std::string part = subpath.substr(from, to - from);
    from = to + 1;
    if (part.empty() || part == ".") continue;
    path += path.empty() ? part : "/" + part;
    int fd = open_beneath(root.get(), path);
    if (fd < 0 && errno == ENOENT) {
      if (::mkdirat(parent.get(), part.c_str(), mode) != 0)
        return errno_status(cat("mkdir ", path), errno);
      if (::fchmodat(parent.get(), part.c_str(), mode, 0) != 0)
        return errno_status(cat("chmod ", path), errno);
      fd = open_beneath(root.get(), path);
    }
    if (fd < 0) return errno_status(path, errno);
    parent = Handle(fd);
  }
  return {};
}

Status bind_subpath(const std::string& volume, const std::string& subpath,
                    const std::string& target) {
  KPP_ASSIGN(const Handle root, open_volume(volume));
  const Handle source(open_beneath(root.get(), subpath));
  if (source.get() < 0) return errno_status(subpath, errno);
  struct stat wanted{};
  if (::fstat(source.get(), &wanted) != 0) return errno_status(subpath, errno);
  if (fs::exists(target)) {
    KPP_ASSIGN(const bool mounted, sys::is_mount_point(target));
    struct stat there{};
    if (mounted && ::stat(target.c_str(), &there) == 0 && there.st_dev == wanted.st_dev &&
        there.st_ino == wanted.st_ino) {
      return {};
    }
    if (mounted) KPP_RETURN_IF_ERROR(sys::unmount_tree(target));
    KPP_RETURN_IF_ERROR(fs::remove_all(target));
  }
  if (S_ISDIR(wanted.st_mode)) {
    KPP_RETURN_IF_ERROR(fs::make_directories(target, 0750));
  } else {
    KPP_RETURN_IF_ERROR(fs::make_directories(target.substr(0, target.rfind('/')), 0750));
    KPP_RETURN_IF_ERROR(fs::write_file_atomic(target, "", 0640));
  }
  // By the open file: the path may be another by now.
  const std::string by_handle = cat("/proc/self/fd/", source.get());
  return sys::bind_mount(by_handle, target, true);
}

}  // namespace kpp::kubelet
