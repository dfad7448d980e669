// `kpp kubeadm ...`: makes clusters out of machines. Reads the command line; src/kubeadm does the
// work.
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <iostream>

#include "base/fs.h"
#include "base/version.h"
#include "commands.h"
#include "flags.h"
#include "kubeadm/certificate_commands.h"
#include "kubeadm/cluster_images.h"
#include "kubeadm/config_reader.h"
#include "kubeadm/init.h"
#include "kubeadm/join.h"
#include "kubeadm/kubeconfigs.h"
#include "kubeadm/reset.h"
#include "kubeadm/token_commands.h"
#include "kubeadm/tokens.h"
#include "process.h"

namespace kpp::cmd {
namespace {

constexpr const char* kAdminConf = "/etc/kubernetes/admin.conf";

constexpr const char* kUsage =
    "kubeadm makes clusters out of machines\n\n"
    "  kubeadm init                    set up the control plane on this machine\n"
    "  kubeadm init phase NAME         one phase of it alone\n"
    "  kubeadm join HOST:PORT          join this machine to a cluster\n"
    "  kubeadm reset                   take off what init or join put on this machine\n"
    "  kubeadm token create|list|delete|generate\n"
    "  kubeadm config images list|pull\n"
    "  kubeadm config print init-defaults\n"
    "  kubeadm certs check-expiration|renew NAME|certificate-key\n"
    "  kubeadm kubeconfig user --client-name NAME\n"
    "  kubeadm version\n\n"
    "--help after a command lists its flags.\n";

void print_line(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

int complain(const Status& status) {
  if (status.ok() || status.is(Reason::kCanceled)) return 0;
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
  return 1;
}

std::string own_path() {
  char buffer[PATH_MAX] = {};
  const ssize_t n = readlink("/proc/self/exe", buffer, sizeof buffer - 1);
  return {buffer, n > 0 ? static_cast<std::size_t>(n) : 0};
}

// Runs a phase of kubeadm on an executor of its own; answers the exit code.
int run(std::function<async::Task<Status>(kubeadm::Setting, async::StopToken)> body) {
  Status result;
  const int code = run_process(0, "kubeadm", [&](Process& process) -> async::Task<Status> {
    return [](Process& p, const auto& work, Status& out) -> async::Task<Status> {
      out = co_await work(kubeadm::Setting{p.executor, print_line, own_path()}, p.stop);
      co_return Status();
    }(process, body, result);
  });
  return code != 0 ? code : complain(result);
}

// What the shell gave, before it goes over the configuration file.
struct CommonFlags {
  std::string config_file;
  bool dry_run = false;
  std::string cri_socket;
  std::string node_name;
  std::vector<std::string> ignore;

  void add_to(Flags& flags) {
    flags.add("config", &config_file, "path to a kubeadm configuration file");
    flags.add("dry-run", &dry_run, "make no changes; say what would be done");
    flags.add("cri-socket", &cri_socket, "the CRI runtime's socket");
    flags.add("node-name", &node_name, "the node's name");
    flags.add("ignore-preflight-errors", &ignore,
              "checks whose errors are shown as warnings; 'all' for all");
  }
  void over(kubeadm::NodeRegistration& node) const {
    if (!cri_socket.empty())
      node.cri_socket = cri_socket.contains("://") ? cri_socket : cat("unix://", cri_socket);
    if (!node_name.empty()) node.name = node_name;
    node.ignore_preflight_errors.insert(node.ignore_preflight_errors.end(), ignore.begin(),
                                        ignore.end());
  }
};

void warn(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings)
    std::fprintf(stderr, "[config] WARNING: %s\n", warning.c_str());
}

Status read_config_file(const std::string& path, kubeadm::InitConfig& config) {
  if (path.empty()) return {};
  KPP_ASSIGN(const std::string text, fs::read_file(path, 4u << 20));
  std::vector<std::string> warnings;
  KPP_RETURN_IF_ERROR(kubeadm::read_init_config(text, config, warnings));
  warn(warnings);
  return {};
}

// Flags that say what the cluster is; shared by init and config images.
struct ClusterFlags {
  std::string repository, store, version;

  void add_to(Flags& flags) {
    flags.add("image-repository", &repository, "the registry that images are named after");
    flags.add("kubernetes-version", &version, "the version of the control plane");
    flags.add("store", &store,
              "where the API server keeps its objects: etcd, or embedded (a store of its own)");
  }
  Status over(kubeadm::ClusterConfig& cluster) const {
    if (!repository.empty()) cluster.image_repository = repository;
    if (!version.empty())
      cluster.kubernetes_version = version.starts_with("v") ? version : cat("v", version);
    if (store == "embedded") {
      cluster.store = kubeadm::StoreKind::kEmbedded;
    } else if (!store.empty() && store != "etcd") {
      return {Reason::kInvalid, cat("--store must be etcd or embedded, not ", quoted(store))};
    }
    return {};
  }
};

int init_main(int argc, char** argv) {
  std::string phase;
  if (argc > 1 && std::string_view(argv[1]) == "phase") {
    if (argc < 3)
      return report(
          "kubeadm init phase",
          Status(Reason::kInvalid, cat("which phase? ", join(kubeadm::phase_names(), ", "))));
    phase = argv[2];
    argc -= 2;
    argv += 2;
  }
  CommonFlags common;
  ClusterFlags cluster_flags;
  std::string address, pod_cidr, service_cidr, dns_domain, endpoint, token, ttl, certs,
      certificate_key;
  std::vector<std::string> sans;
  int port = 0;
  bool upload_certs = false;
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
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kubeadm init", s);
  kubeadm::InitConfig config;
  if (Status s = read_config_file(common.config_file, config); !s.ok()) return complain(s);
  common.over(config.node);
  config.upload_certificates = upload_certs;
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
  return run([&](kubeadm::Setting setting, async::StopToken stop) {
    if (!phase.empty())
      return kubeadm::run_phase(std::move(setting), config, phase, std::move(stop));
    return kubeadm::init(std::move(setting), config, common.dry_run, std::move(stop));
  });
}

int join_main(int argc, char** argv) {
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
    const auto text = fs::read_file(common.config_file, 4u << 20);
    if (!text) return complain(text.error());
    std::vector<std::string> warnings;
    if (Status s = kubeadm::read_join_config(*text, config, warnings); !s.ok()) return complain(s);
    warn(warnings);
  }
  common.over(config.node);
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
  return run([&](kubeadm::Setting setting, async::StopToken stop) {
    return kubeadm::join(std::move(setting), config, common.dry_run, std::move(stop));
  });
}

int reset_main(int argc, char** argv) {
  bool force = false;
  kubeadm::ResetOptions options;
  std::vector<std::string> ignore;
  Flags flags("kubeadm reset", "Takes off this machine what init or join put on it.");
  flags.add("force,-f", &force, "do not ask");
  flags.add("cri-socket", &options.cri_socket, "the CRI runtime's socket");
  flags.add("cert-dir", &options.certificates_dir, "where the certificates are kept");
  flags.add("dry-run", &options.dry_run, "make no changes; say what would be done");
  flags.add("ignore-preflight-errors", &ignore, "checks whose errors are shown as warnings");
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kubeadm reset", s);
  if (geteuid() != 0)
    return complain(Status(Reason::kForbidden, "user is not running as root; use sudo"));
  if (!force && !options.dry_run) {
    std::printf("[reset] Are you sure you want to proceed? [y/N]: ");
    std::fflush(stdout);
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "Y")
      return complain(Status(Reason::kInvalid,
                             "won't proceed; the user didn't answer (Y|y) in order to continue"));
  }
  return run([&](kubeadm::Setting setting, async::StopToken stop) {
    return kubeadm::reset(std::move(setting), options, std::move(stop));
  });
}

int token_main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "list";
  std::string kubeconfig = kAdminConf;
  std::string ttl = "24h0m0s";
  std::vector<std::string> words, usages, groups;
  bool print_join = false;
  kubeadm::BootstrapToken token;
  Flags flags(cat("kubeadm token ", verb), "The tokens that machines join with.");
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server");
  flags.add_words(&words, "tokens");
  if (verb == "create") {
    flags.add("ttl", &ttl, "how long it lives; 0: for ever");
    flags.add("description", &token.description, "what it is for");
    flags.add("usages", &usages, "signing, authentication");
    flags.add("groups", &groups, "groups that it is authenticated as");
    flags.add("print-join-command", &print_join, "print the whole join command");
  }
  if (argc > 2 || verb == "--help") {
    if (Status s = flags.parse(argc - 1, argv + 1); !s.ok()) return report("kubeadm token", s);
  }
  if (verb == "generate") {
    print_line(kubeadm::generate_token());
    return 0;
  }
  if (verb == "list") {
    return run([&](kubeadm::Setting setting, async::StopToken stop) {
      return kubeadm::list_tokens(std::move(setting), kubeconfig, stop);
    });
  }
  if (verb == "delete" && !words.empty()) {
    return run([&](kubeadm::Setting setting, async::StopToken stop) {
      return kubeadm::delete_tokens(std::move(setting), kubeconfig, words, stop);
    });
  }
  if (verb != "create" || words.size() > 1) {
    return report("kubeadm token",
                  Status(Reason::kInvalid,
                         "usage: kubeadm token create [TOKEN]|list|delete TOKEN...|generate"));
  }
  if (!words.empty()) token.token = words[0];
  if (!usages.empty()) token.usages = usages;
  if (!groups.empty()) token.groups = groups;
  const auto parsed = kubeadm::parse_duration(ttl);
  if (!parsed) return complain(parsed.error());
  token.ttl = *parsed;
  return run([&](kubeadm::Setting setting, async::StopToken stop) {
    return kubeadm::create_token(std::move(setting), kubeconfig, token, print_join, stop);
  });
}

int config_main(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  const std::string_view second = argc > 2 ? argv[2] : "";
  if (first == "print" && second == "init-defaults") {
    std::fputs(kubeadm::print_init_defaults().c_str(), stdout);
    return 0;
  }
  if (first != "images" || (second != "list" && second != "pull")) {
    return report(
        "kubeadm config",
        Status(Reason::kInvalid,
               "usage: kubeadm config images list|pull | kubeadm config print init-defaults"));
  }
  CommonFlags common;
  ClusterFlags cluster_flags;
  Flags flags(cat("kubeadm config images ", second), "The images that a control plane needs.");
  flags.add("config", &common.config_file, "path to a kubeadm configuration file");
  flags.add("cri-socket", &common.cri_socket, "the CRI runtime's socket");
  cluster_flags.add_to(flags);
  if (Status s = flags.parse(argc - 2, argv + 2); !s.ok()) return report("kubeadm config", s);
  kubeadm::InitConfig config;
  if (Status s = read_config_file(common.config_file, config); !s.ok()) return complain(s);
  if (Status s = cluster_flags.over(config.cluster); !s.ok()) return complain(s);
  common.over(config.node);
  const std::vector<std::string> names = kubeadm::image_names(config.cluster);
  if (second == "pull") {
    const Status loaded = kubeadm::ensure_images(config.node.cri_socket, names, own_path());
    if (!loaded.ok()) return complain(loaded);
  }
  for (const std::string& name : names)
    print_line(second == "pull" ? cat("[config/images] Pulled ", name) : name);
  return 0;
}

int certs_main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  std::string file;
  std::vector<std::string> words;
  kubeadm::InitConfig config;
  std::string directory = config.cluster.certificates_dir;
  Flags flags(cat("kubeadm certs ", verb), "The certificates of this machine.");
  flags.add("cert-dir", &directory, "where the certificates are kept");
  flags.add("config", &file, "path to a kubeadm configuration file");
  flags.add_words(&words, "the certificate, or all");
  if (argc > 2) {
    if (Status s = flags.parse(argc - 1, argv + 1); !s.ok()) return report("kubeadm certs", s);
  }
  if (Status s = read_config_file(file, config); !s.ok()) return complain(s);
  config.cluster.certificates_dir = directory;
  const SystemClock clock;
  if (verb == "certificate-key") {
    print_line(kubeadm::new_certificate_key());
    return 0;
  }
  if (verb == "check-expiration") {
    const auto tables = kubeadm::expiration_tables(
        directory, std::string(kubeadm::kKubernetesDirectory), clock.wall());
    if (!tables) return complain(tables.error());
    std::fputs(tables->c_str(), stdout);
    return 0;
  }
  if (verb == "renew" && words.size() == 1) {
    return complain(kubeadm::renew_certificates(words[0], config.cluster,
                                                std::string(kubeadm::kKubernetesDirectory),
                                                clock.wall(), print_line));
  }
  return report("kubeadm certs",
                Status(Reason::kInvalid,
                       "usage: kubeadm certs check-expiration | renew NAME|all | certificate-key"));
}

int kubeconfig_user_main(int argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]) != "user") {
    return report("kubeadm kubeconfig",
                  Status(Reason::kInvalid, "usage: kubeadm kubeconfig user --client-name NAME"));
  }
  std::string name, file, token;
  std::vector<std::string> organizations;
  kubeadm::InitConfig config;
  Flags flags("kubeadm kubeconfig user", "Prints a kubeconfig for a further user.");
  flags.add("client-name", &name, "the user's name");
  flags.add("org", &organizations, "the user's groups");
  flags.add("config", &file, "path to a kubeadm configuration file");
  flags.add("token", &token, "a bearer token in place of a certificate");
  if (Status s = flags.parse(argc - 1, argv + 1); !s.ok()) return report("kubeadm kubeconfig", s);
  if (name.empty())
    return report("kubeadm kubeconfig",
                  Status(Reason::kInvalid, "required flag(s) \"client-name\" not set"));
  if (Status s = read_config_file(file, config); !s.ok()) return complain(s);
  if (Status s = kubeadm::complete(config); !s.ok()) return complain(s);
  const std::string server = cat("https://", kubeadm::control_plane_endpoint(config));
  if (!token.empty()) {
    const auto ca = fs::read_file(cat(config.cluster.certificates_dir, "/ca.crt"));
    if (!ca) return complain(ca.error());
    std::fputs(kubeadm::kubeconfig_with_token(config.cluster.cluster_name, server, *ca, name, token)
                   .c_str(),
               stdout);
    return 0;
  }
  const SystemClock clock;
  const auto text = kubeadm::make_kubeconfig(config, name, organizations, server, clock.wall());
  if (!text) return complain(text.error());
  std::fputs(text->c_str(), stdout);
  return 0;
}

int version_main(int argc, char** argv) {
  std::string output;
  Flags flags("kubeadm version", "Prints the version.");
  flags.add("output,-o", &output, "short, or the whole");
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kubeadm version", s);
  if (output == "short") {
    print_line(kKubernetesVersion);
  } else {
    print_line(cat("kubeadm version: ", kKubernetesVersion, " (k++ ", kVersion, ")"));
  }
  return 0;
}

}  // namespace

int kubeadm_main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "--help";
  const struct {
    std::string_view name;
    int (*main)(int, char**);
  } verbs[] = {{"init", init_main},
               {"join", join_main},
               {"reset", reset_main},
               {"token", token_main},
               {"config", config_main},
               {"certs", certs_main},
               {"kubeconfig", kubeconfig_user_main},
               {"version", version_main}};
  for (const auto& known : verbs) {
    if (known.name == verb) return known.main(argc - 1, argv + 1);
  }
  if (verb == "--help" || verb == "-h" || verb == "help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  std::fprintf(stderr, "error: unknown command \"%s\" for \"kubeadm\"\n%s", argv[1], kUsage);
  return 2;
}

}  // namespace kpp::cmd
