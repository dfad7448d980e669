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
#include "controllers/garbage_collector/garbage_collector.h"
#include "controllers/job/job_controller.h"
#include "controllers/job/ttl_after_finished_controller.h"
#include "controllers/namespaces/namespace_controller.h"
#include "controllers/node_lifecycle/node_lifecycle_controller.h"
#include "controllers/node_lifecycle/taint_eviction_controller.h"
#include "controllers/pod_gc/pod_gc_controller.h"
#include "controllers/replicaset/replicaset_controller.h"
#include "controllers/serviceaccount/root_ca_publisher.h"
#include "controllers/serviceaccount/serviceaccount_controller.h"
#include "controllers/statefulset/statefulset_controller.h"
#include "controllers/volumes/volume_binder.h"
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
      {"endpoints-controller", "endpoint", &make<EndpointsController>},
      {"endpointslice-controller", "endpointslice", &make<EndpointSliceController>},
      {"pod-garbage-collector-controller", "podgc", &make<PodGarbageCollector>},
      {"namespace-controller", "namespace", &make<NamespaceController>},
      {"serviceaccount-controller", "serviceaccount", &make<ServiceAccountController>},
      {"garbage-collector-controller", "garbagecollector", &make<GarbageCollector>},
      {"daemonset-controller", "daemonset", &make<DaemonSetController>},
      {"job-controller", "job", &make<JobController>},
      {"deployment-controller", "deployment", &make<DeploymentController>},
      {"replicaset-controller", "replicaset", &make<ReplicaSetController>},
      {"disruption-controller", "disruption", &make<DisruptionController>},
      {"statefulset-controller", "statefulset", &make<StatefulSetController>},
      {"cronjob-controller", "cronjob", &make<CronJobController>},
      {"certificatesigningrequest-signing-controller", "csrsigning", &make_csr_signer},
      {"certificatesigningrequest-approving-controller", "csrapproving", &make<CsrApprover>},
      {"certificatesigningrequest-cleaner-controller", "csrcleaner", &make<CsrCleaner>},
      {"ttl-controller", "ttl", &make<TtlController>},
      {"bootstrap-signer-controller", "bootstrapsigner", &make<BootstrapSigner>, false},
      {"token-cleaner-controller", "tokencleaner", &make<TokenCleaner>, false},
      {"node-ipam-controller", "nodeipam", &make_node_ipam},
      {"persistentvolume-binder-controller", "persistentvolume-binder", &make<VolumeBinder>},
      {"clusterrole-aggregation-controller", "clusterrole-aggregation",
       &make<ClusterRoleAggregation>},
      {"persistentvolumeclaim-protection-controller", "pvc-protection", &make<ClaimProtection>},
      {"persistentvolume-protection-controller", "pv-protection", &make<VolumeProtection>},
      {"ephemeral-volume-controller", "ephemeral-volume", &make<EphemeralVolumeController>},
      {"node-lifecycle-controller", "nodelifecycle", &make<NodeLifecycleController>},
      {"ttl-after-finished-controller", "ttl-after-finished", &make<TtlAfterFinishedController>},
      {"root-ca-certificate-publisher-controller", "root-ca-cert-publisher", &make_root_ca},
      {"taint-eviction-controller", "", &make<TaintEvictionController>},
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
  const ControllerContext context{deps_.executor, client_, informers_, deps_.log};
  for (const auto& entry : entries) {
    if (!is_enabled(entry, options_.controllers)) continue;
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
