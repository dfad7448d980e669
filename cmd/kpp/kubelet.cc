// The kubelet, alone against an API server over the network.
#include "kubelet/kubelet.h"

#include <algorithm>
#include <optional>

#include "base/fs.h"
#include "commands.h"
#include "connection.h"
#include "flags.h"
#include "kubelet/certificates/api_connection.h"
#include "kubelet/certificates/serving_certificate.h"
#include "kubelet/config/configuration.h"
#include "kubelet/config/node_labels.h"
#include "kubelet/config/options_of.h"
#include "kubelet/config/validation.h"
#include "kubelet/node/machine.h"
#include "kubelet/server/health_port.h"
#include "process.h"

namespace kpp::cmd {
namespace {

// What the command line says beside the fields of the configuration.
struct KubeletFlags {
  std::string config;
  std::vector<std::string> node_labels;
  std::string certificate_directory;
  kubelet::ApiConnectionOptions api;
  kubelet::KubeletOptions options;
  int verbosity = 0;
};

struct KubeletSetup {
  kubelet::Configuration config;
  kubelet::ApiConnectionOptions api;
  kubelet::KubeletOptions options;
  std::vector<std::string> without_effect;
};

// What a person wrote for the flags that stand for fields of the configuration.
class GivenFields {
 public:
  GivenFields() : given_(kubelet::config_flags().size()) {}

  void add_to(Flags& flags) {
    for (std::size_t i = 0; i < given_.size(); ++i) {
      const kubelet::ConfigFlag& flag = kubelet::config_flags()[i];
      const std::string name(flag.name);
      const std::string help(flag.help);
      using Kind = kubelet::ConfigFlag::Kind;
      if (flag.kind == Kind::kSwitch) {
        flags.add(name, &given_[i].set, help);
      } else if (flag.kind == Kind::kText || flag.kind == Kind::kNumber) {
        flags.add(name, &given_[i].text, help);
      } else {
        flags.add(name, &given_[i].words, help);
      }
    }
  }

  // Lays them over the document.
  Status apply(json::Object& document) const {
    for (std::size_t i = 0; i < given_.size(); ++i) {
      std::vector<std::string> words = given_[i].words;
      if (given_[i].text) words = {*given_[i].text};
      if (given_[i].set) words = {*given_[i].set ? "true" : "false"};
      if (words.empty()) continue;
      KPP_RETURN_IF_ERROR(kubelet::set_flag(document, kubelet::config_flags()[i], words));
    }
    return {};
  }

 private:
  struct Given {
    std::optional<std::string> text;
    std::optional<bool> set;
    std::vector<std::string> words;
  };
  std::vector<Given> given_;
};

Result<KubeletSetup> set_up(KubeletFlags flags, const GivenFields& given) {
  json::Object document;
  if (!flags.config.empty()) {
    KPP_ASSIGN(document, kubelet::load_configuration(flags.config));
  } else {
    kubelet::set_defaults_without_file(document);
  }
  KPP_RETURN_IF_ERROR(given.apply(document));
  KubeletSetup out;
  KPP_ASSIGN(out.config, kubelet::decode_configuration(document));
  if (Status s = kubelet::validate_configuration(out.config); !s.ok()) {
    return fail(Status(s).with_context(
        cat("failed to validate kubelet configuration, path: ", flags.config)));
  }
  const auto cgroups = sys::Cgroups::discover();
  KPP_RETURN_IF_ERROR(kubelet::check_machine(
      out.config, kubelet::read_machine(flags.options.root_dir).swap_bytes > 0,
      cgroups ? cgroups->version() : sys::CgroupVersion::kV2));
  out.without_effect = kubelet::fields_without_effect(document);
  out.options = std::move(flags.options);
  KPP_ASSIGN(out.options.node_labels, kubelet::parse_node_labels(flags.node_labels));
  KPP_RETURN_IF_ERROR(kubelet::apply_configuration(out.config, out.options));
  std::ranges::transform(out.options.node_name, out.options.node_name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (out.options.node_ip.empty())
    out.options.node_ip = kubelet::default_node_address(out.options.node_name);
  out.api = std::move(flags.api);
  out.api.node_name = out.options.node_name;
  out.api.rotate = out.config.rotate_certificates;
  out.api.certificate_directory = flags.certificate_directory.empty()
                                      ? cat(out.options.root_dir, "/pki")
                                      : flags.certificate_directory;
  return out;
}

// The serving certificate of files, or one of our own making.
Status find_serving_certificate(KubeletSetup& setup, WallTime now) {
  auto& options = setup.options;
  const std::string& certificate = setup.config.tls_cert_file;
  const std::string& key = setup.config.tls_private_key_file;
  if (!certificate.empty() || !key.empty()) {
    KPP_ASSIGN(options.serving_certificate, fs::read_file(certificate, 1u << 20));
    KPP_ASSIGN(options.serving_key, fs::read_file(key, 1u << 20));
    return {};
  }
  if (setup.config.server_tls_bootstrap) return {};
  KPP_ASSIGN(const auto pair, kubelet::own_serving_certificate(setup.api.certificate_directory,
                                                               options.node_name, now));
  options.serving_certificate = pair.certificate_pem;
  options.serving_key = pair.key_pem;
  return {};
}

async::Task<Status> run_node(Process& process, const KubeletSetup& setup,
                             kubelet::ApiConnection& api) {
  kubelet::Kubelet agent({process.executor, process.pool, api.client(), process.log},
                         setup.options);
  KPP_CO_RETURN_IF_ERROR(co_await agent.start());
  std::optional<kubelet::CertificateKeeper> serving;
  if (setup.options.serving_certificate.empty()) {
    std::vector<std::string> addresses = {setup.options.node_name};
    if (!setup.options.node_ip.empty()) addresses.push_back(setup.options.node_ip);
    serving.emplace(kubelet::CertificateKeeperDeps{process.executor, api.client(),
                                                   process.log.named("certificates")},
                    kubelet::CertificateStore(setup.api.certificate_directory, "kubelet-server"),
                    kubelet::serving_certificate_of(setup.options.node_name, addresses),
                    [&agent, &process](const net::x509::KeyPair& pair) {
                      if (Status s = agent.serve_with(pair); !s.ok())
                        process.log.error("Failed to serve the node", {kv("err", s.to_string())});
                    });
    serving->start();
  }
  co_await until_stopped(process);
  if (serving) co_await serving->stop();
  co_await agent.stop();
  co_return Status();
}

async::Task<Status> run_kubelet(Process& process, KubeletSetup setup) {
  for (const std::string& field : setup.without_effect)
    process.log.warning("A field of the configuration changes nothing here", {kv("field", field)});
  kubelet::HealthPort health(process.executor, process.log.named("health"));
  const int port = setup.config.healthz_port.value_or(10248);
  const std::string& given = setup.config.healthz_bind_address;
  if (port != 0) {
    KPP_CO_RETURN_IF_ERROR(
        health.start(given.empty() ? "127.0.0.1" : given, static_cast<std::uint16_t>(port)));
  }
  kubelet::ApiConnection api(process.executor, process.log, setup.api);
  Status done = find_serving_certificate(setup, process.executor.wall());
  if (done.ok()) done = co_await api.open(process.stop);
  if (done.ok()) done = co_await run_node(process, setup, api);
  co_await api.stop();
  co_await health.stop();
  // Told to end while it waited for a certificate.
  if (done.is(Reason::kCanceled)) co_return Status();
  if (done.ok()) co_return done;
  co_return std::move(done).with_context("failed to run Kubelet");
}

}  // namespace

int kubelet_main(int argc, char** argv) {
  KubeletFlags given;
  given.options.node_name = host_name();
  Flags flags("kubelet", "Runs the pods of this node.");
  flags.add("kubeconfig", &given.api.kubeconfig, "how to reach the API server");
  flags.add("bootstrap-kubeconfig", &given.api.bootstrap_kubeconfig,
            "how to ask for a client certificate where --kubeconfig has none; it is written then");
  flags.add("cert-dir", &given.certificate_directory,
            "where certificates are kept; empty: pki in --root-dir");
  flags.add("config", &given.config, "a file with a KubeletConfiguration; flags go before it");
  flags.add("hostname-override", &given.options.node_name, "the node's name");
  flags.add("node-ip", &given.options.node_ip, "the node's address");
  flags.add("node-labels", &given.node_labels, "labels of a node that registers (key=value,...)");
  flags.add("root-dir", &given.options.root_dir, "where volumes and the like are kept");
  GivenFields fields;
  fields.add_to(flags);
  flags.add_verbosity(&given.verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kubelet", s);
  auto setup = set_up(given, fields);
  if (!setup) return report("kubelet", setup.error());
  const int verbosity =
      std::max(given.verbosity, static_cast<int>(setup->config.logging.verbosity));
  return run_process(verbosity, "kubelet",
                     [&](Process& p) { return run_kubelet(p, std::move(*setup)); });
}

}  // namespace kpp::cmd
