// Streams of clients that speak WebSocket, carried over to kubelets, which speak SPDY.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/executor.h"
#include "base/status.h"
#include "net/http.h"

namespace kpp::apiserver {

inline constexpr std::string_view kStreamsV5 = "v5.channel.k8s.io";
// SPDY bytes within binary messages.
inline constexpr std::string_view kPortForwardTunnel = "SPDY/3.1+portforward.k8s.io";

// Which streams a client of exec or attach asked for.
struct StreamSet {
  bool in = false, out = false, err = false, tty = false;
};

// Opens the streams on the kubelet's connection (v4.channel.k8s.io over SPDY) and moves bytes
// between them and the channels of a v5.channel.k8s.io WebSocket: 0 input, 1 output, 2 errors, 3
// the closing Status, 4 sizes of the terminal.
//
// Guarantees: the closing Status comes after all output; a client that goes takes the kubelet's
// connection with it. Runs on: the executor.
async::Task<void> translate_streams(async::Executor& executor,
                                    std::unique_ptr<net::ByteStream> client,
                                    std::unique_ptr<net::ByteStream> kubelet, StreamSet streams,
                                    async::StopToken stop);

// Tells a v5 client why its streams did not come to be, as the closing Status.
async::Task<void> refuse_streams(async::Executor& executor, std::unique_ptr<net::ByteStream> client,
                                 Status why, async::StopToken stop);

// Moves bytes between the messages of a WebSocket and the kubelet's connection.
async::Task<void> tunnel(async::Executor& executor, std::unique_ptr<net::ByteStream> client,
                         std::unique_ptr<net::ByteStream> kubelet, async::StopToken stop);

}  // namespace kpp::apiserver
