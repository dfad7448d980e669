#include "apiserver/audit/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/cat.h"
#include "base/fs.h"

namespace kpp::apiserver {
namespace {

constexpr std::size_t kMegabyte = 1u << 20;

Status io_error(std::string_view what, const std::string& path) {
  return {Reason::kIo, cat("audit log: ", what, " ", path, ": ", std::strerror(errno))};
}

// audit.log -> directory, "audit-" and ".log": between the two stands the time.
struct Parts {
  std::string directory, stem, ending;
};
Parts parts_of(const std::string& path) {
  Parts out;
  const auto slash = path.rfind('/');
  out.directory = slash == std::string::npos ? "." : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const auto dot = name.rfind('.');
  out.stem = cat(name.substr(0, dot), "-");
  if (dot != std::string::npos) out.ending = name.substr(dot);
  return out;
}

// 2026-01-02T15-04-05.000: sorts by time, and holds nothing that a file name may not.
std::string name_of_time(WallTime now) {
  std::string out = rfc3339_micro(now).substr(0, 23);
  for (char& c : out) {
    if (c == ':') c = '-';
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<AuditLogFile>> AuditLogFile::open(AuditLogOptions options) {
  std::unique_ptr<AuditLogFile> out(new AuditLogFile(std::move(options)));
  KPP_RETURN_IF_ERROR(out->open_file());
  return out;
}

AuditLogFile::~AuditLogFile() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

Status AuditLogFile::open_file() {
  if (options_.path == "-") {
    fd_ = STDOUT_FILENO;
    return {};
  }
  KPP_RETURN_IF_ERROR(fs::make_directories(parts_of(options_.path).directory, 0700));
  fd_ = ::open(options_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd_ < 0) return io_error("opening", options_.path);
  struct stat found{};
  size_ = ::fstat(fd_, &found) == 0 ? static_cast<std::size_t>(found.st_size) : 0;
  return {};
}

Status AuditLogFile::put_aside(WallTime now) {
  const Parts parts = parts_of(options_.path);
  const std::string aside = cat(parts.directory, "/", parts.stem, name_of_time(now), parts.ending);
  if (::rename(options_.path.c_str(), aside.c_str()) != 0) return io_error("renaming", aside);
  ::close(std::exchange(fd_, -1));
  KPP_RETURN_IF_ERROR(open_file());
  remove_old(now);
  return {};
}

void AuditLogFile::remove_old(WallTime now) const {
  const Parts parts = parts_of(options_.path);
  const auto names = fs::list(parts.directory);
  if (!names) return;
  std::vector<std::string> aside;  // oldest first
  const std::size_t length = parts.stem.size() + name_of_time(now).size() + parts.ending.size();
  for (const auto& name : *names) {
    if (name.size() == length && name.starts_with(parts.stem) && name.ends_with(parts.ending))
      aside.push_back(name);
  }
  const std::string oldest =
      cat(parts.stem, name_of_time(now - std::chrono::hours(24) * options_.max_age_days));
  for (std::size_t i = 0; i < aside.size(); ++i) {
    const std::size_t newer = aside.size() - i - 1;
    const bool many =
        options_.max_backups > 0 && newer >= static_cast<std::size_t>(options_.max_backups);
    if (many || (options_.max_age_days > 0 && aside[i] < oldest))
      ::unlink(cat(parts.directory, "/", aside[i]).c_str());
  }
}

Status AuditLogFile::append(std::string_view line, WallTime now) {
  if (options_.path != "-" && size_ > 0 && size_ + line.size() > options_.max_size * kMegabyte)
    KPP_RETURN_IF_ERROR(put_aside(now));
  while (!line.empty()) {
    const ssize_t written = ::write(fd_, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return io_error("writing", options_.path);
    line.remove_prefix(static_cast<std::size_t>(written));
    size_ += static_cast<std::size_t>(written);
  }
  return {};
}

}  // namespace kpp::apiserver
