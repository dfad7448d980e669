// Where the kubelet sends clients of exec, attach and port-forward.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>

#include "api/cri.h"
#include "dockershim/containers.h"
#include "dockershim/exec.h"
#include "dockershim/streaming/remote_streams.h"
#include "dockershim/types.h"
#include "net/server.h"

namespace kpp::dockershim {

// Gives out URLs, each good for one client within a minute, and serves those clients.
//
// Runs on: the executor.
// Stop: stop() cuts off the clients and returns when nothing runs.
class StreamingServer final : public net::Handler {
 public:
  StreamingServer(const ShimDeps& deps, Containers& containers, Execs& execs);

  Status listen();
  GrpcResult<std::string> exec_url(cri::ExecRequest request);
  GrpcResult<std::string> attach_url(cri::AttachRequest request);
  GrpcResult<std::string> port_forward_url(cri::PortForwardRequest request);
  async::Task<void> stop();

  async::Task<net::Response> handle(net::Request request, async::StopToken stop) override;

 private:
  using Asked = std::variant<cri::ExecRequest, cri::AttachRequest, cri::PortForwardRequest>;
  struct Ticket {
    Asked asked;
    TimePoint until;
  };
  struct Session;

  std::string ticket(std::string_view kind, Asked asked);
  async::Task<void> serve_exec(std::unique_ptr<RemoteStreams> client, cri::ExecRequest request,
                               async::StopToken stop);
  async::Task<void> serve_attach(std::unique_ptr<RemoteStreams> client, cri::AttachRequest request,
                                 async::StopToken stop);
  async::Task<void> serve(std::unique_ptr<net::ByteStream> connection, AcceptedStreams accepted,
                          Asked asked, async::StopToken stop);
  async::Task<void> carry(std::shared_ptr<Session> session, async::StopToken stop);
  async::Task<void> from_client(std::shared_ptr<Session> session, async::StopToken stop);
  async::Task<void> to_client(std::shared_ptr<Session> session, async::StopToken stop);

  const ShimDeps deps_;
  Containers& containers_;
  Execs& execs_;
  net::Server server_;
  std::uint16_t port_ = 0;
  std::map<std::string, Ticket> tickets_;  // by token
};

}  // namespace kpp::dockershim
