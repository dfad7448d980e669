#include "kubeadm/init.h"

#include <unistd.h>

#include <algorithm>

#include "async/wait.h"
#include "base/fs.h"
#include "codec/yaml.h"
#include "kubeadm/add_ons.h"
#include "kubeadm/api_objects.h"
#include "kubeadm/bootstrap_objects.h"
#include "kubeadm/certificate_commands.h"
#include "kubeadm/certificates.h"
#include "kubeadm/cluster_images.h"
#include "kubeadm/cluster_info.h"
#include "kubeadm/kubeconfigs.h"
#include "kubeadm/kubelet_start.h"
#include "kubeadm/machine_identity.h"
#include "kubeadm/manifests.h"
#include "kubeadm/preflight.h"
#include "kubeadm/runtime.h"
#include "kubeadm/shared_certificates.h"
#include "kubeadm/tokens.h"
#include "kubeadm/wait_control_plane.h"
#include "linux/process.h"
#include "net/x509.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kControlPlaneTaint = "node-role.kubernetes.io/control-plane";

std::string conf(std::string_view name) { return cat(kKubernetesDirectory, "/", name); }

// The steps of one run, and what they share.
class Init {
 public:
  Init(Setting setting, InitConfig config, async::StopToken stop)
      : executor_(setting.executor),
        print_(std::move(setting.print)),
        program_(std::move(setting.program)),
        config_(std::move(config)),
        stop_(std::move(stop)) {}

  async::Task<Status> run(bool dry_run) {
    print_(cat("[init] Using Kubernetes version: ", config_.cluster.kubernetes_version));
    Status done = co_await preflight(dry_run);
    if (!done.ok()) co_return phase("preflight", std::move(done));
    if (dry_run) {
      say_what_would_be();
      co_return Status();
    }
    done = make_files();
    if (!done.ok()) co_return done;
    done = co_await bring_up();
    if (!done.ok()) co_return phase("wait-control-plane", std::move(done));
    co_return co_await set_up();
  }

  async::Task<Status> run_phase(std::string name) {
    if (std::ranges::find(phase_names(), name) == phase_names().end()) {
      co_return Status(Reason::kInvalid, cat("unknown phase ", quoted(name),
                                             "; the phases are: ", join(phase_names(), ", ")));
    }
    if (name == "preflight") co_return co_await preflight(false);
    if (name == "wait-control-plane") co_return co_await bring_up();
    runtime_ = co_await ask_runtime(executor_, config_.node.cri_socket, stop_);
    const bool local = name == "certs" || name == "kubeconfig" || name == "control-plane" ||
                       name == "kubelet-start";
    if (local) co_return make(name);
    co_return co_await write(name);
  }

 private:
  static Status phase(std::string_view name, Status status) {
    return std::move(status).with_context(cat("error execution phase ", name));
  }

  async::Task<Status> preflight(bool dry_run) {
    print_("[preflight] Running pre-flight checks");
    runtime_ = co_await ask_runtime(executor_, config_.node.cri_socket, stop_);
    const MachineView machine = look_at_machine(runtime_, config_.node.name);
    Status good =
        judge(check_for_init(machine, config_), config_.node.ignore_preflight_errors, print_);
    if (!good.ok()) co_return good;
    if (dry_run) {
      print_("[preflight] Would pull the required images (like 'kubeadm config images pull')");
      co_return Status();
    }
    print_("[preflight] Pulling images required for setting up a Kubernetes cluster");
    print_("[preflight] They are made by this binary and loaded into the container runtime");
    print_(
        "[preflight] You can also perform this action beforehand using 'kubeadm config images "
        "pull'");
    co_return ensure_images(
        config_.node.cri_socket,
        with_sandbox_image(image_names(config_.cluster), runtime_.sandbox_image), program_);
  }

  void say_what_would_be() {
    print_("[dryrun] Would write certificates, kubeconfigs and static Pod manifests:");
    for (const CertificateKind& kind : certificate_kinds()) {
      if (is_etcd(kind) && config_.cluster.store != StoreKind::kEtcd) continue;
      print_(cat("[dryrun]   ", config_.cluster.certificates_dir, "/", kind.file, ".crt"));
    }
    for (const KubeconfigKind& kind : kubeconfig_kinds())
      print_(cat("[dryrun]   ", conf(kind.file)));
    for (const char* component :
         {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"}) {
      if (std::string_view(component) == "etcd" && config_.cluster.store != StoreKind::kEtcd)
        continue;
      print_(cat("[dryrun] ", kManifestsDirectory, "/", component, ".yaml:"));
      print_(yaml::write(static_pod(component, config_)));
    }
    print_(
        "[dryrun] Finished dry-running successfully. Above are the resources that would be "
        "created");
  }

  // Everything that is made on this machine before the API server runs.
  Status make_files() {
    for (const char* name : {"certs", "kubeconfig", "control-plane", "kubelet-start"}) {
      Status done = make(name);
      if (!done.ok()) return phase(name, std::move(done));
    }
    return {};
  }

  Status make(std::string_view name) {
    const WallTime now = executor_.wall();
    if (name == "certs") return make_certificates(config_, now, print_);
    if (name == "kubeconfig") {
      return make_kubeconfigs(config_, std::string(kKubernetesDirectory), now, print_);
    }
    if (name == "control-plane") {
      return write_manifests(config_, std::string(kManifestsDirectory), print_);
    }
    KPP_RETURN_IF_ERROR(write_kubelet_files(
        kubelet_config(), kubelet_flags(config_.node, config_.advertise_address), print_));
    return start_kubelet(print_);
  }

  std::string kubelet_config() const {
    return yaml::write(
        kubelet_configuration(config_.cluster, config_.kubelet, runtime_.cgroup_driver));
  }

  async::Task<Status> bring_up() {
    print_(
        cat("[wait-control-plane] Waiting for the kubelet to boot up the control plane as static "
            "Pods from directory ",
            quoted(kManifestsDirectory)));
    Status done = co_await wait_for_kubelet(executor_, print_, stop_);
    if (!done.ok()) co_return done;
    co_return co_await wait_for_control_plane(executor_, config_, print_, stop_);
  }

  // Everything that is written through the API.
  async::Task<Status> set_up() {
    for (const char* name : {"upload-config", "upload-certs", "mark-control-plane",
                             "bootstrap-token", "kubelet-finalize", "addon"}) {
      Status done = co_await write(name);
      if (!done.ok()) co_return phase(name, std::move(done));
    }
    co_return closing_words();
  }

  async::Task<Status> write(std::string_view name) {
    {
      // The administrator has no rights before this binding is there.
      KPP_CO_ASSIGN(const ApiConnection super, connect(executor_, conf("super-admin.conf")));
      Status bound = co_await ensure_object(*super.client, cluster_admins_binding(), stop_);
      if (!bound.ok()) co_return bound;
    }
    KPP_CO_ASSIGN(const ApiConnection admin, connect(executor_, conf("admin.conf")));
    client::Client& api = *admin.client;
    if (name == "upload-config") co_return co_await upload_config(api);
    if (name == "upload-certs") co_return co_await upload_certificates(api);
    if (name == "mark-control-plane") co_return co_await mark_control_plane(api);
    if (name == "bootstrap-token") co_return co_await bootstrap_tokens(api);
    if (name == "kubelet-finalize") co_return finalize_kubelet();
    co_return co_await add_ons(api);
  }

  async::Task<Status> upload_config(client::Client& api) {
    print_(
        "[upload-config] Storing the configuration used in ConfigMap \"kubeadm-config\" in the "
        "\"kube-system\" Namespace");
    Status done = co_await ensure_objects(api, config_objects(config_.cluster), stop_);
    if (!done.ok()) co_return done;
    print_(
        "[kubelet] Creating a ConfigMap \"kubelet-config\" in namespace kube-system with the "
        "configuration for the kubelets in the cluster");
    done = co_await ensure_objects(api, kubelet_config_objects(kubelet_config()), stop_);
    if (!done.ok()) co_return done;
    co_return co_await ensure_objects(api, machines_objects(config_.node.name, read_identity("")),
                                      stop_);
  }

  // The Secret goes with a token that lives two hours.
  async::Task<Status> upload_certificates(client::Client& api) {
    if (!config_.upload_certificates) {
      print_("[upload-certs] Skipping phase. Please see --upload-certs");
      co_return Status();
    }
    if (config_.certificate_key.empty()) config_.certificate_key = new_certificate_key();
    print_(cat("[upload-certs] Storing the certificates in Secret ", quoted(kCertificatesSecret),
               " in the \"kube-system\" Namespace"));
    BootstrapToken owner;
    owner.token = generate_token();
    owner.description = "Proxy for managing TTL for the kubeadm-certs secret";
    owner.ttl = std::chrono::hours(2);
    owner.usages.clear();
    owner.groups.clear();
    const json::Object token = token_secret_document(owner, executor_.wall());
    Status done = co_await ensure_object(api, token, stop_);
    if (!done.ok()) co_return done;
    const std::string name = cat("bootstrap-token-", token_id(owner.token));
    auto made =
        co_await get_path(api, cat("/api/v1/namespaces/kube-system/secrets/", name), "", stop_);
    if (!made) co_return std::move(made).error();
    KPP_CO_ASSIGN(std::vector<json::Object> objects,
                  shared_objects(config_.cluster, config_.certificate_key, name,
                                 json::text_at(*made, "metadata.uid")));
    done = co_await ensure_objects(api, std::move(objects), stop_);
    if (!done.ok()) co_return done;
    print_("[upload-certs] Using certificate key:");
    print_(config_.certificate_key);
    co_return Status();
  }

  async::Task<Status> mark_control_plane(client::Client& api) {
    const std::string& name = config_.node.name;
    print_(cat("[mark-control-plane] Marking the node ", name,
               " as control-plane by adding the "
               "labels: [",
               kControlPlaneTaint, " node.kubernetes.io/exclude-from-external-load-balancers]"));
    std::vector<std::string> taints;
    for (const Taint& taint : *config_.node.taints) taints.push_back(taint.text());
    if (!taints.empty()) {
      print_(cat("[mark-control-plane] Marking the node ", name,
                 " as control-plane by adding the taints [", join(taints, " "), "]"));
    }
    const std::string path = cat("/api/v1/nodes/", name);
    const TimePoint deadline = executor_.steady() + std::chrono::minutes(2);
    while (true) {
      auto node = co_await get_path(api, path, "", stop_);
      if (node) {
        co_return co_await patch_path(api, path, "application/merge-patch+json",
                                      json::write(control_plane_node_patch(
                                          *config_.node.taints, *node, config_.node.cri_socket)),
                                      stop_);
      }
      if (executor_.steady() >= deadline) {
        co_return std::move(node).error().with_context(
            "the kubelet has not registered its node; look at its log (journalctl -xeu kubelet, or "
            "/var/log/kubelet.log)");
      }
      const bool slept =
          co_await async::sleep_for(executor_, std::chrono::milliseconds(250), stop_);
      if (!slept) co_return Status(Reason::kCanceled, "stopped");
    }
  }

  async::Task<Status> bootstrap_tokens(client::Client& api) {
    for (const BootstrapToken& token : config_.tokens) {
      print_(cat("[bootstrap-token] Using token: ", token.token));
    }
    print_("[bootstrap-token] Configuring bootstrap tokens, cluster-info ConfigMap, RBAC Roles");
    for (const BootstrapToken& token : config_.tokens) {
      Status done =
          co_await ensure_object(api, token_secret_document(token, executor_.wall()), stop_);
      if (!done.ok()) co_return done;
    }
    Status done = co_await ensure_objects(api, join_rbac_objects(), stop_);
    if (!done.ok()) co_return done;
    for (const char* rule :
         {"to get nodes",
          "to post CSRs in order for nodes to get long term certificate credentials"}) {
      print_(cat("[bootstrap-token] Configured RBAC rules to allow Node Bootstrap tokens ", rule));
    }
    print_(
        "[bootstrap-token] Configured RBAC rules to allow the csrapprover controller automatically "
        "approve CSRs from a Node Bootstrap Token");
    print_(
        "[bootstrap-token] Configured RBAC rules to allow certificate rotation for all node client "
        "certificates in the cluster");
    print_(
        "[bootstrap-token] Creating the \"cluster-info\" ConfigMap in the \"kube-public\" "
        "namespace");
    KPP_CO_ASSIGN(const std::string ca,
                  fs::read_file(cat(config_.cluster.certificates_dir, "/ca.crt")));
    done = co_await ensure_object(
        api, cluster_info_document(cat("https://", control_plane_endpoint(config_)), ca), stop_);
    if (!done.ok()) co_return done;
    co_return co_await ensure_objects(api, cluster_info_rbac_objects(), stop_);
  }

  // From now on the kubelet shows the certificate that it renews itself.
  Status finalize_kubelet() {
    const std::string current = cat(kKubeletDirectory, "/pki/kubelet-client-current.pem");
    if (!fs::exists(current)) {
      print_(
          cat("[kubelet-finalize] Assuming that kubelet client certificate rotation is "
              "disabled: File ",
              quoted(current), " does not exist"));
      return {};
    }
    const std::string path = conf("kubelet.conf");
    print_(cat("[kubelet-finalize] Updating ", quoted(path),
               " to point to a rotatable kubelet client certificate and key"));
    KPP_ASSIGN(const std::string ca,
               fs::read_file(cat(config_.cluster.certificates_dir, "/ca.crt")));
    KPP_RETURN_IF_ERROR(fs::write_file_atomic(
        path,
        rotatable_kubelet_conf(config_.cluster.cluster_name,
                               cat("https://", control_plane_endpoint(config_)), ca,
                               config_.node.name),
        0600));
    return start_kubelet(nullptr);
  }

  async::Task<Status> add_ons(client::Client& api) {
    if (!config_.cluster.dns_disabled) {
      KPP_CO_ASSIGN(std::vector<json::Object> dns, dns_objects(config_.cluster));
      Status done = co_await ensure_objects(api, std::move(dns), stop_);
      if (!done.ok()) co_return done;
      print_("[addons] Applied essential addon: CoreDNS");
    }
    if (config_.cluster.proxy_disabled) co_return Status();
    const std::string server = cat("https://", control_plane_endpoint(config_));
    Status done = co_await ensure_objects(api, proxy_objects(config_, server), stop_);
    if (done.ok()) print_("[addons] Applied essential addon: kube-proxy");
    co_return done;
  }

  void say_how_control_planes_join(const std::string& command) {
    if (!config_.upload_certificates) {
      print_(
          "You can now join any number of control-plane nodes by copying certificate authorities");
      print_("and service account keys on each node and then running the following as root:");
      print_("");
      print_(cat("  ", command, "\\\n\t--control-plane "));
      print_("");
      return;
    }
    print_(
        "You can now join any number of control-plane nodes running the following command on each "
        "as root:");
    print_("");
    print_(cat("  ", command, "\\\n\t--control-plane --certificate-key ", config_.certificate_key));
    print_("");
    print_(
        "Please note that the certificate-key gives access to cluster sensitive data, keep it "
        "secret!");
    print_(
        "As a safeguard, uploaded-certs will be deleted in two hours; If necessary, you can use");
    print_("\"kubeadm init phase upload-certs --upload-certs\" to reload certs afterward.");
    print_("");
  }

  Status closing_words() {
    KPP_ASSIGN(const std::string ca,
               fs::read_file(cat(config_.cluster.certificates_dir, "/ca.crt")));
    KPP_ASSIGN(const std::string command,
               join_command(control_plane_endpoint(config_), ca, config_.tokens[0].token));
    print_("");
    print_("Your Kubernetes control-plane has initialized successfully!");
    print_("");
    print_("To start using your cluster, you need to run the following as a regular user:");
    print_("");
    print_("  mkdir -p $HOME/.kube");
    print_("  sudo cp -i /etc/kubernetes/admin.conf $HOME/.kube/config");
    print_("  sudo chown $(id -u):$(id -g) $HOME/.kube/config");
    print_("");
    print_("Alternatively, if you are the root user, you can run:");
    print_("");
    print_("  export KUBECONFIG=/etc/kubernetes/admin.conf");
    print_("");
    print_("You should now deploy a pod network to the cluster.");
    print_("Run \"kubectl apply -f [podnetwork].yaml\" with one of the options listed at:");
    print_("  https://kubernetes.io/docs/concepts/cluster-administration/addons/");
    print_("");
    if (!config_.cluster.control_plane_endpoint.empty()) say_how_control_planes_join(command);
    print_(
        "Then you can join any number of worker nodes by running the following on each as root:");
    print_("");
    print_(command);
    return {};
  }

  async::IoExecutor& executor_;
  const Printer print_;
  const std::string program_;
  InitConfig config_;
  const async::StopToken stop_;
  RuntimeFacts runtime_;
};

std::string word_after(std::string_view text, std::string_view word) {
  const std::size_t at = text.find(word);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + word.size());
  return std::string(text.substr(0, text.find_first_of(" \n")));
}

}  // namespace

Result<std::string> default_address() {
  // The kernel says which source it would take; nothing is sent.
  KPP_ASSIGN(const std::string text, sys::run_checked({"ip", "-4", "route", "get", "192.0.2.1"}));
  std::string address = word_after(text, " src ");
  if (address.empty()) {
    return fail(Reason::kNotFound,
                "this machine has no default route; give its address: "
                "--apiserver-advertise-address");
  }
  return address;
}

Status complete(NodeRegistration& node) {
  if (node.name.empty()) {
    char buffer[256] = {};
    if (::gethostname(buffer, sizeof buffer - 1) != 0) return errno_status("hostname", errno);
    node.name = buffer;
  }
  std::ranges::transform(node.name, node.name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return {};
}

Status complete(InitConfig& config) {
  KPP_RETURN_IF_ERROR(complete(config.node));
  if (!config.node.taints) {
    config.node.taints = std::vector<Taint>{{std::string(kControlPlaneTaint), "", "NoSchedule"}};
  }
  if (config.advertise_address.empty()) {
    KPP_ASSIGN(config.advertise_address, default_address());
  }
  if (config.tokens.empty()) config.tokens.emplace_back();
  for (BootstrapToken& token : config.tokens) {
    if (token.token.empty()) token.token = generate_token();
  }
  return validate(config);
}

async::Task<Status> init(Setting setting, InitConfig config, bool dry_run, async::StopToken stop) {
  Init run(std::move(setting), std::move(config), std::move(stop));
  co_return co_await run.run(dry_run);
}

const std::vector<std::string_view>& phase_names() {
  static const std::vector<std::string_view> names = {"preflight",
                                                      "certs",
                                                      "kubeconfig",
                                                      "control-plane",
                                                      "kubelet-start",
                                                      "wait-control-plane",
                                                      "upload-config",
                                                      "mark-control-plane",
                                                      "bootstrap-token",
                                                      "kubelet-finalize",
                                                      "addon"};
  return names;
}

async::Task<Status> run_phase(Setting setting, InitConfig config, std::string name,
                              async::StopToken stop) {
  Init run(std::move(setting), std::move(config), std::move(stop));
  co_return co_await run.run_phase(std::move(name));
}

Result<std::string> join_command(const std::string& endpoint, const std::string& ca_pem,
                                 const std::string& token) {
  KPP_ASSIGN(const std::string hash, net::x509::public_key_hash(ca_pem));
  return cat("kubeadm join ", endpoint, " --token ", token,
             " \\\n\t--discovery-token-ca-cert-hash sha256:", hash, " ");
}

}  // namespace kpp::kubeadm
