#include "linux/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/fs.h"
#include "linux/fd.h"

namespace kpp::sys {
namespace {

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) { return at < text.size() ? text[at] - '0' : -1; };
    const bool octal = text[i] == '\\' && digit(i + 1) >= 0 && digit(i + 1) <= 3 &&
                       digit(i + 2) >= 0 && digit(i + 2) <= 7 && digit(i + 3) >= 0 &&
                       digit(i + 3) <= 7;
    if (octal) {
      out.push_back(static_cast<char>(digit(i + 1) * 64 + digit(i + 2) * 8 + digit(i + 3)));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool to_int(std::string_view text, int& value) {
  const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
  return r.ec == std::errc() && r.ptr == text.data() + text.size();
}

// 36 35 98:0 /root /target rw,noatime master:1 - ext4 /dev/root rw,errors=continue
bool parse_line(std::string_view line, Mount& mount) {
  const std::vector<std::string_view> f = split(line, ' ');
  if (f.size() < 9 || !to_int(f[0], mount.id) || !to_int(f[1], mount.parent)) return false;
  mount.root = unescape(f[3]);
  mount.target = unescape(f[4]);
  mount.options = f[5];
  std::size_t i = 6;
  for (; i < f.size() && f[i] != "-"; ++i) {
    mount.propagation = cat(mount.propagation, mount.propagation.empty() ? "" : " ", f[i]);
  }
  if (i + 3 > f.size()) return false;
  mount.type = f[i + 1];
  mount.source = unescape(f[i + 2]);
  if (i + 3 < f.size()) mount.super_options = f[i + 3];
  return true;
}

bool at_or_below(const std::string& target, const std::string& path) {
  return target == path || path == "/" || (target.starts_with(path) && target[path.size()] == '/');
}

}  // namespace

Result<std::vector<Mount>> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    Mount mount;
    if (!parse_line(line, mount)) return fail(Reason::kCorrupt, cat("no mount: ", quoted(line)));
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

Result<std::vector<Mount>> list_mounts() {
  KPP_ASSIGN(const std::string text, fs::read_file("/proc/self/mountinfo"));
  return parse_mountinfo(text);
}

Result<bool> is_mount_point(const std::string& path) {
  KPP_ASSIGN(const std::vector<Mount> mounts, list_mounts());
  return std::ranges::any_of(mounts, [&](const Mount& m) { return m.target == path; });
}

Status mount_fs(const std::string& type, const std::string& source, const std::string& target,
                unsigned long flags, const std::string& data) {
  if (::mount(source.c_str(), target.c_str(), type.c_str(), flags, data.c_str()) != 0) {
    return errno_status(cat("mounting ", type, " at ", target), errno);
  }
  return {};
}

Status bind_mount(const std::string& source, const std::string& target, bool recursive,
                  bool read_only) {
  const unsigned long flags = MS_BIND | (recursive ? MS_REC : 0UL);
  if (::mount(source.c_str(), target.c_str(), nullptr, flags, nullptr) != 0) {
    return errno_status(cat("binding ", source, " at ", target), errno);
  }
  if (read_only &&
      ::mount(nullptr, target.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
    return errno_status(cat("making ", target, " read-only"), errno);
  }
  return {};
}

Status mount_tmpfs(const std::string& target, const std::string& options, bool restricted) {
  return mount_fs("tmpfs", "tmpfs", target, restricted ? MS_NOSUID | MS_NODEV : 0, options);
}

Status mount_overlay(const std::string& lower, const std::string& upper, const std::string& work,
                     const std::string& target) {
  return mount_fs("overlay", "overlay", target, 0,
                  cat("lowerdir=", lower, ",upperdir=", upper, ",workdir=", work));
}

Status set_propagation(const std::string& target, Propagation propagation, bool recursive) {
  unsigned long flags = recursive ? MS_REC : 0UL;
  switch (propagation) {
    case Propagation::kPrivate:
      flags |= MS_PRIVATE;
      break;
    case Propagation::kShared:
      flags |= MS_SHARED;
      break;
    case Propagation::kSlave:
      flags |= MS_SLAVE;
      break;
  }
  if (::mount(nullptr, target.c_str(), nullptr, flags, nullptr) != 0) {
    return errno_status(cat("setting propagation of ", target), errno);
  }
  return {};
}

Status unmount_tree(const std::string& path) {
  KPP_ASSIGN(const std::vector<Mount> mounts, list_mounts());
  for (auto mount = mounts.rbegin(); mount != mounts.rend(); ++mount) {
    if (!at_or_below(mount->target, path)) continue;
    // EINVAL: gone meanwhile, with a mount that this one was a copy of.
    if (::umount2(mount->target.c_str(), UMOUNT_NOFOLLOW) == 0 || errno == EINVAL) continue;
    if (errno == EBUSY && ::umount2(mount->target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
      continue;
    }
    if (errno != ENOENT) return errno_status(cat("unmounting ", mount->target), errno);
  }
  return {};
}

Status switch_root(const std::string& new_root) {
  const Fd old(::open("/", O_DIRECTORY | O_RDONLY | O_CLOEXEC));
  const Fd next(::open(new_root.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC));
  if (!old.valid() || !next.valid()) return errno_status(cat("open ", new_root), errno);
  // The old root is stacked on the new one and taken off from there; no directory is needed to hold
  // it.
  if (::fchdir(next.get()) != 0) return errno_status("fchdir", errno);
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return errno_status("pivot_root", errno);
  if (::fchdir(old.get()) != 0) return errno_status("fchdir", errno);
  if (::umount2(".", MNT_DETACH) != 0) return errno_status("unmounting the old root", errno);
  if (::chdir("/") != 0) return errno_status("chdir /", errno);
  return {};
}

}  // namespace kpp::sys
