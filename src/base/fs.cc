#include "base/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace kpp::fs {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Status remove_tree(const std::string& path, dev_t device) {
  struct stat st{};
  if (lstat(path.c_str(), &st) != 0) {
    return errno == ENOENT ? Status() : errno_status(cat("stat ", path), errno);
  }
  if (st.st_dev != device) {
    return Status(Reason::kIo, cat(path, " is a mount point; unmount it first"));
  }
  if (!S_ISDIR(st.st_mode)) {
    if (unlink(path.c_str()) != 0 && errno != ENOENT)
      return errno_status(cat("unlink ", path), errno);
    return {};
  }
  auto names = list(path);
  if (!names) return names.error();
  for (const auto& name : *names) KPP_RETURN_IF_ERROR(remove_tree(cat(path, "/", name), device));
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) return errno_status(cat("rmdir ", path), errno);
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return fail(errno_status(cat("open ", path), errno));
  std::string out;
  char buf[16384];
  while (true) {
    const ssize_t n = ::read(fd.get(), buf, sizeof buf);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_status(cat("read ", path), errno));
    if (n == 0) return out;
    out.append(buf, static_cast<std::size_t>(n));
    if (out.size() > limit) {
      return fail(Reason::kRequestEntityTooLarge, cat(path, " is larger than ", limit, " bytes"));
    }
  }
}

Status write_file_atomic(const std::string& path, std::string_view data, unsigned mode) {
  const std::string temporary = cat(path, ".tmp", getpid());
  {
    const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (fd.get() < 0) return errno_status(cat("create ", temporary), errno);
    if (fchmod(fd.get(), mode) != 0) return errno_status(cat("chmod ", temporary), errno);
    std::size_t done = 0;
    while (done < data.size()) {
      const ssize_t n = ::write(fd.get(), data.data() + done, data.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int error = errno;
        unlink(temporary.c_str());
        return errno_status(cat("write ", temporary), error);
      }
      done += static_cast<std::size_t>(n);
    }
    if (fsync(fd.get()) != 0) return errno_status(cat("fsync ", temporary), errno);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0)
    return errno_status(cat("rename to ", path), errno);
  return {};
}

Status make_directories(const std::string& path, unsigned mode) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    const std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), mode) != 0 && errno != EEXIST)
      return errno_status(cat("mkdir ", part), errno);
  }
  return {};
}

Status remove_all(const std::string& path) {
  struct stat st{};
  if (lstat(path.c_str(), &st) != 0) {
    return errno == ENOENT ? Status() : errno_status(cat("stat ", path), errno);
  }
  return remove_tree(path, st.st_dev);
}

bool exists(const std::string& path) {
  struct stat st{};
  return lstat(path.c_str(), &st) == 0;
}

Result<std::vector<std::string>> list(const std::string& path) {
  DIR* dir = opendir(path.c_str());
  if (dir == nullptr) return fail(errno_status(cat("open directory ", path), errno));
  std::vector<std::string> out;
  while (const dirent* entry = readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") out.emplace_back(name);
  }
  closedir(dir);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace kpp::fs
