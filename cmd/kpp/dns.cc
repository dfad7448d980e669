// The cluster's name server alone, as it runs in a pod.
#include "base/fs.h"
#include "client/kubeconfig.h"
#include "client/rest_config.h"
#include "commands.h"
#include "dns/dns_server.h"
#include "flags.h"
#include "process.h"

namespace kpp::cmd {
namespace {

constexpr std::size_t kMaxCorefile = 1u << 20;

async::Task<Status> run_dns(Process& process, std::string kubeconfig, dns::DnsOptions options) {
  if (kubeconfig.empty())
    co_return Status(Reason::kInvalid, "--kubeconfig is needed: it says where the API server is");
  KPP_CO_ASSIGN(const client::Kubeconfig file, client::load_kubeconfig(kubeconfig));
  KPP_CO_ASSIGN(const client::RestConfig config, client::rest_config(file));
  KPP_CO_ASSIGN(const auto transport, client::make_transport(process.executor, config));
  client::Client client(*transport, "kpp-dns", config.user.token, &process.executor);
  dns::DnsServer server({process.executor, client, process.log}, std::move(options));
  Status started = server.start();
  if (started.ok()) {
    process.log.info("Serving DNS", {kv("port", server.port())});
    async::Waiter waiter(process.executor);
    co_await waiter.wait(process.stop);
  }
  co_await server.stop();
  co_return started;
}

}  // namespace

int dns_main(int argc, char** argv) {
  std::string kubeconfig, corefile = "/etc/coredns/Corefile";
  int verbosity = 0;
  dns::DnsOptions options;
  Flags flags("kpp-dns", "Answers the names of the cluster, and asks others for all other names.");
  flags.add("conf", &corefile, "the Corefile");
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server");
  flags.add("bind-addresses", &options.bind_addresses, "addresses to listen on");
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kpp-dns", s);
  const auto text = fs::read_file(corefile, kMaxCorefile);
  if (!text) return report("kpp-dns", text.error());
  auto blocks = dns::parse_corefile(*text);
  if (!blocks) return report("kpp-dns", blocks.error());
  options.blocks = std::move(*blocks);
  return run_process(verbosity, "kpp-dns",
                     [&](Process& p) { return run_dns(p, kubeconfig, options); });
}

}  // namespace kpp::cmd
