// Watches and logs for clients that ask for them over WebSocket: a message a piece.
#pragma once

#include <cstddef>

#include "async/executor.h"
#include "net/http.h"

namespace kpp::apiserver {

// What the messages of an answer are made of.
struct MessageForm {
  bool text = false;           // text messages, where the bytes are text; else binary ones
  bool base64 = false;         // of the bytes, as text
  bool empty_first = false;    // a message without content says that the connection stands
  std::size_t frame_head = 0;  // bytes before each piece that a message needs not, as it is a frame
};

// The log of a container, which the client reads as "", binary.k8s.io or base64.binary.k8s.io.
// Answers 403 to other protocols, 400 to what is no handshake.
net::Response log_over_websocket(async::Executor& executor, const net::Headers& asked,
                                 net::Response log);

// A watch. Clients name where they come from (Origin) and at most one protocol.
net::Response watch_over_websocket(async::Executor& executor, const net::Headers& asked,
                                   net::Response watch, MessageForm form);

// The pieces of `answer` as messages, then a goodbye; what the client says is read and dropped.
// When it goes, or `stop` is requested, the answer ends.
async::Task<void> send_as_messages(async::Executor& executor,
                                   std::unique_ptr<net::ByteStream> client, net::Response answer,
                                   MessageForm form, async::StopToken stop);

}  // namespace kpp::apiserver
