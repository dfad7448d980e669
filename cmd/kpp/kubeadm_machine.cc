// `kubeadm init`, `join` and `reset`: what is done to a machine.
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "kubeadm/config_reader.h"
#include "kubeadm/join.h"
#include "kubeadm/reset.h"
#include "kubeadm_commands.h"
#include "process.h"

namespace kpp::cmd {

int kubeadm_init_main(int argc, char** argv) {
  const PhaseWords phase = PhaseWords::take(argc, argv);
  CommonFlags common;
  ClusterFlags cluster_flags;
  std::string address, pod_cidr, service_cidr, dns_domain, endpoint, token, ttl, certs,
      certificate_key;
  std::vector<std::string> sans;
  int port = 0;
  bool upload_certs = false, skip_token_print = false, skip_key_print = false;
  Flags flags("kubeadm init", "Sets up the control plane of a new cluster on this machine.");
  common.add_to(flags);
  cluster_flags.add_to(flags);
  flags.add("apiserver-advertise-address", &address,
            "the address that the API server tells others");
  flags.add("apiserver-bind-port", &port, "the API server's port");
  flags.add("apiserver-cert-extra-sans", &sans, "further names in the API server's certificate");
  flags.add("cert-dir", &certs, "where the certificates are kept");
  flags.add("control-plane-endpoint", &endpoint, "a stable name or address of the control plane");
  flags.add("pod-network-cidr", &pod_cidr, "the range of pod addresses");
  flags.add("service-cidr", &service_cidr, "the range of cluster IPs");
  flags.add("service-dns-domain", &dns_domain, "the domain of services");
  flags.add("token", &token, "the token that machines join with");
  flags.add("token-ttl", &ttl, "how long it lives; 0: for ever");
  flags.add(
      "upload-certs", &upload_certs,
      "keep the shared certificates in the cluster for two hours, for further control planes");
  flags.add("certificate-key", &certificate_key, "what they are encrypted with");
  flags.add("skip-token-print", &skip_token_print, "do not print the token");
  flags.add("skip-certificate-key-print", &skip_key_print, "do not print the certificate key");
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kubeadm init", s);
  kubeadm::InitConfig config;
  if (Status s = read_config_file(common.config_file, config); !s.ok()) return complain(s);
  common.over(config.node);
  config.upload_certificates = upload_certs;
  config.skip_token_print = skip_token_print;
  config.skip_certificate_key_print = skip_key_print;
  config.dry_run = config.dry_run || common.dry_run;
  if (!common.patches.empty()) config.patches_dir = common.patches;
  if (!common.skip_phases.empty()) config.skip_phases = common.skip_phases;
  const auto choice = phase.choice(kubeadm::init_phases(), config.skip_phases);
  if (!choice) return complain(choice.error());
  if (!certificate_key.empty()) config.certificate_key = certificate_key;
  kubeadm::ClusterConfig& cluster = config.cluster;
  if (Status s = cluster_flags.over(cluster); !s.ok()) return complain(s);
  if (!address.empty()) config.advertise_address = address;
  if (port != 0) config.bind_port = port;
  if (!certs.empty()) cluster.certificates_dir = certs;
  if (!endpoint.empty()) cluster.control_plane_endpoint = endpoint;
  if (!pod_cidr.empty()) cluster.pod_subnet = pod_cidr;
  if (!service_cidr.empty()) cluster.service_subnet = service_cidr;
  if (!dns_domain.empty()) cluster.dns_domain = dns_domain;
  cluster.cert_sans.insert(cluster.cert_sans.end(), sans.begin(), sans.end());
  if (!token.empty() || !ttl.empty()) {
    if (config.tokens.empty()) config.tokens.emplace_back();
    if (!token.empty()) config.tokens[0].token = token;
    if (!ttl.empty()) {
      const auto parsed = kubeadm::parse_duration(ttl);
      if (!parsed) return complain(parsed.error());
      config.tokens[0].ttl = *parsed;
    }
  }
  if (Status s = kubeadm::complete(config); !s.ok()) return complain(s);
  return run_kubeadm([&](kubeadm::Setting setting, async::StopToken stop) {
    return kubeadm::init(std::move(setting), config, *choice, std::move(stop));
  });
}

int kubeadm_join_main(int argc, char** argv) {
  const PhaseWords phase = PhaseWords::take(argc, argv);
  CommonFlags common;
  std::string token, tls_token, file, certificate_key, address;
  int port = 0;
  std::vector<std::string> hashes, words;
  bool unsafe = false, control_plane = false;
  kubeadm::JoinConfig config;
  Flags flags("kubeadm join", "Makes this machine a node of a cluster.");
  common.add_to(flags);
  flags.add_words(&words, "the API server: HOST:PORT");
  flags.add("token", &token, "the token for discovery and for the first certificate");
  flags.add("discovery-token", &config.token, "the token for discovery");
  flags.add("tls-bootstrap-token", &tls_token, "the token for the first certificate");
  flags.add("discovery-token-ca-cert-hash", &hashes,
            "sha256:HASH of the CA's public key; repeatable");
  flags.add("discovery-token-unsafe-skip-ca-verification", &unsafe,
            "trust whatever CA the token signs");
  flags.add("discovery-file", &file, "a kubeconfig that says where the cluster is");
  flags.add("control-plane", &control_plane, "make it one more control plane of the cluster");
  flags.add("certificate-key", &certificate_key,
            "what the certificates that control planes share are encrypted with");
  flags.add("apiserver-advertise-address", &address,
            "the address that this control plane's API server tells others");
  flags.add("apiserver-bind-port", &port, "its port");
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kubeadm join", s);
  if (!common.config_file.empty()) {
    const auto text = read_file_of_person(common.config_file);
    if (!text) return complain(text.error());
    std::vector<std::string> warnings;
    if (Status s = kubeadm::read_join_config(*text, config, warnings); !s.ok()) return complain(s);
    warn(warnings);
  }
  common.over(config.node);
  config.dry_run = config.dry_run || common.dry_run;
  if (!common.patches.empty()) config.patches_dir = common.patches;
  if (!common.skip_phases.empty()) config.skip_phases = common.skip_phases;
  const auto choice = phase.choice(kubeadm::join_phases(), config.skip_phases);
  if (!choice) return complain(choice.error());
  if (words.size() > 1)
    return report("kubeadm join", Status(Reason::kInvalid, "one API server is joined: HOST:PORT"));
  if (!words.empty()) config.api_server_endpoint = words[0];
  if (config.token.empty()) config.token = token;
  config.tls_bootstrap_token = !tls_token.empty() ? tls_token : config.tls_bootstrap_token;
  config.ca_cert_hashes.insert(config.ca_cert_hashes.end(), hashes.begin(), hashes.end());
  config.unsafe_skip_ca_verification = config.unsafe_skip_ca_verification || unsafe;
  config.control_plane = config.control_plane || control_plane;
  if (!certificate_key.empty()) config.certificate_key = certificate_key;
  if (!address.empty()) config.advertise_address = address;
  if (port != 0) config.bind_port = port;
  if (!file.empty()) config.discovery_file = file;
  if (Status s = kubeadm::complete(config.node); !s.ok()) return complain(s);
  if (Status s = kubeadm::validate(config); !s.ok()) return complain(s);
  return run_kubeadm([&](kubeadm::Setting setting, async::StopToken stop) {
    return kubeadm::join(std::move(setting), config, *choice, std::move(stop));
  });
}

int kubeadm_reset_main(int argc, char** argv) {
  const PhaseWords phase = PhaseWords::take(argc, argv);
  bool force = false, dry_run = false, clean_tmp = false;
  std::string file, cri_socket, certs;
  std::vector<std::string> ignore, skip_phases;
  Flags flags("kubeadm reset", "Takes off this machine what init or join put on it.");
  flags.add("config", &file, "path to a kubeadm configuration file");
  flags.add("force,-f", &force, "do not ask");
  flags.add("cri-socket", &cri_socket, "the CRI runtime's socket");
  flags.add("cert-dir", &certs, "where the certificates are kept");
  flags.add("cleanup-tmp-dir", &clean_tmp, "remove what is below /etc/kubernetes/tmp too");
  flags.add("dry-run", &dry_run, "make no changes; say what would be done");
  flags.add("skip-phases", &skip_phases, "phases that are left out; repeatable");
  flags.add("ignore-preflight-errors", &ignore, "checks whose errors are shown as warnings");
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kubeadm reset", s);
  kubeadm::ResetConfig config;
  if (!file.empty()) {
    const auto text = read_file_of_person(file);
    if (!text) return complain(text.error());
    std::vector<std::string> warnings;
    if (Status s = kubeadm::read_reset_config(*text, config, warnings); !s.ok()) return complain(s);
    warn(warnings);
  }
  if (!cri_socket.empty()) config.cri_socket = cri_socket;
  if (!certs.empty()) config.certificates_dir = certs;
  if (!skip_phases.empty()) config.skip_phases = skip_phases;
  config.dry_run = config.dry_run || dry_run;
  config.force = config.force || force;
  config.cleanup_tmp_dir = config.cleanup_tmp_dir || clean_tmp;
  const auto choice = phase.choice(kubeadm::reset_phases(), config.skip_phases);
  if (!choice) return complain(choice.error());
  if (geteuid() != 0)
    return complain(Status(Reason::kForbidden, "user is not running as root; use sudo"));
  if (!config.force && !config.dry_run && !choice->is_alone()) {
    print_line(
        "[reset] WARNING: Changes made to this host by 'kubeadm init' or 'kubeadm join' will be "
        "reverted.");
    std::printf("[reset] Are you sure you want to proceed? [y/N]: ");
    std::fflush(stdout);
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "Y")
      return complain(Status(Reason::kInvalid,
                             "won't proceed; the user didn't answer (Y|y) in order to continue"));
  }
  return run_kubeadm([&](kubeadm::Setting setting, async::StopToken stop) {
    return kubeadm::reset(std::move(setting), config, *choice, std::move(stop));
  });
}

}  // namespace kpp::cmd
