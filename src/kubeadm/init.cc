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
    ClusterSetup setup(executor_, print_, config_, kubelet_config(), stop_);
    co_return co_await setup.run(name);
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
      return make_kubeconfigs(config_, std::string(kKubernetesDirectory),
                              KubeconfigsFor::kFirstControlPlane, now, print_);
    }
    if (name == "control-plane") {
      const std::string directory(kManifestsDirectory);
      if (config_.cluster.store == StoreKind::kEtcd) {
        print_(cat("[etcd] Creating static Pod manifest for local etcd in ", quoted(directory)));
        KPP_RETURN_IF_ERROR(write_etcd_manifest(config_, directory));
      }
      return write_manifests(config_, directory, print_);
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
    ClusterSetup setup(executor_, print_, config_, kubelet_config(), stop_);
    for (const char* name : {"upload-config", "upload-certs", "mark-control-plane",
                             "bootstrap-token", "kubelet-finalize", "addon"}) {
      Status done = co_await setup.run(name);
      if (!done.ok()) co_return phase(name, std::move(done));
    }
    co_return setup.closing_words();
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

async::Task<Status> init(Setting setting, InitConfig config, bool dry_run, async::StopToken stop) {
  Init run(std::move(setting), std::move(config), std::move(stop));
  co_return co_await run.run(dry_run);
}

const std::vector<std::string_view>& phase_names() {
  static const std::vector<std::string_view> names = {"preflight",          "certs",
                                                      "kubeconfig",         "control-plane",
                                                      "kubelet-start",      "wait-control-plane",
                                                      "upload-config",      "upload-certs",
                                                      "mark-control-plane", "bootstrap-token",
                                                      "kubelet-finalize",   "addon"};
  return names;
}

async::Task<Status> run_phase(Setting setting, InitConfig config, std::string name,
                              async::StopToken stop) {
  Init run(std::move(setting), std::move(config), std::move(stop));
  co_return co_await run.run_phase(std::move(name));
}

}  // namespace kpp::kubeadm
