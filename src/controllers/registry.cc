#include "controllers/registry.h"

#include <algorithm>

#include "controllers/bootstrap/bootstrap_signer.h"
#include "controllers/certificates/csr_approver.h"
#include "controllers/certificates/csr_cleaner.h"
#include "controllers/cluster_role_aggregation/cluster_role_aggregation.h"
#include "controllers/cronjob/cronjob_controller.h"
#include "controllers/daemonset/daemonset_controller.h"
#include "controllers/deployment/deployment_controller.h"
#include "controllers/disruption/disruption_controller.h"
#include "controllers/endpoints/endpoints_controller.h"
#include "controllers/endpointslice/endpointslice_controller.h"
#include "controllers/endpointslice_mirroring/endpointslice_mirroring_controller.h"
#include "controllers/garbage_collector/garbage_collector.h"
#include "controllers/horizontal_pod_autoscaler/hpa_controller.h"
#include "controllers/job/job_controller.h"
#include "controllers/job/ttl_after_finished_controller.h"
#include "controllers/namespaces/namespace_controller.h"
#include "controllers/node_lifecycle/node_lifecycle_controller.h"
#include "controllers/node_lifecycle/taint_eviction_controller.h"
#include "controllers/pod_gc/pod_gc_controller.h"
#include "controllers/replicaset/replicaset_controller.h"
#include "controllers/resource_quota/resource_quota_controller.h"
#include "controllers/serviceaccount/root_ca_publisher.h"
#include "controllers/serviceaccount/serviceaccount_controller.h"
#include "controllers/statefulset/statefulset_controller.h"
#include "controllers/volumes/volume_binder.h"
#include "controllers/volumes/volume_expander.h"
#include "controllers/volumes/volume_protection.h"

namespace kpp::controllers {
namespace {

template <class T>
std::unique_ptr<Controller> make(const ControllerContext& context, const ClusterFacts&) {
  return std::make_unique<T>(context);
}

std::unique_ptr<Controller> make_root_ca(const ControllerContext& context,
                                         const ClusterFacts& facts) {
  if (facts.root_ca_pem.empty()) return nullptr;
  return std::make_unique<RootCaPublisher>(context, facts.root_ca_pem);
}

std::unique_ptr<Controller> make_csr_signer(const ControllerContext& context,
                                            const ClusterFacts& facts) {
  if (facts.signing.empty()) return nullptr;
  return std::make_unique<CsrSigner>(context, facts.signing);
}

std::unique_ptr<Controller> make_node_ipam(const ControllerContext& context,
                                           const ClusterFacts& facts) {
  if (facts.node_ipam.cluster_cidrs.empty()) return nullptr;
  return std::make_unique<NodeIpamController>(context, facts.node_ipam);
}

}  // namespace

const std::vector<ControllerEntry>& controller_entries() {
  static const std::vector<ControllerEntry> kEntries = {
      {"endpoints-controller", "endpoint", "endpoint-controller", &make<EndpointsController>},
      {"endpointslice-controller", "endpointslice", "endpointslice-controller",
       &make<EndpointSliceController>},
      {"endpointslice-mirroring-controller", "endpointslicemirroring",
       "endpointslicemirroring-controller", &make<EndpointSliceMirroringController>},
      {"replicationcontroller-controller", "replicationcontroller", "replication-controller",
       &make<ReplicationControllerController>},
      {"pod-garbage-collector-controller", "podgc", "pod-garbage-collector",
       &make<PodGarbageCollector>},
      {"resourcequota-controller", "resourcequota", "resourcequota-controller",
       &make<ResourceQuotaController>},
      {"namespace-controller", "namespace", "namespace-controller", &make<NamespaceController>},
      {"serviceaccount-controller", "serviceaccount", "service-account-controller",
       &make<ServiceAccountController>},
      {"garbage-collector-controller", "garbagecollector", "generic-garbage-collector",
       &make<GarbageCollector>},
      {"daemonset-controller", "daemonset", "daemon-set-controller", &make<DaemonSetController>},
      {"job-controller", "job", "job-controller", &make<JobController>},
      {"deployment-controller", "deployment", "deployment-controller", &make<DeploymentController>},
      {"replicaset-controller", "replicaset", "replicaset-controller", &make<ReplicaSetController>},
      {"horizontal-pod-autoscaler-controller", "horizontalpodautoscaling",
       "horizontal-pod-autoscaler", &make<HorizontalPodAutoscalerController>},
      {"disruption-controller", "disruption", "disruption-controller", &make<DisruptionController>},
      {"statefulset-controller", "statefulset", "statefulset-controller",
       &make<StatefulSetController>},
      {"cronjob-controller", "cronjob", "cronjob-controller", &make<CronJobController>},
      {"certificatesigningrequest-signing-controller", "csrsigning", "certificate-controller",
       &make_csr_signer},
      {"certificatesigningrequest-approving-controller", "csrapproving", "certificate-controller",
       &make<CsrApprover>},
      {"certificatesigningrequest-cleaner-controller", "csrcleaner", "certificate-controller",
       &make<CsrCleaner>},
      {"ttl-controller", "ttl", "ttl-controller", &make<TtlController>},
      {"bootstrap-signer-controller", "bootstrapsigner", "bootstrap-signer", &make<BootstrapSigner>,
       false},
      {"token-cleaner-controller", "tokencleaner", "token-cleaner", &make<TokenCleaner>, false},
      {"node-ipam-controller", "nodeipam", "node-controller", &make_node_ipam},
      {"persistentvolume-binder-controller", "persistentvolume-binder", "persistent-volume-binder",
       &make<VolumeBinder>},
      {"persistentvolume-expander-controller", "persistentvolume-expander", "expand-controller",
       &make<VolumeExpander>},
      {"clusterrole-aggregation-controller", "clusterrole-aggregation",
       "clusterrole-aggregation-controller", &make<ClusterRoleAggregation>},
      {"persistentvolumeclaim-protection-controller", "pvc-protection", "pvc-protection-controller",
       &make<ClaimProtection>},
      {"persistentvolume-protection-controller", "pv-protection", "pv-protection-controller",
       &make<VolumeProtection>},
      {"ephemeral-volume-controller", "ephemeral-volume", "ephemeral-volume-controller",
       &make<EphemeralVolumeController>},
      {"node-lifecycle-controller", "nodelifecycle", "node-controller",
       &make<NodeLifecycleController>},
      {"ttl-after-finished-controller", "ttl-after-finished", "ttl-after-finished-controller",
       &make<TtlAfterFinishedController>},
      {"root-ca-certificate-publisher-controller", "root-ca-cert-publisher",
       "root-ca-cert-publisher", &make_root_ca},
      {"taint-eviction-controller", "", "node-controller", &make<TaintEvictionController>},
  };
  return kEntries;
}

bool is_enabled(const ControllerEntry& entry, const std::vector<std::string>& selection) {
  bool star = false;
  for (const auto& text : selection) {
    const bool off = text.starts_with('-');
    const std::string_view name = std::string_view(text).substr(off ? 1 : 0);
    if (name == "*") star = true;
    if (name == entry.name || (!entry.alias.empty() && name == entry.alias)) return !off;
  }
  return star && entry.on_by_default;
}

ControllerManager::ControllerManager(Deps deps, Options options)
    : deps_(std::move(deps)),
      options_(std::move(options)),
      client_(deps_.transport, options_.user_agent, options_.bearer_token, &deps_.executor),
      informers_(deps_.executor, client_, deps_.log) {}

ControllerManager::~ControllerManager() = default;

client::Client& ControllerManager::client_of(std::string_view account) {
  if (deps_.accounts == nullptr) return client_;
  auto& slot = account_clients_[account];
  if (!slot) {
    slot = std::make_unique<client::Client>(
        deps_.accounts->of(account),
        cat(options_.user_agent, "/system:serviceaccount:kube-system:", account), std::string(),
        &deps_.executor);
  }
  return *slot;
}

Status ControllerManager::start() {
  const auto& entries = controller_entries();
  for (const auto& text : options_.controllers) {
    const std::string_view name = std::string_view(text).substr(text.starts_with('-') ? 1 : 0);
    const bool known =
        name == "*" || std::any_of(entries.begin(), entries.end(), [&](const auto& e) {
          return e.name == name || (!e.alias.empty() && e.alias == name);
        });
    if (!known)
      return Status(Reason::kInvalid,
                    cat(quoted(name), " is not in the list of known controllers"));
  }
  if (const auto sets = NodeIpamController::sets_of(options_.facts.node_ipam); !sets)
    return sets.error();
  for (const auto& entry : entries) {
    if (!is_enabled(entry, options_.controllers)) continue;
    const ControllerContext context{deps_.executor, client_of(entry.account), informers_,
                                    deps_.log};
    auto controller = entry.make(context, options_.facts);
    if (controller) controllers_.push_back(std::move(controller));
  }
  for (auto& controller : controllers_) controller->start();
  informers_.start();
  return Status();
}

async::Task<void> ControllerManager::stop() {
  for (auto it = controllers_.rbegin(); it != controllers_.rend(); ++it) co_await (*it)->stop();
  co_await informers_.stop();
}

std::vector<std::string> ControllerManager::running() const {
  std::vector<std::string> out;
  for (const auto& controller : controllers_) out.push_back(controller->name());
  return out;
}

}  // namespace kpp::controllers
