#include "connection.h"

#include <unistd.h>

#include "client/kubeconfig.h"

namespace kpp::cmd {
namespace {

Result<Connection> open(Process& process, const client::RestConfig& config,
                        const std::string& agent) {
  Connection out;
  KPP_ASSIGN(out.transport, client::make_transport(process.executor, config));
  out.bearer_token = config.user.token;
  out.client = std::make_unique<client::Client>(*out.transport, agent, out.bearer_token);
  return out;
}

Result<client::RestConfig> read(const std::string& kubeconfig) {
  if (kubeconfig.empty())
    return fail(Reason::kInvalid, "--kubeconfig is needed: it says where the API server is");
  KPP_ASSIGN(const client::Kubeconfig file, client::load_kubeconfig(kubeconfig));
  return client::rest_config(file);
}

}  // namespace

Result<Connection> connect(Process& process, const std::string& kubeconfig,
                           const std::string& agent) {
  KPP_ASSIGN(const client::RestConfig config, read(kubeconfig));
  return open(process, config, agent);
}

Result<Connection> connect_anonymously(Process& process, const std::string& kubeconfig,
                                       const std::string& agent) {
  KPP_ASSIGN(client::RestConfig config, read(kubeconfig));
  config.user = {};
  return open(process, config, agent);
}

Result<Connection> connect_from_pod(Process& process, const std::string& kubeconfig,
                                    const std::string& agent) {
  if (!kubeconfig.empty()) return connect(process, kubeconfig, agent);
  KPP_ASSIGN(const client::RestConfig config, client::in_cluster_config());
  return open(process, config, agent);
}

std::string host_name() {
  char buffer[256] = {};
  gethostname(buffer, sizeof buffer - 1);
  return buffer;
}

async::Task<void> until_stopped(Process& process) {
  async::Waiter waiter(process.executor);
  co_await waiter.wait(process.stop);
}

}  // namespace kpp::cmd
