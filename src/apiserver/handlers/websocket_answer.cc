#include "apiserver/handlers/websocket_answer.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "async/wait.h"
#include "base/cat.h"
#include "codec/base64.h"
#include "net/websocket.h"

namespace kpp::apiserver {
namespace {

constexpr std::uint16_t kNormalClosure = 1000;
constexpr Duration kGoodbye = std::chrono::seconds(5);
constexpr std::string_view kBase64Log = "base64.binary.k8s.io";
constexpr std::array<std::string_view, 3> kLogProtocols = {"", "binary.k8s.io", kBase64Log};

net::Response refused(int status, std::string why) {
  return net::Response::text(status, "text/plain; charset=utf-8", std::move(why));
}

// One connection: a task that sends, and one that listens for the client's end.
class Messages {
 public:
  Messages(async::Executor& executor, std::unique_ptr<net::ByteStream> client, net::Response answer,
           MessageForm form, async::StopToken stop)
      : executor_(executor),
        client_(executor, std::move(client)),
        answer_(std::move(answer)),
        form_(form),
        stop_(std::move(stop)),
        client_gone_(executor) {}

  async::Task<void> run() {
    const async::StopCallback stopped(stop_, [this] { end_.request_stop(); });
    std::vector<async::Task<void>> both;
    both.push_back(listen());
    both.push_back(send());
    co_await async::all(executor_, std::move(both));
  }

 private:
  async::Task<void> listen() {
    while (true) {
      auto message = co_await client_.read(stop_);
      if (!message || !*message) break;
    }
    client_gone_.set();
    end_.request_stop();
  }

  async::Task<void> send() {
    const bool whole = co_await send_pieces();
    answer_.stream.reset();
    if (whole && !client_gone_.is_set()) {
      co_await client_.close(kNormalClosure, "", stop_);
      (void)co_await client_gone_.wait_for(kGoodbye, stop_);
    }
    client_.abort();
  }

  // False when the answer broke, or nobody reads it any more.
  async::Task<bool> send_pieces() {
    if (form_.empty_first) {
      const bool sent = co_await send_piece("");
      if (!sent) co_return false;
    }
    for (const auto& slice : answer_.body) {
      const bool sent = co_await send_piece(*slice);
      if (!sent) co_return false;
    }
    while (answer_.stream) {
      const auto piece = co_await answer_.stream->next(end_.token());
      if (!piece) co_return false;
      if (!*piece) break;
      const bool sent = co_await send_piece(**piece);
      if (!sent) co_return false;
    }
    co_return true;
  }

  async::Task<bool> send_piece(std::string_view piece) {
    if (client_gone_.is_set()) co_return false;
    piece.remove_prefix(std::min(form_.frame_head, piece.size()));
    Status sent;
    if (form_.base64)
      sent = co_await client_.write_text(base64_encode(piece), stop_);
    else if (form_.text)
      sent = co_await client_.write_text(piece, stop_);
    else
      sent = co_await client_.write(piece, stop_);
    co_return sent.ok();
  }

  async::Executor& executor_;
  net::WebSocket client_;
  net::Response answer_;
  const MessageForm form_;
  const async::StopToken stop_;
  async::StopSource end_;  // of the answer: the client has gone, or the server stops
  async::Event client_gone_;
};

net::Response upgraded(async::Executor& executor, const net::Headers& asked,
                       std::string_view protocol, net::Response answer, MessageForm form) {
  auto out = net::accept_websocket(asked, protocol);
  if (!out) return refused(400, out.error().message());
  out->upgraded = [&executor, form, answer = std::move(answer)](
                      std::unique_ptr<net::ByteStream> client,
                      async::StopToken stop) mutable -> async::Task<void> {
    return send_as_messages(executor, std::move(client), std::move(answer), form, std::move(stop));
  };
  return std::move(*out);
}

}  // namespace

async::Task<void> send_as_messages(async::Executor& executor,
                                   std::unique_ptr<net::ByteStream> client, net::Response answer,
                                   MessageForm form, async::StopToken stop) {
  Messages messages(executor, std::move(client), std::move(answer), form, std::move(stop));
  co_await messages.run();
}

net::Response log_over_websocket(async::Executor& executor, const net::Headers& asked,
                                 net::Response log) {
  auto offered = net::websocket_protocols(asked);
  if (offered.empty()) offered.emplace_back();
  const auto chosen = std::ranges::find_if(offered, [](const std::string& protocol) {
    return std::ranges::find(kLogProtocols, protocol) != kLogProtocols.end();
  });
  if (chosen == offered.end()) {
    std::string words;
    for (const auto& protocol : offered) words += cat(words.empty() ? "" : " ", protocol);
    return refused(403, cat("requested protocol(s) are not supported: [", words, "]; supports [ ",
                            kLogProtocols[1], " ", kLogProtocols[2], "]"));
  }
  return upgraded(executor, asked, *chosen, std::move(log),
                  {.base64 = *chosen == kBase64Log, .empty_first = true});
}

net::Response watch_over_websocket(async::Executor& executor, const net::Headers& asked,
                                   net::Response watch, MessageForm form) {
  if (asked.get("Origin").empty()) return refused(403, "null origin");
  const auto offered = net::websocket_protocols(asked);
  if (offered.size() > 1) return refused(400, "missing or bad WebSocket-Protocol");
  return upgraded(executor, asked, offered.empty() ? "" : offered.front(), std::move(watch), form);
}

}  // namespace kpp::apiserver
