#include "dockershim/logs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fs.h"
#include "dockershim/docker_objects.h"
#include "dockershim/log_frames.h"
#include "linux/fd.h"

namespace kpp::dockershim {
namespace {

constexpr Duration kSettle = std::chrono::seconds(5);
constexpr Duration kPause = std::chrono::milliseconds(200);  // before Docker is asked again
constexpr Duration kLongPause = std::chrono::seconds(1);     // when there is no engine
constexpr std::size_t kTail = 64 << 10;
constexpr mode_t kFileMode = 0640;

Result<sys::Fd> open_log(const std::string& path) {
  sys::Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kFileMode));
  if (!fd.valid()) return fail(errno_status(cat("opening ", path), errno));
  return fd;
}

// The file is opened each time: it may have been moved away for another to take its place.
Status append_to(const std::string& path, std::string_view bytes) {
  KPP_ASSIGN(const sys::Fd fd, open_log(path));
  struct stat before{};
  if (::fstat(fd.get(), &before) != 0) return errno_status(path, errno);
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const Status status = errno_status(cat("writing ", path), errno);
      // No half of a line stays.
      (void)!::ftruncate(fd.get(), before.st_size);
      return status;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

std::string tail_of(const std::string& path) {
  const sys::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) return {};
  const std::size_t size = std::min<std::size_t>(static_cast<std::size_t>(info.st_size), kTail);
  std::string out(size, '\0');
  const ssize_t n = ::pread(fd.get(), out.data(), size, info.st_size - static_cast<off_t>(size));
  out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return out;
}

// The kubelet rotates: what was before an empty file lies in the newest of "0.log.<time>".
LogEnd find_log_end(const std::string& path) {
  if (const LogEnd end = log_end_of(tail_of(path)); end.entries > 0) return end;
  const std::size_t slash = path.rfind('/');
  const std::string prefix = cat(path.substr(slash + 1), ".");
  auto names = fs::list(path.substr(0, slash)).value_or(std::vector<std::string>());
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (!name->starts_with(prefix) || name->ends_with(".gz") || name->ends_with(".tmp")) continue;
    return log_end_of(tail_of(cat(path.substr(0, slash + 1), *name)));
  }
  return {};
}

// "seconds.nanoseconds"
std::string since_text(const std::string& time) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t at = parse_nanoseconds(time);
  return cat(at / kSecond, ".", cat(at % kSecond + kSecond).substr(1));
}

}  // namespace

struct Logs::Follower {
  Follower(async::Executor& executor, std::string i, std::string p, bool t)
      : id(std::move(i)), path(std::move(p)), terminal(t), done(executor) {}

  const std::string id, path;
  const bool terminal;
  LogEnd end;
  async::Event done;
  async::StopSource stop;
};

LogEnd log_end_of(std::string_view text) {
  LogEnd out;
  while (text.ends_with('\n')) {
    text.remove_suffix(1);
    const std::size_t begin = text.rfind('\n') + 1;  // 0 if there is none
    const std::string_view line = text.substr(begin);
    const std::string_view time = line.substr(0, line.find(' '));
    if (out.entries == 0) {
      if (parse_nanoseconds(time) == 0) return {};
      out.time = time;
    }
    if (time != out.time) break;
    ++out.entries;
    text = text.substr(0, begin);
  }
  return out;
}

async::Task<Status> Logs::follow(std::string id, std::string path, bool terminal) {
  if (followers_.contains(id)) co_return Status();
  auto follower = std::make_shared<Follower>(deps_.executor, id, std::move(path), terminal);
  followers_.emplace(std::move(id), follower);
  Status made =
      co_await async::offload(deps_.executor, deps_.pool, [at = follower->path]() -> Status {
        KPP_RETURN_IF_ERROR(fs::make_directories(at.substr(0, at.rfind('/'))));
        return append_to(at, "");
      });
  if (!made.ok()) {
    followers_.erase(follower->id);
    follower->done.set();
    co_return made;
  }
  scope_.spawn(run(follower));
  co_return Status();
}

async::Task<Status> Logs::append(std::shared_ptr<Follower> follower, std::string lines) {
  auto status = co_await async::offload(
      deps_.executor, deps_.pool,
      [path = follower->path, lines = std::move(lines)] { return append_to(path, lines); });
  co_return status;
}

async::Task<void> Logs::run(std::shared_ptr<Follower> follower) {
  const async::StopCallback on_stop(scope_.stop_token(),
                                    [f = follower.get()] { f->stop.request_stop(); });
  const async::StopToken stop = follower->stop.token();
  while (!stop.stop_requested()) {
    follower->end = co_await async::offload(deps_.executor, deps_.pool,
                                            [path = follower->path] { return find_log_end(path); });
    const Status copied = co_await copy(follower, stop);
    // The file's directory has gone, and so has the pod.
    if (copied.is(Reason::kGone)) break;
    auto answer = co_await deps_.engine.get(cat("/containers/", follower->id, "/json"), "", stop);
    if (stop.stop_requested()) break;
    if (answer && copied.ok() && !parse_container(*answer).running) break;
    if (!answer && answer.error().is(Reason::kNotFound)) break;
    const bool slept =
        co_await async::sleep_for(deps_.executor, answer ? kPause : kLongPause, stop);
    if (!slept) break;
  }
  followers_.erase(follower->id);
  follower->done.set();
}

// From where the file ends to the end of Docker's log. kGone: the file's directory is not there.
async::Task<Status> Logs::copy(std::shared_ptr<Follower> follower, async::StopToken stop) {
  std::string query = "follow=1&stdout=1&stderr=1&timestamps=1";
  if (follower->end.entries > 0) query += cat("&since=", since_text(follower->end.time));
  // Entries of the last time come again.
  int known = follower->end.entries;
  KPP_CO_ASSIGN(auto source,
                co_await deps_.engine.stream("GET", cat("/containers/", follower->id, "/logs"),
                                             query, {}, stop));
  LogEntries entries(follower->terminal);
  std::string lines;
  const std::string known_time = follower->end.time;
  const auto take = [&](const LogEntry& entry) {
    if (known > 0 && entry.time == known_time) {
      --known;
      return;
    }
    if (entry.time != follower->end.time) follower->end = {entry.time, 0};
    ++follower->end.entries;
    write_cri_line(lines, entry);
  };
  for (bool more = true; more;) {
    auto piece = co_await source->next(stop);
    if (!piece) co_return std::move(piece).error();
    more = *piece != nullptr;
    if (more) entries.feed(**piece);
    for (;;) {
      KPP_CO_ASSIGN(const auto entry, entries.next());
      if (!entry) break;
      take(*entry);
    }
    if (!more) {
      if (const auto rest = entries.rest()) take(*rest);
    }
    if (lines.empty()) continue;
    const Status written = co_await append(follower, std::exchange(lines, {}));
    if (!written.ok()) {
      if (written.is(Reason::kNotFound)) co_return Status(Reason::kGone, written.message());
      deps_.log.error("Cannot write a container's log",
                      {kv("containerID", follower->id), kv("err", written.message())});
      co_return written;
    }
  }
  co_return Status();
}

async::Task<void> Logs::settle(std::string id, async::StopToken stop) {
  const auto found = followers_.find(id);
  if (found == followers_.end()) co_return;
  const std::shared_ptr<Follower> follower = found->second;
  (void)co_await follower->done.wait_for(kSettle, std::move(stop));
}

async::Task<Status> Logs::reopen(std::string path) {
  auto status = co_await async::offload(deps_.executor, deps_.pool,
                                        [path = std::move(path)] { return append_to(path, ""); });
  co_return status;
}

void Logs::forget(const std::string& id) {
  const auto found = followers_.find(id);
  if (found != followers_.end()) found->second->stop.request_stop();
}

async::Task<void> Logs::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

}  // namespace kpp::dockershim
