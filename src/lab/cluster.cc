#include "lab/cluster.h"

#include <future>

#include "base/fs.h"

namespace kpp::lab {
namespace {

constexpr std::chrono::minutes kPatience{5};

// What kubeadm is told of the first node beside what it finds.
std::string node_registration(const ClusterOptions& options) {
  std::string out;
  if (options.machines.machines.size() == 1) out += "  taints: []\n";
  if (options.machines.runtime != Runtime::kContainerd)
    out += cat("  criSocket: unix://", socket_of(options.machines.runtime), "\n");
  return out.empty() ? out : cat("nodeRegistration:\n", out);
}

// Keys of elliptic curves: a lab is made often, and RSA keys take their time.
std::string kubeadm_config(const ClusterOptions& options, const Node& first) {
  return cat(
      "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint:\n"
      "  advertiseAddress: ",
      first.address, "\n", node_registration(options),
      "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
      "encryptionAlgorithm: ECDSA-P256\nnetworking:\n  podSubnet: ",
      options.pod_network_cidr, "\n");
}

Result<std::string> run(const Node& node, const std::string& script, std::string input = {}) {
  sys::ProcessSpec spec;
  spec.argv = {"/bin/sh", "-c",
               cat("export HOME=/root KUBECONFIG=/etc/kubernetes/admin.conf; ", script)};
  spec.input = std::move(input);
  spec.deadline = kPatience;
  KPP_ASSIGN(const sys::ProcessResult result, run_in_node(node, spec));
  if (result.ok()) return result.out;
  return fail(Reason::kIo,
              cat(node.name, ": ", script, ": ", result.err.empty() ? result.out : result.err));
}

Status all_of(std::vector<std::future<Status>> under_way) {
  Status first;
  for (auto& one : under_way) {
    Status status = one.get();
    if (first.ok()) first = std::move(status);
  }
  return first;
}

class Cluster {
 public:
  Cluster(const ClusterOptions& options, std::vector<Node> nodes,
          const std::function<void(const std::string&)>& done)
      : options_(options), nodes_(std::move(nodes)), done_(done) {}

  Status make() {
    KPP_RETURN_IF_ERROR(init());
    KPP_RETURN_IF_ERROR(join_others());
    KPP_ASSIGN(const std::string ready,
               run(nodes_[0],
                   "kubectl wait --for=condition=Ready nodes --all --timeout=120s && kubectl -n "
                   "kube-system rollout status deployment/coredns --timeout=120s"));
    done_("every node is Ready");
    return {};
  }

 private:
  // The others get their images meanwhile.
  Status init() {
    const std::string config = kubeadm_config(options_, nodes_[0]);
    const std::string store = cat(" --store ", options_.store);
    std::vector<std::future<Status>> loading;
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      loading.push_back(std::async(std::launch::async, [this, i] {
        const auto done = run(nodes_[i], "kubeadm config images pull --store embedded");
        return done ? Status() : done.error();
      }));
    }
    const auto printed =
        run(nodes_[0],
            cat("cat > /etc/kubeadm.yaml && kubeadm init --config /etc/kubeadm.yaml", store,
                " && mkdir -p /root/.kube && cp /etc/kubernetes/admin.conf /root/.kube/config"),
            config);
    Status loaded = all_of(std::move(loading));
    if (!printed) return printed.error();
    KPP_RETURN_IF_ERROR(loaded);
    join_ = join_command_of(*printed);
    if (join_.empty()) return {Reason::kIo, "kubeadm init printed no join command"};
    done_(cat("control plane on ", nodes_[0].name));
    return {};
  }

  Status join_others() {
    std::vector<std::future<Status>> under_way;
    under_way.push_back(std::async(std::launch::async, [this] {
      const auto applied =
          run(nodes_[0], "kpp network-agent --print-manifest | kubectl apply -f -");
      return applied ? Status() : applied.error();
    }));
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      under_way.push_back(std::async(std::launch::async, [this, i] {
        const auto joined = run(nodes_[i], join_);
        return joined ? Status() : joined.error();
      }));
    }
    KPP_RETURN_IF_ERROR(all_of(std::move(under_way)));
    for (std::size_t i = 1; i < nodes_.size(); ++i) done_(cat(nodes_[i].name, " has joined"));
    return {};
  }

  const ClusterOptions& options_;
  const std::vector<Node> nodes_;
  const std::function<void(const std::string&)>& done_;
  std::string join_;
};

}  // namespace

std::string join_command_of(std::string_view printed) {
  const std::size_t at = printed.rfind("kubeadm join ");
  if (at == std::string_view::npos) return {};
  std::string out;
  for (const char c : printed.substr(at)) {
    // The command is broken with a backslash at the line's end.
    if (c == '\n' && (out.empty() || out.back() != '\\')) break;
    if (c == '\n') {
      out.back() = ' ';
    } else {
      out += c == '\t' ? ' ' : c;
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

Status make_cluster(ClusterOptions options, const std::function<void(const std::string&)>& done) {
  KPP_RETURN_IF_ERROR(make_machines(options.machines, done));
  options.machines.lab.network = kMachineNetwork;
  KPP_ASSIGN(Lab lab, Lab::open(options.machines.lab));
  std::vector<Node> nodes;
  for (const Machine& machine : options.machines.machines) {
    KPP_ASSIGN(Node node, lab.node(machine.name));
    nodes.push_back(std::move(node));
  }
  Status made = Cluster(options, std::move(nodes), done).make();
  if (!made.ok()) (void)lab.remove();
  return made;
}

}  // namespace kpp::lab
