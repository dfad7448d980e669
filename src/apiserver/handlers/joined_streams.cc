#include "apiserver/handlers/joined_streams.h"

#include <vector>

#include "async/wait.h"

namespace kpp::apiserver {
namespace {

// Moves bytes from one connection to the other until the first ends.
async::Task<void> pump(net::ByteStream& from, net::ByteStream& to, async::StopToken stop) {
  while (true) {
    auto bytes = co_await from.read(stop);
    if (!bytes) {
      to.abort();
      co_return;
    }
    if (bytes->empty()) {
      co_await to.close_write();
      co_return;
    }
    const Status written = co_await to.write(std::move(*bytes), stop);
    if (!written.ok()) {
      from.abort();
      co_return;
    }
  }
}

}  // namespace

async::Task<void> join_streams(async::Executor& executor, std::unique_ptr<net::ByteStream> client,
                               std::unique_ptr<net::ByteStream> backend, async::StopToken stop) {
  std::vector<async::Task<void>> both;
  both.push_back(pump(*client, *backend, stop));
  both.push_back(pump(*backend, *client, stop));
  co_await async::all(executor, std::move(both));
}

}  // namespace kpp::apiserver
