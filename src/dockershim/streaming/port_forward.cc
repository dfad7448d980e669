#include "dockershim/streaming/port_forward.h"

#include <charconv>
#include <map>

#include "async/scope.h"
#include "async/wait.h"
#include "dockershim/streaming/pod_dial.h"
#include "net/spdy_session.h"

namespace kpp::dockershim {
namespace {

using Event = net::SpdySession::Event;

// Pieces of a client that wait for a slow pod before the whole connection waits.
constexpr std::size_t kAhead = 64;

// The two streams of a request.
struct Pair {
  explicit Pair(async::Executor& executor) : input(executor, kAhead) {}

  std::uint32_t data = 0, error = 0;
  std::uint16_t port = 0;
  async::Channel<std::string> input;  // of the client
  std::unique_ptr<net::ByteStream> pod;
};

class Forwarder {
 public:
  Forwarder(const ShimDeps& deps, std::unique_ptr<net::ByteStream> connection, std::int64_t pid,
            std::string pod)
      : deps_(deps),
        session_(deps.executor, std::move(connection)),
        pid_(pid),
        pod_(std::move(pod)),
        scope_(deps.executor) {}

  async::Task<void> run(async::StopToken stop) {
    const async::StopCallback on_stop(stop, [this] { scope_.request_stop(); });
    for (;;) {
      auto event = co_await session_.next(stop);
      if (!event || !*event) break;
      const bool good = co_await take(std::move(**event), stop);
      if (!good) break;
    }
    session_.abort();
    for (auto& [id, pair] : by_data_) pair->input.close();
    scope_.request_stop();
    co_await scope_.join();
  }

 private:
  async::Task<bool> take(Event event, async::StopToken stop) {
    if (event.kind == Event::kOpened) co_return opened(event);
    const auto found = by_data_.find(event.stream);
    if (found == by_data_.end()) co_return true;
    const std::shared_ptr<Pair> pair = found->second;
    if (event.kind == Event::kData)
      (void)co_await pair->input.send(std::move(event.bytes), std::move(stop));
    else
      pair->input.close();
    if (event.kind == Event::kReset && pair->pod) pair->pod->abort();
    co_return true;
  }

  // Streams belong together by their request; old clients name none and open them one after
  // another.
  bool opened(const Event& event) {
    const std::string_view type = event.header("streamType");
    const std::string_view port = event.header("port");
    std::uint16_t number = 0;
    const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
    const bool whole = read.ec == std::errc() && read.ptr == port.data() + port.size();
    if ((type != "data" && type != "error") || !whole || number == 0) return false;
    std::string request(event.header("requestID"));
    if (request.empty()) request = cat(type == "error" ? event.stream : event.stream - 2);
    std::shared_ptr<Pair>& pair = waiting_[request];
    if (!pair) pair = std::make_shared<Pair>(deps_.executor);
    (type == "data" ? pair->data : pair->error) = event.stream;
    pair->port = number;
    if (type == "data") by_data_[event.stream] = pair;
    if (pair->data != 0 && pair->error != 0) {
      scope_.spawn(serve(std::exchange(pair, nullptr)));
      waiting_.erase(request);
    }
    return true;
  }

  async::Task<void> serve(std::shared_ptr<Pair> pair) {
    const async::StopToken stop = scope_.stop_token();
    auto dialed = co_await dial_in_namespace(deps_.executor, deps_.pool, pid_, pair->port, stop);
    std::string error;
    if (dialed) {
      pair->pod = std::move(*dialed);
      std::vector<async::Task<void>> both;
      both.push_back(to_pod(pair, stop));
      both.push_back(from_pod(pair, stop));
      co_await async::all(deps_.executor, std::move(both));
    } else {
      error = cat("error forwarding port ", pair->port, " to pod ", pod_,
                  ", uid : ", dialed.error().message());
    }
    pair->input.close();
    by_data_.erase(pair->data);
    (void)co_await session_.write(pair->error, std::move(error), true, stop);
    if (!pair->pod) (void)co_await session_.write(pair->data, "", true, stop);
  }

  async::Task<void> to_pod(std::shared_ptr<Pair> pair, async::StopToken stop) {
    for (;;) {
      auto bytes = co_await pair->input.receive(stop);
      if (!bytes) break;
      const Status written = co_await pair->pod->write(std::move(*bytes), stop);
      if (!written.ok()) co_return;
    }
    co_await pair->pod->close_write();
  }

  async::Task<void> from_pod(std::shared_ptr<Pair> pair, async::StopToken stop) {
    for (;;) {
      auto bytes = co_await pair->pod->read(stop);
      if (!bytes || bytes->empty()) break;
      const Status written = co_await session_.write(pair->data, std::move(*bytes), false, stop);
      if (!written.ok()) break;
    }
    (void)co_await session_.write(pair->data, "", true, stop);
    // What the client still says nobody hears.
    pair->input.close();
  }

  const ShimDeps& deps_;
  net::SpdySession session_;
  const std::int64_t pid_;
  const std::string pod_;
  std::map<std::string, std::shared_ptr<Pair>> waiting_;    // for their other stream
  std::map<std::uint32_t, std::shared_ptr<Pair>> by_data_;  // shared with serve()
  async::Scope scope_;
};

}  // namespace

async::Task<void> forward_ports(ShimDeps deps, std::unique_ptr<net::ByteStream> connection,
                                std::int64_t pid, std::string pod, async::StopToken stop) {
  Forwarder forwarder(deps, std::move(connection), pid, std::move(pod));
  co_await forwarder.run(std::move(stop));
}

}  // namespace kpp::dockershim
