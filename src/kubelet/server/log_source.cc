#include "kubelet/server/log_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "async/wait.h"
#include "linux/fd.h"

namespace kpp::kubelet {
namespace {

constexpr std::size_t kBlock = 64 * 1024;
constexpr Duration kPause =
    std::chrono::milliseconds(100);  // between looks at a file that is followed

struct Opened {
  sys::Fd fd;
  std::uint64_t offset = 0;
};

Result<Opened> open_file(const std::string& path, std::optional<std::int64_t> tail) {
  Opened out;
  out.fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!out.fd.valid()) return fail(errno_status(cat("open ", path), errno));
  if (tail) {
    KPP_ASSIGN(out.offset, tail_offset(out.fd.get(), *tail));
  }
  return out;
}

// The runtime may have begun a new file in place of this one.
bool replaced(int fd, const std::string& path) {
  struct stat mine{};
  struct stat now{};
  return ::fstat(fd, &mine) == 0 && ::stat(path.c_str(), &now) == 0 && mine.st_ino != now.st_ino;
}

class LogSource final : public net::BodySource {
 public:
  LogSource(async::Executor& executor, async::ThreadPool& pool, LogRequest request, Opened opened)
      : executor_(executor),
        pool_(pool),
        request_(std::move(request)),
        opened_(std::move(opened)),
        formatter_(request_.options) {}

  async::Task<Result<net::SharedBytes>> next(async::StopToken stop) override {
    while (!formatter_.full()) {
      // Asked before reading, so that what was written until the end is read.
      const bool more_to_come = request_.follow && request_.still_written();
      const std::string block =
          co_await async::offload(executor_, pool_, [this] { return read_block(); });
      std::string text = formatter_.feed(block);
      if (!text.empty()) co_return std::make_shared<const std::string>(std::move(text));
      if (!block.empty()) continue;
      if (!more_to_come) co_return net::SharedBytes();
      const bool slept = co_await async::sleep_for(executor_, kPause, stop);
      if (!slept) co_return net::SharedBytes();
    }
    co_return net::SharedBytes();
  }

 private:
  std::string read_block() {
    std::string out(kBlock, '\0');
    ssize_t n =
        ::pread(opened_.fd.get(), out.data(), out.size(), static_cast<off_t>(opened_.offset));
    if (n == 0 && request_.follow && replaced(opened_.fd.get(), request_.path)) {
      if (auto again = open_file(request_.path, std::nullopt)) {
        opened_ = std::move(*again);
        n = ::pread(opened_.fd.get(), out.data(), out.size(), 0);
      }
    }
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    opened_.offset += out.size();
    return out;
  }

  async::Executor& executor_;
  async::ThreadPool& pool_;
  LogRequest request_;
  Opened opened_;
  LogFormatter formatter_;
};

}  // namespace

async::Task<Result<std::unique_ptr<net::BodySource>>> open_log(async::Executor& executor,
                                                               async::ThreadPool& pool,
                                                               LogRequest request) {
  auto opened = co_await async::offload(
      executor, pool,
      [path = request.path, tail = request.options.tail_lines] { return open_file(path, tail); });
  if (!opened) co_return std::unexpected(std::move(opened).error());
  co_return std::make_unique<LogSource>(executor, pool, std::move(request), std::move(*opened));
}

}  // namespace kpp::kubelet
