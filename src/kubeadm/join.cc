#include "kubeadm/join.h"

#include <cstdlib>
#include <optional>

#include "async/wait.h"
#include "base/fs.h"
#include "client/kubeconfig.h"
#include "codec/yaml.h"
#include "kubeadm/api_objects.h"
#include "kubeadm/bootstrap_objects.h"
#include "kubeadm/cluster_images.h"
#include "kubeadm/cluster_info.h"
#include "kubeadm/cluster_setup.h"
#include "kubeadm/control_plane_join.h"
#include "kubeadm/kubeconfigs.h"
#include "kubeadm/kubelet_start.h"
#include "kubeadm/machine_identity.h"
#include "kubeadm/preflight.h"
#include "kubeadm/runtime.h"
#include "kubeadm/tokens.h"
#include "kubeadm/wait_control_plane.h"
#include "net/x509.h"

namespace kpp::kubeadm {
namespace {

constexpr std::chrono::seconds kPause{1};
// The original takes 5 minutes for the clocks' difference that certificates stand.
constexpr std::chrono::minutes kClockSkew{5};

std::string kubelet_conf() { return cat(kKubernetesDirectory, "/kubelet.conf"); }
std::string bootstrap_conf() { return cat(kKubernetesDirectory, "/bootstrap-kubelet.conf"); }

// Errors that waiting does not mend.
bool is_final(const Status& status) {
  return status.is(Reason::kUnauthorized) || status.is(Reason::kInvalid) ||
         status.is(Reason::kCanceled);
}

class Join {
 public:
  Join(Setting setting, JoinConfig config, PhaseChoice choice, async::StopToken stop)
      : executor_(setting.executor),
        print_(std::move(setting.print)),
        program_(std::move(setting.program)),
        config_(std::move(config)),
        choice_(std::move(choice)),
        stop_(std::move(stop)) {}

  async::Task<Status> run() {
    Status done = co_await preflight();
    if (!done.ok()) co_return phase("preflight", std::move(done));
    done = co_await discover();
    if (!done.ok())
      co_return phase("preflight", std::move(done).with_context(
                                       "couldn't validate the identity of the API Server"));
    KPP_CO_ASSIGN(const ApiConnection api, connect_with(executor_, bootstrap_kubeconfig()));
    done = co_await read_cluster(*api.client);
    if (done.ok() && config_.control_plane) done = prepare_control_plane();
    if (!done.ok()) co_return phase("preflight", std::move(done));
    if (config_.dry_run) {
      say_what_would_be();
      co_return Status();
    }
    if (choice_.wants("preflight")) {
      done = co_await load_images();
      if (!done.ok()) co_return phase("preflight", std::move(done));
    }
    if (control_plane_) {
      if (!config_.certificate_key.empty() &&
          choice_.wants("control-plane-prepare/download-certs")) {
        done = co_await control_plane_->download(*api.client, config_.certificate_key);
      }
      if (done.ok()) done = control_plane_->make_files();
      if (!done.ok()) co_return phase("control-plane-prepare", std::move(done));
    }
    done = co_await start(*api.client);
    if (!done.ok()) co_return phase("kubelet-start", std::move(done));
    if (control_plane_) {
      done = co_await control_plane_->finish();
      if (!done.ok()) co_return phase("control-plane-join", std::move(done));
    }
    if (!choice_.is_alone()) control_plane_ ? control_plane_->closing_words() : closing_words();
    co_return Status();
  }

 private:
  static Status phase(std::string_view name, Status status) {
    return std::move(status).with_context(cat("error execution phase ", name));
  }

  // What the runtime says is needed by later phases too.
  async::Task<Status> preflight() {
    runtime_ = co_await ask_runtime(executor_, config_.node.cri_socket, stop_);
    machine_ = look_at_machine(runtime_, config_.node.name);
    if (!choice_.wants("preflight")) co_return Status();
    print_("[preflight] Running pre-flight checks");
    co_return judge(check_for_join(machine_, config_), config_.node.ignore_preflight_errors,
                    print_);
  }

  void say_what_would_be() {
    for (const Phase& known : join_phases()) {
      const bool of_control_planes = !(known.name == "preflight" || known.name == "kubelet-start" ||
                                       known.name == "kubelet-wait-bootstrap");
      if (known.name == "preflight" || (of_control_planes && !control_plane_)) continue;
      if (choice_.wants(known.name))
        print_(cat("[dryrun] Would run the phase ", quoted(known.name)));
    }
    print_("[dryrun] Finished dry-running successfully");
  }

  // What the cluster is, and what this machine is to be in it.
  Status prepare_control_plane() {
    InitConfig config;
    config.cluster = cluster_;
    config.node = config_.node;
    if (!config.node.taints) {
      config.node.taints = std::vector<Taint>{{std::string(kControlPlaneLabel), "", "NoSchedule"}};
    }
    config.advertise_address = config_.advertise_address;
    if (config.advertise_address.empty()) {
      KPP_ASSIGN(config.advertise_address, default_address());
    }
    config.bind_port = config_.bind_port;
    config.patches_dir = config_.patches_dir;
    config.timeouts = config_.timeouts;
    control_plane_.emplace(executor_, print_, std::move(config), choice_, stop_);
    if (!choice_.wants("preflight")) return {};
    return control_plane_->check(machine_, !config_.certificate_key.empty());
  }

  async::Task<Status> load_images() {
    std::vector<std::string> names = worker_image_names(cluster_);
    if (control_plane_) {
      names = image_names(cluster_);
      print_("[preflight] Pulling images required for setting up a Kubernetes cluster");
      print_("[preflight] They are made by this binary and loaded into the container runtime");
    }
    co_return ensure_images(config_.node.cri_socket,
                            with_sandbox_image(std::move(names), runtime_.sandbox_image), program_);
  }

  // Finds the cluster and its CA, and trusts them for a reason.
  async::Task<Status> discover() {
    if (!config_.discovery_file.empty()) {
      KPP_CO_ASSIGN(const client::Kubeconfig file, client::load_kubeconfig(config_.discovery_file));
      if (file.clusters.empty())
        co_return Status(Reason::kInvalid, "the discovery file names no cluster");
      info_ = {file.clusters[0].server, file.clusters[0].ca_pem};
      co_return Status();
    }
    const TimePoint deadline = executor_.steady() + config_.timeouts.discovery;
    while (true) {
      Status done = co_await discover_once();
      if (done.ok() || is_final(done)) co_return done;
      if (executor_.steady() >= deadline) co_return done;
      if (!told_) print_(cat("[discovery] ", done.message(), "; trying again"));
      told_ = true;
      const bool slept = co_await async::sleep_for(executor_, kPause, stop_);
      if (!slept) co_return Status(Reason::kCanceled, "stopped");
    }
  }

  async::Task<Status> discover_once() {
    KPP_CO_ASSIGN(net::Endpoint endpoint,
                  net::Endpoint::parse(cat("https://", config_.api_server_endpoint)));
    net::ClientOptions options;
    // Nothing secret is sent: the token's secret signs what comes back, and the hash pins the CA.
    net::TlsClientOptions tls;
    tls.insecure = true;
    KPP_CO_ASSIGN(options.dial.tls, net::TlsContext::client(tls));
    net::HttpClient http(executor_, std::move(endpoint), std::move(options));
    client::Client api(http, "kubeadm", {}, &executor_);
    auto map =
        co_await get_path(api, "/api/v1/namespaces/kube-public/configmaps/cluster-info", "", stop_);
    if (!map) {
      co_return std::move(map).error().with_context(
          cat("failed to request the cluster-info ConfigMap from ", config_.api_server_endpoint));
    }
    KPP_CO_ASSIGN(info_, read_cluster_info(*map, config_.token, config_.ca_cert_hashes));
    co_return co_await confirm();
  }

  // Asks again over a connection that the discovered CA vouches for, and compares the clocks.
  async::Task<Status> confirm() {
    KPP_CO_ASSIGN(net::Endpoint endpoint,
                  net::Endpoint::parse(cat("https://", config_.api_server_endpoint)));
    net::ClientOptions options;
    net::TlsClientOptions tls;
    tls.ca_pem = info_.ca_pem;
    KPP_CO_ASSIGN(options.dial.tls, net::TlsContext::client(tls));
    net::HttpClient http(executor_, std::move(endpoint), std::move(options));
    net::Request request;
    request.method = "GET";
    request.path = "/version";
    auto answer = co_await http.send(std::move(request), false, stop_);
    if (!answer) {
      co_return std::move(answer).error().with_context(
          "the API server does not prove to be of the cluster that the token is for");
    }
    co_return check_clock(std::string(answer->headers.get("Date")));
  }

  Status check_clock(const std::string& date) const {
    std::tm parts{};
    if (date.empty() || ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) {
      return {};
    }
    const WallTime theirs{std::chrono::seconds(::timegm(&parts))};
    const auto apart =
        theirs > executor_.wall() ? theirs - executor_.wall() : executor_.wall() - theirs;
    if (apart <= kClockSkew) return {};
    return {Reason::kInvalid,
            cat("this machine's clock and the API server's are ",
                std::chrono::duration_cast<std::chrono::seconds>(apart).count(),
                " s apart; set it: timedatectl set-ntp true, or date -s ", quoted(date))};
  }

  std::string bootstrap_kubeconfig() const {
    const std::string& token =
        config_.tls_bootstrap_token.empty() ? config_.token : config_.tls_bootstrap_token;
    return kubeconfig_with_token("kubernetes", info_.server, info_.ca_pem,
                                 "tls-bootstrap-token-user", token);
  }

  async::Task<Status> read_cluster(client::Client& api) {
    print_(
        "[preflight] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace "
        "\"kube-system\"...");
    print_(
        "[preflight] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to "
        "re-upload it.");
    auto map = co_await get_path(api, "/api/v1/namespaces/kube-system/configmaps/kubeadm-config",
                                 "", stop_);
    if (!map) co_return std::move(map).error().with_context("reading kubeadm-config");
    InitConfig cluster;
    std::vector<std::string> warnings;
    KPP_CO_RETURN_IF_ERROR(
        read_init_config(json::text_at(*map, "data.ClusterConfiguration"), cluster, warnings));
    cluster_ = std::move(cluster.cluster);
    if (json::text_at(*map, "data.Store") == kEmbeddedStore) {
      cluster_.store = StoreKind::kEmbedded;
    }
    map = co_await get_path(api, "/api/v1/namespaces/kube-system/configmaps/kubelet-config", "",
                            stop_);
    if (!map) co_return std::move(map).error().with_context("reading kubelet-config");
    KPP_CO_ASSIGN(json::Value kubelet, yaml::parse(json::text_at(*map, "data.kubelet")));
    if (!kubelet.is_object()) co_return Status(Reason::kInvalid, "kubelet-config holds no object");
    kubelet_ = std::move(kubelet.get_object());
    if (!runtime_.cgroup_driver.empty()) kubelet_["cgroupDriver"] = runtime_.cgroup_driver;
    if (!choice_.wants("preflight")) co_return Status();
    KPP_CO_RETURN_IF_ERROR(co_await check_name_is_free(api));
    co_return co_await check_identity(api);
  }

  static std::string machines_path() {
    return cat("/api/v1/namespaces/kube-system/configmaps/", kMachinesMap);
  }

  // Of machines that are no nodes any more, what is written does not count.
  async::Task<Status> check_identity(client::Client& api) {
    auto map = co_await get_path(api, machines_path(), "", stop_);
    if (!map) {
      // A cluster that another kubeadm made does not keep them.
      const bool unknown = map.error().is(Reason::kNotFound) || map.error().is(Reason::kForbidden);
      co_return unknown ? Status() : std::move(map).error();
    }
    knows_machines_ = true;
    const json::Value* const data = json::find(*map, "data");
    if (data == nullptr || !data->is_object()) co_return Status();
    std::vector<Finding> findings;
    for (const auto& [node, text] : data->get_object()) {
      if (!text.is_string() || node == config_.node.name) continue;
      const auto same = compare(identity_, node, MachineIdentity::parse(text.get_string()));
      if (same.empty()) continue;
      const auto there = co_await get_path(api, cat("/api/v1/nodes/", node), "", stop_);
      if (there) findings.insert(findings.end(), same.begin(), same.end());
    }
    co_return judge(std::move(findings), config_.node.ignore_preflight_errors, print_);
  }

  async::Task<Status> check_name_is_free(client::Client& api) {
    auto node = co_await get_path(api, cat("/api/v1/nodes/", config_.node.name), "", stop_);
    if (!node) {
      co_return node.error().is(Reason::kNotFound) ? Status() : std::move(node).error();
    }
    const json::Value* const conditions = json::find(*node, "status.conditions");
    if (conditions == nullptr || !conditions->is_array()) co_return Status();
    for (const json::Value& condition : conditions->get_array()) {
      if (json::text_at(condition, "type") == "Ready" &&
          json::text_at(condition, "status") == "True") {
        co_return Status(Reason::kAlreadyExists,
                         cat("a Node with name ", quoted(config_.node.name),
                             " and status \"Ready\" already exists in the cluster. You must delete "
                             "the existing Node or change the name of this new joining Node"));
      }
    }
    co_return Status();
  }

  async::Task<Status> start(client::Client& api) {
    if (choice_.wants("kubelet-start")) {
      KPP_CO_RETURN_IF_ERROR(co_await start_with_bootstrap_credential());
    }
    if (control_plane_) {
      KPP_CO_RETURN_IF_ERROR(co_await control_plane_->announce_etcd());
    }
    if (!choice_.wants("kubelet-wait-bootstrap")) co_return Status();
    print_("[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap");
    KPP_CO_RETURN_IF_ERROR(co_await wait_for_certificate());
    KPP_CO_RETURN_IF_ERROR(fs::remove_all(bootstrap_conf()));
    KPP_CO_RETURN_IF_ERROR(co_await wait_for_node(api));
    if (!knows_machines_) co_return Status();
    co_return co_await patch_path(
        api, machines_path(), "application/merge-patch+json",
        json::write(json::Value(machine_patch(config_.node.name, identity_))), stop_);
  }

  async::Task<Status> start_with_bootstrap_credential() {
    const std::string directory = config_.ca_cert_path.substr(0, config_.ca_cert_path.rfind('/'));
    KPP_CO_RETURN_IF_ERROR(fs::make_directories(directory));
    KPP_CO_RETURN_IF_ERROR(fs::write_file_atomic(config_.ca_cert_path, info_.ca_pem));
    KPP_CO_RETURN_IF_ERROR(fs::make_directories(std::string(kManifestsDirectory), 0700));
    KPP_CO_RETURN_IF_ERROR(fs::write_file_atomic(bootstrap_conf(), bootstrap_kubeconfig(), 0600));
    NodeRegistration node = config_.node;
    std::string address;
    if (control_plane_) {
      node = control_plane_->config().node;
      address = control_plane_->config().advertise_address;
    } else {
      KPP_CO_ASSIGN(address, default_address());
    }
    KPP_CO_ASSIGN(const std::string text,
                  kubelet_config_text(kubelet_, config_.patches_dir, print_));
    KPP_CO_RETURN_IF_ERROR(write_kubelet_files(text, kubelet_flags(node, address), print_));
    KPP_CO_RETURN_IF_ERROR(start_kubelet(print_));
    co_return co_await wait_for_kubelet(executor_, config_.timeouts.kubelet, print_, stop_);
  }

  async::Task<Status> wait_for_certificate() {
    const TimePoint deadline = executor_.steady() + config_.timeouts.tls_bootstrap;
    while (!fs::exists(kubelet_conf())) {
      KPP_CO_RETURN_IF_ERROR(check_kubelet_runs());
      if (executor_.steady() >= deadline) {
        co_return Status(Reason::kTimeout,
                         "the kubelet got no certificate; see whether its request waits for "
                         "approval: kubectl get csr, and its log: journalctl -xeu kubelet, or "
                         "/var/log/kubelet.log");
      }
      const bool slept =
          co_await async::sleep_for(executor_, std::chrono::milliseconds(200), stop_);
      if (!slept) co_return Status(Reason::kCanceled, "stopped");
    }
    co_return Status();
  }

  async::Task<Status> wait_for_node(client::Client& api) {
    const TimePoint deadline = executor_.steady() + config_.timeouts.tls_bootstrap;
    while (true) {
      auto node = co_await get_path(api, cat("/api/v1/nodes/", config_.node.name), "", stop_);
      if (node) co_return Status();
      if (executor_.steady() >= deadline) co_return std::move(node).error();
      const bool slept =
          co_await async::sleep_for(executor_, std::chrono::milliseconds(200), stop_);
      if (!slept) co_return Status(Reason::kCanceled, "stopped");
    }
  }

  void closing_words() {
    print_("");
    print_("This node has joined the cluster:");
    print_("* Certificate signing request was sent to apiserver and a response was received.");
    print_("* The Kubelet was informed of the new secure connection details.");
    print_("");
    print_("Run 'kubectl get nodes' on the control-plane to see this node join the cluster.");
    print_("");
  }

  async::IoExecutor& executor_;
  const Printer print_;
  const std::string program_;
  JoinConfig config_;
  const PhaseChoice choice_;
  const async::StopToken stop_;
  RuntimeFacts runtime_;
  MachineView machine_;
  std::optional<ControlPlaneJoin> control_plane_;
  ClusterInfo info_;
  ClusterConfig cluster_;
  json::Object kubelet_;
  const MachineIdentity identity_ = read_identity("");
  bool knows_machines_ = false;
  bool told_ = false;
};

}  // namespace

async::Task<Status> join(Setting setting, JoinConfig config, PhaseChoice choice,
                         async::StopToken stop) {
  Join run(std::move(setting), std::move(config), std::move(choice), std::move(stop));
  co_return co_await run.run();
}

}  // namespace kpp::kubeadm
