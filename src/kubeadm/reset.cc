#include "kubeadm/reset.h"

#include <sys/mount.h>

#include <algorithm>

#include "base/fs.h"
#include "kubeadm/etcd_members.h"
#include "kubeadm/kubeconfigs.h"
#include "kubeadm/kubelet_start.h"
#include "kubeadm/runtime.h"
#include "kubeadm/wait_control_plane.h"
#include "linux/links.h"
#include "linux/mounts.h"

namespace kpp::kubeadm {
namespace {

// Of the manifest of etcd's static pod; empty if it does not say.
std::string peer_url_of(std::string_view manifest) {
  constexpr std::string_view kFlag = "--initial-advertise-peer-urls=";
  const std::size_t at = manifest.find(kFlag);
  if (at == std::string_view::npos) return {};
  manifest.remove_prefix(at + kFlag.size());
  return std::string(manifest.substr(0, manifest.find_first_of("\"',\n")));
}

// Written by kpp-net.
constexpr const char* kPodNetworkConfig = "/etc/cni/net.d/10-kpp-net.conflist";

class Reset {
 public:
  Reset(Setting setting, ResetOptions options)
      : executor_(setting.executor),
        print_(std::move(setting.print)),
        options_(std::move(options)) {}

  async::Task<Status> run(async::StopToken stop) {
    print_("[preflight] Running pre-flight checks");
    Status left = co_await leave_etcd(stop);
    if (!left.ok()) {
      print_(cat("[reset] WARNING: failed to remove etcd member: ", left.message(),
                 ", please manually remove this etcd member using etcdctl"));
    }
    print_("[reset] Stopping the kubelet service");
    if (!options_.dry_run) note(stop_kubelet());
    print_(cat("[reset] Unmounting mounted directories in ", quoted(kKubeletDirectory)));
    if (!options_.dry_run) note(unmount_below(std::string(kKubeletDirectory)));
    if (!options_.dry_run) {
      Status removed = co_await remove_pods(executor_, options_.cri_socket, stop);
      if (!removed.ok()) {
        print_(cat("[reset] WARNING: the pods of the container runtime were not removed: ",
                   removed.message()));
      }
      // Mounts that the pods held are free now.
      note(unmount_below(std::string(kKubeletDirectory)));
    }
    remove_files();
    remove_pod_network();
    closing_words();
    co_return first_;
  }

 private:
  // The others must not wait for a member that is gone. The last one takes its data with it.
  async::Task<Status> leave_etcd(async::StopToken stop) {
    const auto manifest = fs::read_file(cat(kManifestsDirectory, "/etcd.yaml"), 1U << 20);
    if (!manifest) co_return Status();
    const std::string peer_url = peer_url_of(*manifest);
    if (peer_url.empty()) co_return Status();
    KPP_CO_ASSIGN(const ApiConnection admin,
                  connect(executor_, cat(kKubernetesDirectory, "/admin.conf")));
    KPP_CO_ASSIGN(std::vector<std::string> endpoints, co_await etcd_endpoints(*admin.client, stop));
    EtcdCluster etcd(executor_, options_.certificates_dir, std::move(endpoints), stop);
    KPP_CO_ASSIGN(const EtcdMembers members, co_await etcd.members());
    if (members.size() < 2) co_return Status();
    print_("[reset] Removing this machine's etcd member from the cluster");
    if (options_.dry_run) co_return Status();
    co_return co_await etcd.remove(peer_url);
  }

  void note(Status status) {
    if (!status.ok() && first_.ok()) first_ = std::move(status);
  }

  // The deepest first.
  static Status unmount_below(const std::string& directory) {
    KPP_ASSIGN(const std::vector<sys::Mount> mounts, sys::list_mounts());
    std::vector<std::string> targets;
    for (const sys::Mount& mount : mounts) {
      if (mount.target.starts_with(cat(directory, "/"))) targets.push_back(mount.target);
    }
    std::ranges::sort(targets, std::greater());
    for (const std::string& target : targets) {
      if (::umount2(target.c_str(), UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT) {
        return errno_status(cat("unmounting ", target), errno);
      }
    }
    return {};
  }

  // What is in a directory goes, the directory stays: it may be a mount.
  Status empty(const std::string& directory) const {
    if (options_.dry_run) return {};
    const auto names = fs::list(directory);
    if (!names) return {};
    for (const std::string& name : *names) {
      KPP_RETURN_IF_ERROR(fs::remove_all(cat(directory, "/", name)));
    }
    return {};
  }

  void remove_files() {
    for (const std::string& store :
         {options_.etcd_data_dir, std::string("/var/lib/kpp/apiserver")}) {
      if (!fs::exists(store)) continue;
      note(empty(store));
      print_(cat("[reset] Deleted contents of the ",
                 store == options_.etcd_data_dir ? "etcd" : "API server's",
                 " data directory: ", store));
    }
    const std::vector<std::string> directories = {std::string(kManifestsDirectory),
                                                  std::string(kKubeletDirectory),
                                                  options_.certificates_dir};
    print_(cat("[reset] Deleting contents of directories: [", join(directories, " "), "]"));
    for (const std::string& directory : directories) note(empty(directory));
    std::vector<std::string> files;
    for (const KubeconfigKind& kind : kubeconfig_kinds()) {
      files.push_back(cat(kKubernetesDirectory, "/", kind.file));
    }
    files.push_back(cat(kKubernetesDirectory, "/bootstrap-kubelet.conf"));
    print_(cat("[reset] Deleting files: [", join(files, " "), "]"));
    if (options_.dry_run) return;
    for (const std::string& file : files) note(fs::remove_all(file));
  }

  // Of another cluster the node gets other addresses, and a bridge that has some already refuses
  // them. What other pod networks left is theirs.
  void remove_pod_network() {
    if (!fs::exists(kPodNetworkConfig)) return;
    print_(cat("[reset] Deleting the pod network: [", kPodNetworkConfig, " kpp-vxlan cni0]"));
    if (options_.dry_run) return;
    note(fs::remove_all(kPodNetworkConfig));
    for (const char* link : {"kpp-vxlan", "cni0"}) note(sys::delete_link(link));
  }

  void closing_words() {
    print_("");
    print_("The reset process does not perform cleanup of the configuration of other CNI plugins,");
    print_("network filtering rules and kubeconfig files.");
    print_("");
    print_("For information on how to perform this cleanup manually, please see:");
    print_("    https://k8s.io/docs/reference/setup-tools/kubeadm/kubeadm-reset/");
    print_("");
  }

  async::IoExecutor& executor_;
  const Printer print_;
  const ResetOptions options_;
  Status first_;
};

}  // namespace

async::Task<Status> reset(Setting setting, ResetOptions options, async::StopToken stop) {
  Reset run(std::move(setting), std::move(options));
  co_return co_await run.run(std::move(stop));
}

}  // namespace kpp::kubeadm
