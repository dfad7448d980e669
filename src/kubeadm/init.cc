#include "kubeadm/init.h"

#include <unistd.h>

#include <algorithm>

#include "async/wait.h"
#include "base/fs.h"
#include "codec/yaml.h"
#include "kubeadm/certificates.h"
#include "kubeadm/cluster_images.h"
#include "kubeadm/cluster_setup.h"
#include "kubeadm/kubeconfigs.h"
#include "kubeadm/kubelet_start.h"
#include "kubeadm/manifests.h"
#include "kubeadm/preflight.h"
#include "kubeadm/runtime.h"
#include "kubeadm/tokens.h"
#include "kubeadm/wait_control_plane.h"
#include "linux/process.h"
#include "net/x509.h"

namespace kpp::kubeadm {
namespace {

std::string conf(std::string_view name) { return cat(kKubernetesDirectory, "/", name); }

constexpr const char* kApiPhases[] = {"upload-config",   "upload-certs",     "mark-control-plane",
                                      "bootstrap-token", "kubelet-finalize", "addon"};

// The steps of one run, and what they share.
class Init {
 public:
  Init(Setting setting, InitConfig config, PhaseChoice choice, async::StopToken stop)
      : executor_(setting.executor),
        print_(std::move(setting.print)),
        program_(std::move(setting.program)),
        config_(std::move(config)),
        choice_(std::move(choice)),
        stop_(std::move(stop)) {}

  async::Task<Status> run() {
    if (!choice_.is_alone()) {
      print_(cat("[init] Using Kubernetes version: ", config_.cluster.kubernetes_version));
    }
    runtime_ = co_await ask_runtime(executor_, config_.node.cri_socket, stop_);
    if (choice_.wants("preflight")) {
      Status done = preflight();
      if (!done.ok()) co_return phase("preflight", std::move(done));
    }
    if (config_.dry_run) co_return say_what_would_be();
    Status done = make_files();
    if (!done.ok()) co_return done;
    if (choice_.wants("wait-control-plane")) {
      done = co_await bring_up();
      if (!done.ok()) co_return phase("wait-control-plane", std::move(done));
    }
    co_return co_await set_up();
  }

 private:
  static Status phase(std::string_view name, Status status) {
    return std::move(status).with_context(cat("error execution phase ", name));
  }

  Status preflight() {
    print_("[preflight] Running pre-flight checks");
    const MachineView machine = look_at_machine(runtime_, config_.node.name);
    KPP_RETURN_IF_ERROR(
        judge(check_for_init(machine, config_), config_.node.ignore_preflight_errors, print_));
    if (config_.dry_run) {
      print_("[preflight] Would pull the required images (like 'kubeadm config images pull')");
      return {};
    }
    print_("[preflight] Pulling images required for setting up a Kubernetes cluster");
    print_("[preflight] They are made by this binary and loaded into the container runtime");
    print_(
        "[preflight] You can also perform this action beforehand using 'kubeadm config images "
        "pull'");
    return ensure_images(config_.node.cri_socket,
                         with_sandbox_image(image_names(config_.cluster), runtime_.sandbox_image),
                         program_);
  }

  void say_file(const std::string& path, std::string_view text) {
    print_(cat("[dryrun] Would write file ", quoted(path), " with content:"));
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      print_(cat("\t", text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  // Certificates and kubeconfigs are named alone: what they hold is secret.
  Status say_what_would_be() {
    const bool with_etcd = config_.cluster.store == StoreKind::kEtcd;
    for (const CertificateKind& kind : certificate_kinds()) {
      if ((is_etcd(kind) && !with_etcd) || !choice_.wants(cat("certs/", kind.name))) continue;
      print_(cat("[dryrun] Would write file ",
                 quoted(cat(config_.cluster.certificates_dir, "/", kind.file, ".crt"))));
    }
    for (const KubeconfigKind& kind : kubeconfig_kinds()) {
      if (!choice_.wants(cat("kubeconfig/", kind.file.substr(0, kind.file.rfind('.'))))) continue;
      print_(cat("[dryrun] Would write file ", quoted(conf(kind.file))));
    }
    for (const std::string_view component :
         {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}) {
      const bool etcd = component == "etcd";
      if (etcd && !with_etcd) continue;
      if (!choice_.wants(etcd ? "etcd/local" : cat("control-plane/", component.substr(5))))
        continue;
      KPP_ASSIGN(const std::string text, manifest_text(component, config_, print_));
      say_file(cat(kManifestsDirectory, "/", component, ".yaml"), text);
    }
    if (choice_.wants("kubelet-start")) {
      KPP_ASSIGN(const std::string text, kubelet_config());
      say_file(cat(kKubeletDirectory, "/config.yaml"), text);
      say_file(cat(kKubeletDirectory, "/kubeadm-flags.env"), flags_file_text(kubelet_flags()));
    }
    for (const char* name : kApiPhases) {
      if (choice_.wants(name)) print_(cat("[dryrun] Would run the phase ", quoted(name)));
    }
    print_(
        "[dryrun] Finished dry-running successfully. Above are the resources that would be "
        "created");
    return {};
  }

  // Everything that is made on this machine before the API server runs.
  Status make_files() {
    for (const char* name : {"certs", "kubeconfig", "etcd", "control-plane", "kubelet-start"}) {
      if (!choice_.wants(name)) continue;
      Status done = make(name);
      if (!done.ok()) return phase(name, std::move(done));
    }
    return {};
  }

  Status make(std::string_view name) {
    const WallTime now = executor_.wall();
    const std::string manifests(kManifestsDirectory);
    if (name == "certs") return make_certificates(config_, now, choice_, print_);
    if (name == "kubeconfig") {
      return make_kubeconfigs(config_, std::string(kKubernetesDirectory),
                              KubeconfigsFor::kFirstControlPlane, now, choice_, print_);
    }
    if (name == "etcd") {
      if (config_.cluster.store != StoreKind::kEtcd) return {};
      print_(cat("[etcd] Creating static Pod manifest for local etcd in ", quoted(manifests)));
      return write_etcd_manifest(config_, manifests, print_);
    }
    if (name == "control-plane") return write_manifests(config_, manifests, choice_, print_);
    KPP_ASSIGN(const std::string text, kubelet_config());
    KPP_RETURN_IF_ERROR(write_kubelet_files(text, kubelet_flags(), print_));
    return start_kubelet(print_);
  }

  std::vector<std::string> kubelet_flags() const {
    return kubeadm::kubelet_flags(config_.node, config_.advertise_address);
  }

  json::Object kubelet_object() const {
    return kubelet_configuration(config_.cluster, config_.kubelet, runtime_.cgroup_driver);
  }
  // Of this machine; the cluster's is the same without the patches.
  Result<std::string> kubelet_config() const {
    return kubelet_config_text(kubelet_object(), config_.patches_dir, print_);
  }

  async::Task<Status> bring_up() {
    print_(
        cat("[wait-control-plane] Waiting for the kubelet to boot up the control plane as static "
            "Pods from directory ",
            quoted(kManifestsDirectory)));
    Status done = co_await wait_for_kubelet(executor_, config_.timeouts.kubelet, print_, stop_);
    if (!done.ok()) co_return done;
    co_return co_await wait_for_control_plane(executor_, config_, print_, stop_);
  }

  // Everything that is written through the API.
  async::Task<Status> set_up() {
    ClusterSetup setup(executor_, print_, config_, yaml::write(kubelet_object()), stop_);
    for (const char* name : kApiPhases) {
      if (!choice_.wants(name)) continue;
      Status done = co_await setup.run(name, choice_);
      if (!done.ok()) co_return phase(name, std::move(done));
    }
    co_return choice_.wants("show-join-command") ? setup.closing_words() : Status();
  }

  async::IoExecutor& executor_;
  const Printer print_;
  const std::string program_;
  InitConfig config_;
  const PhaseChoice choice_;
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
    config.node.taints = std::vector<Taint>{{std::string(kControlPlaneLabel), "", "NoSchedule"}};
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

async::Task<Status> init(Setting setting, InitConfig config, PhaseChoice choice,
                         async::StopToken stop) {
  Init run(std::move(setting), std::move(config), std::move(choice), std::move(stop));
  co_return co_await run.run();
}

}  // namespace kpp::kubeadm
