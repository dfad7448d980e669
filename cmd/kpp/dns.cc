// The cluster's name server alone, as it runs in a pod.
#include "base/fs.h"
#include "commands.h"
#include "connection.h"
#include "dns/dns_server.h"
#include "flags.h"
#include "process.h"

namespace kpp::cmd {
namespace {

constexpr std::size_t kMaxCorefile = 1u << 20;

async::Task<Status> run_dns(Process& process, std::string kubeconfig, dns::DnsOptions options) {
  KPP_CO_ASSIGN(Connection api, connect_from_pod(process, kubeconfig, "kpp-dns"));
  dns::DnsServer server({process.executor, *api.client, process.log}, std::move(options));
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
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server; empty: as a pod finds it");
  flags.add("bind-addresses", &options.bind_addresses, "addresses to listen on");
  flags.add_verbosity(&verbosity);
  // CoreDNS takes its flags with one dash: -conf.
  std::vector<std::string> words(argv, argv + argc);
  for (std::string& word : words) {
    if (word.size() > 2 && word[0] == '-' && word[1] != '-' && word[1] != 'v') word.insert(0, "-");
  }
  std::vector<char*> spelled;
  for (std::string& word : words) spelled.push_back(word.data());
  if (Status s = flags.parse(argc, spelled.data()); !s.ok()) return report("kpp-dns", s);
  const auto text = fs::read_file(corefile, kMaxCorefile);
  if (!text) return report("kpp-dns", text.error());
  auto blocks = dns::parse_corefile(*text);
  if (!blocks) return report("kpp-dns", blocks.error());
  options.blocks = std::move(*blocks);
  return run_process(verbosity, "kpp-dns",
                     [&](Process& p) { return run_dns(p, kubeconfig, options); });
}

}  // namespace kpp::cmd
