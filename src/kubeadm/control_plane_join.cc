#include "kubeadm/control_plane_join.h"

#include "base/fs.h"
#include "kubeadm/api_objects.h"
#include "kubeadm/certificates.h"
#include "kubeadm/cluster_setup.h"
#include "kubeadm/etcd_members.h"
#include "kubeadm/kubeconfigs.h"
#include "kubeadm/manifests.h"
#include "kubeadm/shared_certificates.h"
#include "kubeadm/wait_control_plane.h"

namespace kpp::kubeadm {
namespace {

std::string admin_conf() { return cat(kKubernetesDirectory, "/admin.conf"); }

}  // namespace

Status ControlPlaneJoin::not_satisfied(std::string_view why) const {
  return {Reason::kInvalid,
          cat("\nOne or more conditions for hosting a new control plane instance is not "
              "satisfied.\n\n",
              why,
              "\n\nPlease ensure that:\n* The cluster has a stable controlPlaneEndpoint address.\n"
              "* The certificates that must be shared among control plane instances are "
              "provided.\n")};
}

Status ControlPlaneJoin::check(const MachineView& machine, bool downloads) const {
  if (config_.cluster.store == StoreKind::kEmbedded) {
    return not_satisfied(
        "unable to add a new control plane instance to a cluster whose API server keeps its "
        "objects itself (--store embedded); clusters with several control planes need etcd");
  }
  if (config_.cluster.control_plane_endpoint.empty()) {
    return not_satisfied(
        "unable to add a new control plane instance to a cluster that doesn't have a stable "
        "controlPlaneEndpoint address");
  }
  if (!downloads) {
    std::vector<std::string> missing;
    for (const std::string& file : shared_files(config_.cluster)) {
      const std::string path = cat(config_.cluster.certificates_dir, "/", file);
      if (!fs::exists(path)) missing.push_back(cat(path, ": no such file or directory"));
    }
    if (!missing.empty()) return not_satisfied(cat("[", join(missing, ", "), "]"));
  }
  print_(
      "[preflight] Running pre-flight checks before initializing the new control plane instance");
  return judge(check_for_control_plane(machine, config_), config_.node.ignore_preflight_errors,
               print_);
}

async::Task<Status> ControlPlaneJoin::download(client::Client& api, std::string certificate_key) {
  print_(cat("[download-certs] Downloading the certificates in Secret ",
             quoted(kCertificatesSecret), " in the \"kube-system\" Namespace"));
  auto secret = co_await get_path(
      api, cat("/api/v1/namespaces/kube-system/secrets/", kCertificatesSecret), "", stop_);
  if (!secret) {
    Status error = std::move(secret).error();
    if (error.is(Reason::kNotFound) || error.is(Reason::kForbidden)) {
      co_return Status(
          Reason::kNotFound,
          cat("error downloading the secret: Secret ", quoted(kCertificatesSecret),
              " was not found in the \"kube-system\" Namespace. This Secret might have expired. "
              "Please, run `kubeadm init phase upload-certs --upload-certs` on a control plane to "
              "generate a new one"));
    }
    co_return std::move(error).with_context("error downloading the secret");
  }
  print_(cat("[download-certs] Saving the certificates to the folder: ",
             quoted(config_.cluster.certificates_dir)));
  co_return save_shared(*secret, certificate_key, config_.cluster);
}

Status ControlPlaneJoin::make_files() const {
  const WallTime now = executor_.wall();
  if (choice_.wants("control-plane-prepare/certs")) {
    KPP_RETURN_IF_ERROR(make_certificates(config_, now, {}, print_));
  }
  if (choice_.wants("control-plane-prepare/kubeconfig")) {
    print_("[kubeconfig] Generating kubeconfig files");
    KPP_RETURN_IF_ERROR(make_kubeconfigs(config_, std::string(kKubernetesDirectory),
                                         KubeconfigsFor::kFurtherControlPlane, now, {}, print_));
  }
  if (!choice_.wants("control-plane-prepare/control-plane")) return {};
  return write_manifests(config_, std::string(kManifestsDirectory), {}, print_);
}

async::Task<Status> ControlPlaneJoin::announce_etcd() {
  if (config_.cluster.store != StoreKind::kEtcd || !choice_.wants("etcd-join")) co_return Status();
  print_("[check-etcd] Checking that the etcd cluster is healthy");
  KPP_CO_ASSIGN(const ApiConnection admin, connect(executor_, admin_conf()));
  KPP_CO_ASSIGN(etcd_endpoints_, co_await etcd_endpoints(*admin.client, stop_));
  EtcdCluster etcd(executor_, config_.cluster.certificates_dir, etcd_endpoints_, stop_);
  auto members = co_await etcd.add(peer_url());
  if (!members) {
    co_return std::move(members).error().with_context("error creating local etcd static pod");
  }
  print_("[etcd] Announced new etcd member joining to the existing etcd cluster");
  config_.etcd_initial_cluster = initial_cluster(*members, config_.node.name);
  print_("[etcd] Creating static Pod manifest for \"etcd\"");
  co_return write_etcd_manifest(config_, std::string(kManifestsDirectory), print_);
}

async::Task<Status> ControlPlaneJoin::finish() {
  if (config_.cluster.store == StoreKind::kEtcd && choice_.wants("etcd-join")) {
    print_("[etcd] Waiting for the new etcd member to join the cluster. This can take up to 1m0s");
    EtcdCluster etcd(executor_, config_.cluster.certificates_dir, etcd_endpoints_, stop_);
    Status joined = co_await etcd.promote(peer_url());
    if (!joined.ok()) co_return joined;
  }
  if (choice_.wants("control-plane-join/mark-control-plane")) {
    KPP_CO_ASSIGN(const ApiConnection admin, connect(executor_, admin_conf()));
    Status marked =
        co_await mark_control_plane(executor_, print_, *admin.client, config_.node, stop_);
    if (!marked.ok()) co_return marked;
  }
  if (!choice_.wants("wait-control-plane")) co_return Status();
  co_return co_await wait_for_control_plane(executor_, config_, print_, stop_);
}

void ControlPlaneJoin::closing_words() const {
  print_("");
  print_("This node has joined the cluster and a new control plane instance was created:");
  print_("");
  print_("* Certificate signing request was sent to apiserver and approval was received.");
  print_("* The Kubelet was informed of the new secure connection details.");
  print_("* Control plane label and taint were applied to the new node.");
  print_("* The Kubernetes control plane instances scaled up.");
  if (config_.cluster.store == StoreKind::kEtcd) {
    print_("* A new etcd member was added to the local/stacked etcd cluster.");
  }
  print_("");
  print_(
      "To start administering your cluster from this node, you need to run the following as a "
      "regular user:");
  print_("");
  print_("\tmkdir -p $HOME/.kube");
  print_("\tsudo cp -i /etc/kubernetes/admin.conf $HOME/.kube/config");
  print_("\tsudo chown $(id -u):$(id -g) $HOME/.kube/config");
  print_("");
  print_("Run 'kubectl get nodes' to see this node join the cluster.");
  print_("");
}

}  // namespace kpp::kubeadm
