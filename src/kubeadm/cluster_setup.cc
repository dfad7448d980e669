#include "kubeadm/cluster_setup.h"

#include "api/appsv1.h"
#include "async/wait.h"
#include "base/fs.h"
#include "kubeadm/add_ons.h"
#include "kubeadm/api_objects.h"
#include "kubeadm/bootstrap_objects.h"
#include "kubeadm/certificate_commands.h"
#include "kubeadm/cluster_info.h"
#include "kubeadm/kubeconfigs.h"
#include "kubeadm/kubelet_start.h"
#include "kubeadm/machine_identity.h"
#include "kubeadm/patches.h"
#include "kubeadm/shared_certificates.h"
#include "kubeadm/tokens.h"
#include "kubeadm/wait_control_plane.h"
#include "net/x509.h"

namespace kpp::kubeadm {
namespace {

const std::string kWithheld = "<value withheld>";

std::string conf(std::string_view name) { return cat(kKubernetesDirectory, "/", name); }

}  // namespace

async::Task<Status> ClusterSetup::run(std::string_view name, PhaseChoice choice) {
  // The administrator has no rights before this binding is there. Control planes that joined have
  // no such file, and their cluster has the binding.
  if (fs::exists(conf("super-admin.conf"))) {
    KPP_CO_ASSIGN(const ApiConnection super, connect(executor_, conf("super-admin.conf")));
    Status bound = co_await ensure_object(*super.client, cluster_admins_binding(), stop_);
    if (!bound.ok()) co_return bound;
  }
  KPP_CO_ASSIGN(const ApiConnection admin, connect(executor_, conf("admin.conf")));
  client::Client& api = *admin.client;
  if (name == "upload-config") co_return co_await upload_config(api, std::move(choice));
  if (name == "upload-certs") co_return co_await upload_certificates(api);
  if (name == "mark-control-plane")
    co_return co_await kubeadm::mark_control_plane(executor_, print_, api, config_.node, stop_);
  if (name == "bootstrap-token") co_return co_await bootstrap_tokens(api);
  if (name == "kubelet-finalize") co_return finalize_kubelet();
  Status done;
  if (choice.wants("addon/coredns")) done = co_await add_dns(api);
  if (done.ok() && choice.wants("addon/kube-proxy")) done = co_await add_proxy(api);
  co_return done;
}

async::Task<Status> ClusterSetup::upload_config(client::Client& api, PhaseChoice choice) {
  Status done;
  if (choice.wants("upload-config/kubeadm")) {
    print_(
        "[upload-config] Storing the configuration used in ConfigMap \"kubeadm-config\" in the "
        "\"kube-system\" Namespace");
    done = co_await ensure_objects(api, config_objects(config_.cluster), stop_);
    if (!done.ok()) co_return done;
  }
  if (!choice.wants("upload-config/kubelet")) co_return Status();
  print_(
      "[kubelet] Creating a ConfigMap \"kubelet-config\" in namespace kube-system with the "
      "configuration for the kubelets in the cluster");
  done = co_await ensure_objects(api, kubelet_config_objects(kubelet_config_), stop_);
  if (!done.ok()) co_return done;
  co_return co_await ensure_objects(api, machines_objects(config_.node.name, read_identity("")),
                                    stop_);
}

// The Secret goes with a token that lives two hours.
async::Task<Status> ClusterSetup::upload_certificates(client::Client& api) {
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
  if (!config_.skip_certificate_key_print) {
    print_("[upload-certs] Using certificate key:");
    print_(config_.certificate_key);
  }
  co_return Status();
}

async::Task<Status> ClusterSetup::bootstrap_tokens(client::Client& api) {
  for (const BootstrapToken& token : config_.tokens) {
    if (!config_.skip_token_print) {
      print_(cat("[bootstrap-token] Using token: ", token.token));
    }
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
Status ClusterSetup::finalize_kubelet() const {
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
  KPP_ASSIGN(const std::string ca, fs::read_file(cat(config_.cluster.certificates_dir, "/ca.crt")));
  KPP_RETURN_IF_ERROR(
      fs::write_file_atomic(path,
                            rotatable_kubelet_conf(config_.cluster.cluster_name,
                                                   cat("https://", control_plane_endpoint(config_)),
                                                   ca, config_.node.name),
                            0600));
  return start_kubelet(nullptr);
}

async::Task<Status> ClusterSetup::add_dns(client::Client& api) {
  if (config_.cluster.dns_disabled) co_return Status();
  KPP_CO_ASSIGN(std::vector<json::Object> objects, dns_objects(config_.cluster));
  for (json::Object& object : objects) {
    if (object["kind"] != "Deployment") continue;
    KPP_CO_ASSIGN(json::Value deployment,
                  patched(json::Value(std::move(object)), config_.patches_dir, "corednsdeployment",
                          &appsv1::Deployment::desc(), print_));
    if (!deployment.is_object()) {
      co_return Status(Reason::kInvalid, "the patches for corednsdeployment leave no object");
    }
    object = std::move(deployment.get_object());
  }
  Status done = co_await ensure_objects(api, std::move(objects), stop_);
  if (done.ok()) print_("[addons] Applied essential addon: CoreDNS");
  co_return done;
}

async::Task<Status> ClusterSetup::add_proxy(client::Client& api) {
  if (config_.cluster.proxy_disabled) co_return Status();
  const std::string server = cat("https://", control_plane_endpoint(config_));
  Status done = co_await ensure_objects(api, proxy_objects(config_, server), stop_);
  if (done.ok()) print_("[addons] Applied essential addon: kube-proxy");
  co_return done;
}

void ClusterSetup::say_how_control_planes_join(const std::string& command) const {
  if (!config_.upload_certificates) {
    print_("You can now join any number of control-plane nodes by copying certificate authorities");
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
  print_(cat("  ", command, "\\\n\t--control-plane --certificate-key ",
             config_.skip_certificate_key_print ? kWithheld : config_.certificate_key));
  print_("");
  print_(
      "Please note that the certificate-key gives access to cluster sensitive data, keep it "
      "secret!");
  print_("As a safeguard, uploaded-certs will be deleted in two hours; If necessary, you can use");
  print_("\"kubeadm init phase upload-certs --upload-certs\" to reload certs afterward.");
  print_("");
}

Status ClusterSetup::closing_words() const {
  KPP_ASSIGN(const std::string ca, fs::read_file(cat(config_.cluster.certificates_dir, "/ca.crt")));
  KPP_ASSIGN(const std::string command,
             join_command(control_plane_endpoint(config_), ca,
                          config_.skip_token_print ? kWithheld : config_.tokens[0].token));
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
  print_("Then you can join any number of worker nodes by running the following on each as root:");
  print_("");
  print_(command);
  return {};
}

async::Task<Status> mark_control_plane(async::IoExecutor& executor, Printer print,
                                       client::Client& api, NodeRegistration node,
                                       async::StopToken stop) {
  const std::string& name = node.name;
  print(cat("[mark-control-plane] Marking the node ", name,
            " as control-plane by adding the "
            "labels: [",
            kControlPlaneLabel, " node.kubernetes.io/exclude-from-external-load-balancers]"));
  std::vector<std::string> taints;
  for (const Taint& taint : *node.taints) taints.push_back(taint.text());
  if (!taints.empty()) {
    print(cat("[mark-control-plane] Marking the node ", name,
              " as control-plane by adding the taints [", join(taints, " "), "]"));
  }
  const std::string path = cat("/api/v1/nodes/", name);
  const TimePoint deadline = executor.steady() + std::chrono::minutes(2);
  while (true) {
    auto present = co_await get_path(api, path, "", stop);
    if (present) {
      co_return co_await patch_path(
          api, path, "application/merge-patch+json",
          json::write(control_plane_node_patch(*node.taints, *present, node.cri_socket)), stop);
    }
    if (executor.steady() >= deadline) {
      co_return std::move(present).error().with_context(
          "the kubelet has not registered its node; look at its log (journalctl -xeu kubelet, or "
          "/var/log/kubelet.log)");
    }
    const bool slept = co_await async::sleep_for(executor, std::chrono::milliseconds(250), stop);
    if (!slept) co_return Status(Reason::kCanceled, "stopped");
  }
}

Result<std::string> join_command(const std::string& endpoint, const std::string& ca_pem,
                                 const std::string& token) {
  KPP_ASSIGN(const std::string hash, net::x509::public_key_hash(ca_pem));
  return cat("kubeadm join ", endpoint, " --token ", token,
             " \\\n\t--discovery-token-ca-cert-hash sha256:", hash, " ");
}

}  // namespace kpp::kubeadm
