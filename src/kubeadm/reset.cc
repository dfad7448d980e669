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
  Reset(Setting setting, ResetConfig config, PhaseChoice choice)
      : executor_(setting.executor),
        print_(std::move(setting.print)),
        config_(std::move(config)),
        choice_(std::move(choice)) {}

  async::Task<Status> run(async::StopToken stop) {
    if (choice_.wants("preflight")) print_("[preflight] Running pre-flight checks");
    if (choice_.wants("remove-etcd-member")) {
      const Status left = co_await leave_etcd(stop);
      if (!left.ok()) {
        print_(cat("[reset] WARNING: failed to remove etcd member: ", left.message(),
                   ", please manually remove this etcd member using etcdctl"));
      }
    }
    if (!choice_.wants("cleanup-node")) co_return first_;
    say("Stopping the kubelet service", "stop the kubelet service");
    if (!config_.dry_run) note(stop_kubelet());
    say(cat("Unmounting mounted directories in ", quoted(kKubeletDirectory)),
        cat("unmount mounted directories in ", quoted(kKubeletDirectory)));
    if (config_.dry_run) {
      print_("[reset] Would remove Kubernetes-managed containers");
    } else {
      note(unmount_below(std::string(kKubeletDirectory)));
      const Status removed = co_await remove_pods(executor_, config_.cri_socket, stop);
      if (!removed.ok()) {
        print_(cat("[reset] WARNING: the pods of the container runtime were not removed: ",
                   removed.message()));
      }
      // Mounts that the pods held are free now.
      note(unmount_below(std::string(kKubeletDirectory)));
    }
    remove_files();
    remove_pod_network();
    if (!choice_.is_alone()) closing_words();
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
    EtcdCluster etcd(executor_, config_.certificates_dir, std::move(endpoints), stop);
    KPP_CO_ASSIGN(const EtcdMembers members, co_await etcd.members());
    if (members.size() < 2) co_return Status();
    say("Removing this machine's etcd member from the cluster",
        "remove this machine's etcd member from the cluster");
    if (config_.dry_run) co_return Status();
    co_return co_await etcd.remove(peer_url);
  }

  void say(std::string_view done, std::string_view would) {
    print_(config_.dry_run ? cat("[reset] Would ", would) : cat("[reset] ", done));
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
    if (config_.dry_run) return {};
    const auto names = fs::list(directory);
    if (!names) return {};
    for (const std::string& name : *names) {
      KPP_RETURN_IF_ERROR(fs::remove_all(cat(directory, "/", name)));
    }
    return {};
  }

  void remove_files() {
    for (const std::string& store :
         {config_.etcd_data_dir, std::string("/var/lib/kpp/apiserver")}) {
      if (!fs::exists(store)) continue;
      note(empty(store));
      const std::string what =
          cat("contents of the ", store == config_.etcd_data_dir ? "etcd" : "API server's",
              " data directory: ", store);
      say(cat("Deleted ", what), cat("delete ", what));
    }
    std::vector<std::string> directories = {
        std::string(kManifestsDirectory), std::string(kKubeletDirectory), config_.certificates_dir};
    if (config_.cleanup_tmp_dir) directories.push_back(cat(kKubernetesDirectory, "/tmp"));
    const std::string contents = cat("contents of directories: [", join(directories, " "), "]");
    say(cat("Deleting ", contents), cat("delete ", contents));
    for (const std::string& directory : directories) note(empty(directory));
    std::vector<std::string> files;
    for (const KubeconfigKind& kind : kubeconfig_kinds()) {
      files.push_back(cat(kKubernetesDirectory, "/", kind.file));
    }
    files.push_back(cat(kKubernetesDirectory, "/bootstrap-kubelet.conf"));
    const std::string named = cat("files: [", join(files, " "), "]");
    say(cat("Deleting ", named), cat("delete ", named));
    if (config_.dry_run) return;
    for (const std::string& file : files) note(fs::remove_all(file));
  }

  // Of another cluster the node gets other addresses, and a bridge that has some already refuses
  // them. What other pod networks left is theirs.
  void remove_pod_network() {
    if (!fs::exists(kPodNetworkConfig)) return;
    const std::string network = cat("the pod network: [", kPodNetworkConfig, " kpp-vxlan cni0]");
    say(cat("Deleting ", network), cat("delete ", network));
    if (config_.dry_run) return;
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
  const ResetConfig config_;
  const PhaseChoice choice_;
  Status first_;
};

}  // namespace

async::Task<Status> reset(Setting setting, ResetConfig config, PhaseChoice choice,
                          async::StopToken stop) {
  Reset run(std::move(setting), std::move(config), std::move(choice));
  co_return co_await run.run(std::move(stop));
}

}  // namespace kpp::kubeadm
