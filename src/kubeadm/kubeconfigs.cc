#include "kubeadm/kubeconfigs.h"

#include "base/fs.h"
#include "client/kubeconfig.h"
#include "codec/base64.h"
#include "codec/yaml.h"
#include "kubeadm/certificates.h"

namespace kpp::kubeadm {
namespace {

std::string write_config(const std::string& cluster, const std::string& server,
                         const std::string& ca_pem, const std::string& user, json::Object proof) {
  const std::string context = cat(user, "@", cluster);
  return yaml::write(json::Object{
      {"apiVersion", "v1"},
      {"clusters", json::Array{json::Object{{"cluster", json::Object{{"certificate-authority-data",
                                                                      base64_encode(ca_pem)},
                                                                     {"server", server}}},
                                            {"name", cluster}}}},
      {"contexts",
       json::Array{json::Object{{"context", json::Object{{"cluster", cluster}, {"user", user}}},
                                {"name", context}}}},
      {"current-context", context},
      {"kind", "Config"},
      {"users", json::Array{json::Object{{"name", user}, {"user", std::move(proof)}}}}});
}

// A file from an earlier run must speak of the same cluster.
Status check_present(const std::string& path, const std::string& server,
                     const std::string& ca_pem) {
  KPP_ASSIGN(const client::Kubeconfig config, client::load_kubeconfig(path));
  const client::KubeContext* const context = config.context(config.current_context);
  const client::KubeCluster* const cluster =
      context == nullptr ? nullptr : config.cluster(context->cluster);
  if (cluster == nullptr || cluster->ca_pem != ca_pem) {
    return {Reason::kInvalid, cat("a kubeconfig file ", quoted(path),
                                  " exists already but has got the wrong CA cert; remove it")};
  }
  if (cluster->server != server) {
    return {Reason::kInvalid, cat("a kubeconfig file ", quoted(path),
                                  " exists already but has an unexpected API "
                                  "Server URL: expected: ",
                                  server, ", got: ", cluster->server, "; remove it")};
  }
  return {};
}

}  // namespace

const std::vector<KubeconfigKind>& kubeconfig_kinds() {
  static const std::vector<KubeconfigKind> kinds = {
      {"admin.conf", "kubernetes-admin", "kubeadm:cluster-admins", false, false},
      {"super-admin.conf", "kubernetes-super-admin", "system:masters", false, true},
      {"kubelet.conf", "", "system:nodes", false, true},
      {"controller-manager.conf", "system:kube-controller-manager", "", true, false},
      {"scheduler.conf", "system:kube-scheduler", "", true, false},
  };
  return kinds;
}

std::string kubeconfig_text(const std::string& cluster, const std::string& server,
                            const std::string& ca_pem, const std::string& user,
                            const net::x509::KeyPair& credential) {
  return write_config(cluster, server, ca_pem, user,
                      {{"client-certificate-data", base64_encode(credential.certificate_pem)},
                       {"client-key-data", base64_encode(credential.key_pem)}});
}

std::string kubeconfig_with_token(const std::string& cluster, const std::string& server,
                                  const std::string& ca_pem, const std::string& user,
                                  const std::string& token) {
  return write_config(cluster, server, ca_pem, user, {{"token", token}});
}

Result<std::string> make_kubeconfig(const InitConfig& config, const std::string& user,
                                    const std::vector<std::string>& groups,
                                    const std::string& server, WallTime now) {
  KPP_ASSIGN(const net::x509::KeyPair ca, read_pair(config.cluster.certificates_dir, "ca"));
  net::x509::Subject subject;
  subject.common_name = user;
  subject.organizations = groups;
  KPP_ASSIGN(const net::x509::KeyPair pair, issue(ca, subject, {false, true}, config.cluster, now));
  return kubeconfig_text(config.cluster.cluster_name, server, ca.certificate_pem, user, pair);
}

Status make_kubeconfigs(const InitConfig& config, const std::string& directory, KubeconfigsFor whom,
                        WallTime now, const PhaseChoice& choice, const Printer& print) {
  print(cat("[kubeconfig] Using kubeconfig folder ", quoted(directory)));
  KPP_RETURN_IF_ERROR(fs::make_directories(directory));
  KPP_ASSIGN(const std::string ca_pem,
             fs::read_file(cat(config.cluster.certificates_dir, "/ca.crt"), 1U << 20));
  for (const KubeconfigKind& kind : kubeconfig_kinds()) {
    if (kind.first_alone && whom == KubeconfigsFor::kFurtherControlPlane) continue;
    const std::string_view part = kind.file.substr(0, kind.file.rfind('.'));
    if (!choice.wants(cat("kubeconfig/", part))) continue;
    const std::string server =
        kind.local ? cat("https://", config.advertise_address, ":", config.bind_port)
                   : cat("https://", control_plane_endpoint(config));
    const std::string path = cat(directory, "/", kind.file);
    if (fs::exists(path)) {
      KPP_RETURN_IF_ERROR(check_present(path, server, ca_pem));
      print(cat("[kubeconfig] Using existing kubeconfig file: ", quoted(path)));
      continue;
    }
    print(cat("[kubeconfig] Writing ", quoted(kind.file), " kubeconfig file"));
    const std::string user =
        kind.user.empty() ? cat("system:node:", config.node.name) : std::string(kind.user);
    std::vector<std::string> groups;
    if (!kind.group.empty()) groups.emplace_back(kind.group);
    KPP_ASSIGN(const std::string text, make_kubeconfig(config, user, groups, server, now));
    KPP_RETURN_IF_ERROR(fs::write_file_atomic(path, text, 0600));
  }
  return {};
}

std::string rotatable_kubelet_conf(const std::string& cluster, const std::string& server,
                                   const std::string& ca_pem, const std::string& node) {
  constexpr std::string_view kCurrent = "/var/lib/kubelet/pki/kubelet-client-current.pem";
  return write_config(cluster, server, ca_pem, cat("system:node:", node),
                      {{"client-certificate", kCurrent}, {"client-key", kCurrent}});
}

}  // namespace kpp::kubeadm
