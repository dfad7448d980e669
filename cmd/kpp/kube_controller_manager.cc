// The controllers alone, against an API server over the network.
#include "base/fs.h"
#include "commands.h"
#include "connection.h"
#include "controllers/account_transports.h"
#include "controllers/certificates/signers.h"
#include "controllers/registry.h"
#include "flags.h"
#include "leader.h"
#include "net/x509.h"
#include "secure_serving.h"

namespace kpp::cmd {
namespace {

class ControllerWork final : public LedWork {
 public:
  ControllerWork(controllers::ControllerManager::Deps deps,
                 controllers::ControllerManager::Options options)
      : manager_(std::move(deps), std::move(options)) {}
  Status start() override { return manager_.start(); }
  async::Task<void> stop() override { return manager_.stop(); }

 private:
  controllers::ControllerManager manager_;
};

async::Task<Status> run_controllers(Process& process, std::string kubeconfig,
                                    controllers::ControllerManager::Options options,
                                    LeaderFlags election, ServingOptions serving_options,
                                    bool own_accounts) {
  KPP_CO_ASSIGN(Connection api, connect(process, kubeconfig, options.user_agent));
  KPP_CO_ASSIGN(Connection anonymous, connect_anonymously(process, kubeconfig, options.user_agent));
  options.bearer_token = api.bearer_token;
  controllers::TokenAccountTransports accounts(process.executor, *anonymous.transport, *api.client);
  SecureServing serving(process, std::move(serving_options), "kube-controller-manager");
  ControllerWork work(
      {process.executor, *api.transport, process.log, own_accounts ? &accounts : nullptr},
      std::move(options));
  Status done = co_await serve_and_lead(process, *api.client, serving, election, work);
  co_return done;
}

// Files that controllers take keys and certificates from.
struct ControllerFiles {
  struct Pair {
    std::string certificate, key;
  };
  std::string root_ca, service_account_key;
  Pair signing;
  std::map<std::string, Pair> by_signer;

  void add_to(Flags& flags) {
    flags.add("root-ca-file", &root_ca,
              "the certificate authority that every namespace is told of");
    flags.add("service-account-private-key-file", &service_account_key,
              "the key that service account tokens are signed with");
    add_pair(flags, "cluster-signing", signing);
    add_pair(flags, "cluster-signing-kubelet-serving",
             by_signer[controllers::kKubeletServingSigner]);
    add_pair(flags, "cluster-signing-kubelet-client", by_signer[controllers::kKubeletClientSigner]);
    add_pair(flags, "cluster-signing-kube-apiserver-client", by_signer[controllers::kClientSigner]);
    add_pair(flags, "cluster-signing-legacy-unknown", by_signer[controllers::kLegacySigner]);
  }

  Status read(controllers::ClusterFacts& facts) const {
    if (!root_ca.empty()) {
      KPP_ASSIGN(facts.root_ca_pem, fs::read_file(root_ca, 1u << 20));
    }
    if (!service_account_key.empty()) {
      KPP_ASSIGN(const std::string key, fs::read_file(service_account_key, 1u << 20));
      const auto half = net::x509::public_key(key);
      if (!half) return Status(half.error()).with_context("--service-account-private-key-file");
    }
    if (!signing.certificate.empty()) {
      KPP_ASSIGN(facts.signing.ca, read_pair(signing));
    }
    for (const auto& [signer, pair] : by_signer) {
      if (pair.certificate.empty()) continue;
      KPP_ASSIGN(facts.signing.by_signer[signer], read_pair(pair));
    }
    return Status();
  }

 private:
  static void add_pair(Flags& flags, const std::string& prefix, Pair& pair) {
    flags.add(cat(prefix, "-cert-file"), &pair.certificate,
              "certificate of the authority that signs requests");
    flags.add(cat(prefix, "-key-file"), &pair.key, "its private key");
  }
  static Result<net::x509::KeyPair> read_pair(const Pair& pair) {
    net::x509::KeyPair out;
    KPP_ASSIGN(out.certificate_pem, fs::read_file(pair.certificate, 1u << 20));
    KPP_ASSIGN(out.key_pem, fs::read_file(pair.key, 1u << 20));
    return out;
  }
};

}  // namespace

int kube_controller_manager_main(int argc, char** argv) {
  std::string kubeconfig;
  int verbosity = 0;
  controllers::ControllerManager::Options options;
  Flags flags("kube-controller-manager", "Runs the controllers.");
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server");
  flags.add("controllers", &options.controllers,
            "names of controllers; * for those on by default, -name leaves one out");
  ServingOptions serving;
  serving.add_to(flags, 10257);
  LeaderFlags election("kube-controller-manager");
  election.add_to(flags);
  ControllerFiles files;
  files.add_to(flags);
  flags.add("cluster-signing-duration", &options.facts.signing.duration,
            "how long signed certificates live at most");
  flags.add("cluster-cidr", &options.facts.node_ipam.cluster_cidrs,
            "the ranges of pod addresses, one of each family");
  flags.add("node-cidr-mask-size", &options.facts.node_ipam.mask_ipv4,
            "prefix length of a node's IPv4 range");
  flags.add("node-cidr-mask-size-ipv4", &options.facts.node_ipam.mask_ipv4,
            "prefix length of a node's IPv4 range");
  flags.add("node-cidr-mask-size-ipv6", &options.facts.node_ipam.mask_ipv6,
            "prefix length of a node's IPv6 range");
  bool allocate_node_cidrs = false;
  flags.add("allocate-node-cidrs", &allocate_node_cidrs,
            "give nodes their ranges of pod addresses");
  flags.add("service-cluster-ip-range", &options.facts.node_ipam.service_cidrs,
            "the ranges of cluster IPs, which no node gets");
  std::string cluster_name = "kubernetes";
  flags.add("cluster-name", &cluster_name, "the cluster's name, for what is outside of it");
  bool own_accounts = false;
  flags.add("use-service-account-credentials", &own_accounts,
            "each controller acts as a service account of its own");
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kube-controller-manager", s);
  if (Status s = election.validate(); !s.ok()) return report("kube-controller-manager", s);
  if (!allocate_node_cidrs) options.facts.node_ipam.cluster_cidrs.clear();
  if (Status s = files.read(options.facts); !s.ok()) return report("kube-controller-manager", s);
  return run_process(verbosity, "kube-controller-manager", [&](Process& p) {
    return run_controllers(p, kubeconfig, options, election, serving, own_accounts);
  });
}

}  // namespace kpp::cmd
