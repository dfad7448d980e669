// Commands in containers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/cri.h"
#include "dockershim/containers.h"
#include "dockershim/types.h"

namespace kpp::dockershim {

// A command that was started in a container.
struct StartedExec {
  std::string id;  // of the exec
  std::unique_ptr<net::ByteStream> stream;
};

// Runs on: the executor.
class Execs {
 public:
  Execs(const ShimDeps& deps, Containers& containers) : deps_(deps), containers_(containers) {}

  // The container must run.
  async::Task<Result<StartedExec>> start(cri::ExecRequest request, async::StopToken stop);
  // How it ended; waits until it has.
  async::Task<Result<std::int32_t>> exit_code(std::string exec, async::StopToken stop);
  async::Task<void> resize(std::string exec, std::uint16_t width, std::uint16_t height,
                           async::StopToken stop);
  // Ends the process.
  async::Task<void> kill(std::string exec);

  // A command with its whole output, DeadlineExceeded when its time was over.
  async::Task<GrpcResult<cri::ExecSyncResponse>> run(cri::ExecSyncRequest request,
                                                     async::StopToken stop);

 private:
  async::Task<GrpcStatus> read_output(net::ByteStream* stream, cri::ExecSyncResponse* out,
                                      async::StopToken stop);

  const ShimDeps deps_;
  Containers& containers_;
};

}  // namespace kpp::dockershim
