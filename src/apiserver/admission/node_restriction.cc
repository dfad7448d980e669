#include <algorithm>
#include <set>

#include "api/authenticationv1.h"
#include "api/coordinationv1.h"
#include "api/corev1.h"
#include "api/policyv1.h"
#include "api/storagev1.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/auth/node_authorizer.h"
#include "apiserver/auth/pod_references.h"
#include "apiserver/errors.h"

// A kubelet writes its own node, its own lease, and pods that are bound to it; nothing else, though
// the authorizer cannot tell.

namespace kpp::apiserver {
namespace {

constexpr const char* kMirror = "kubernetes.io/config.mirror";
constexpr std::string_view kLeases = "kube-node-lease";
constexpr std::string_view kRestricted = "node-restriction.kubernetes.io";

using Labels = std::map<std::string, std::string>;

// One request of one node.
struct Asked {
  std::string_view node;
  const AdmissionRequest& request;
  const Lookup& lookup;

  Status no(std::string_view why) const { return refused(request, why); }
  // "node "n" what"
  Status node_no(std::string_view what) const { return no(cat("node ", quoted(node), " ", what)); }
  Status unexpected(std::string_view more = {}) const {
    static constexpr std::string_view kNames[] = {"CREATE", "UPDATE", "DELETE", "CONNECT"};
    return no(cat("unexpected operation ",
                  quoted(kNames[static_cast<std::size_t>(request.operation)]), more));
  }
};

bool under(std::string_view ns, std::string_view domain) {
  return ns == domain || (ns.size() > domain.size() && ns.ends_with(domain) &&
                          ns[ns.size() - domain.size() - 1] == '.');
}

std::string_view label_namespace(std::string_view key) {
  const auto slash = key.find('/');
  return slash == std::string_view::npos ? std::string_view() : key.substr(0, slash);
}

// Labels that say what a kubelet knows about its machine.
bool is_kubelet_label(std::string_view key) {
  static constexpr std::string_view kLabels[] = {"kubernetes.io/hostname",
                                                 "topology.kubernetes.io/zone",
                                                 "topology.kubernetes.io/region",
                                                 "failure-domain.beta.kubernetes.io/zone",
                                                 "failure-domain.beta.kubernetes.io/region",
                                                 "beta.kubernetes.io/instance-type",
                                                 "node.kubernetes.io/instance-type",
                                                 "kubernetes.io/os",
                                                 "kubernetes.io/arch",
                                                 "beta.kubernetes.io/os",
                                                 "beta.kubernetes.io/arch"};
  if (std::find(std::begin(kLabels), std::end(kLabels), key) != std::end(kLabels)) return true;
  const auto ns = label_namespace(key);
  return under(ns, "kubelet.kubernetes.io") || under(ns, "node.kubernetes.io");
}

// Keys that differ between the two and are none of the node's business, sorted.
std::set<std::string> forbidden_changes(const Labels& a, const Labels& b) {
  std::set<std::string> out;
  const auto look = [&](const Labels& one, const Labels& other) {
    for (const auto& [key, value] : one) {
      const auto it = other.find(key);
      if (it != other.end() && it->second == value) continue;
      const auto ns = label_namespace(key);
      const bool ours = under(ns, "kubernetes.io") || under(ns, "k8s.io");
      if (under(ns, kRestricted) || (ours && !is_kubelet_label(key))) out.insert(key);
    }
  };
  look(a, b);
  look(b, a);
  return out;
}

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const T& x, const T& y) { return api::equal(x, y); });
}

// --- pods

Status check_owner(const corev1::Pod& pod, const Asked& asked) {
  const auto& owners = pod.metadata.owner_references;
  if (owners.size() > 1)
    return asked.node_no("can only create pods with a single owner reference set to itself");
  const auto* owner = owners.empty() ? nullptr : &owners[0];
  if (owner == nullptr || owner->api_version != "v1" || owner->kind != "Node" ||
      owner->name != asked.node) {
    return asked.node_no("can only create pods with an owner reference set to itself");
  }
  if (!owner->controller.value_or(false))
    return asked.node_no("can only create pods with a controller owner reference set to itself");
  if (owner->block_owner_deletion.value_or(false))
    return asked.node_no("must not set blockOwnerDeletion on an owner reference");
  const auto node = asked.lookup.get<corev1::Node>("", "nodes", "", asked.node);
  if (!node) return not_found("", "nodes", asked.node);
  if (owner->uid == node->metadata.uid) return {};
  return asked.no(cat("node ", asked.node, " UID mismatch: expected ", owner->uid, " got ",
                      node->metadata.uid));
}

Status check_mirror_pod(const corev1::Pod& pod, const Asked& asked) {
  if (!pod.metadata.annotations.contains(kMirror)) {
    return asked.no(cat("pod does not have ", quoted(kMirror), " annotation, node ",
                        quoted(asked.node), " can only create mirror pods"));
  }
  if (pod.spec.node_name != asked.node)
    return asked.node_no("can only create pods with spec.nodeName set to itself");
  KPP_RETURN_IF_ERROR(check_owner(pod, asked));
  const auto refuse = [&](std::string_view what) {
    return asked.node_no(cat("can not create pods that reference ", what));
  };
  const PodReferences references = references_of(pod);
  if (!references.service_account.empty()) return refuse("a service account");
  if (!references.secrets.empty()) return refuse("secrets");
  if (!references.config_maps.empty()) return refuse("configmaps");
  for (const auto& volume : pod.spec.volumes) {
    if (!volume.volume_source.projected) continue;
    for (const auto& source : volume.volume_source.projected->sources) {
      if (source.cluster_trust_bundle) return refuse("clustertrustbundles");
    }
  }
  if (!references.claims.empty()) return refuse("persistentvolumeclaims");
  if (!pod.spec.resource_claims.empty()) return refuse("resourceclaims");
  return {};
}

Result<corev1::Pod> pod_there(const Asked& asked, std::string_view name) {
  auto pod = asked.lookup.get<corev1::Pod>("", "pods", asked.request.namespace_, name);
  if (!pod) return fail(not_found("", "pods", name));
  return std::move(*pod);
}

Status admit_pod(api::Object& object, const Asked& asked) {
  if (asked.request.operation == Operation::kCreate)
    return check_mirror_pod(*object.as<corev1::Pod>(), asked);
  return asked.unexpected(
      cat(", node ", quoted(asked.node), " can only create and delete mirror pods"));
}

bool same_claims(const corev1::Pod& a, const corev1::Pod& b) {
  return same(a.status.resource_claim_statuses, b.status.resource_claim_statuses);
}

Status admit_pod_status(api::Object& object, const Asked& asked) {
  if (asked.request.operation != Operation::kUpdate) return asked.unexpected();
  const auto& now = *object.as<corev1::Pod>();
  const auto& old = *asked.request.old_object->as<corev1::Pod>();
  if (old.spec.node_name != asked.node) {
    return asked.node_no("can only update pod status for pods with spec.nodeName set to itself");
  }
  if (old.metadata.labels != now.metadata.labels)
    return asked.node_no("cannot update labels through pod status");
  if (!same_claims(old, now)) return asked.node_no("cannot update resource claim statues");
  return {};
}

Status admit_eviction(const Asked& asked) {
  if (asked.request.operation != Operation::kCreate) return asked.unexpected();
  KPP_ASSIGN(const corev1::Pod pod, pod_there(asked, asked.request.name));
  if (pod.spec.node_name == asked.node) return {};
  return asked.no(
      cat("node ", asked.node, " can only evict pods with spec.nodeName set to itself"));
}

// --- nodes

Status admit_node(api::Object& object, const Asked& asked) {
  const auto& request = asked.request;
  if (request.name != asked.node)
    return asked.node_no(cat("is not allowed to modify node ", quoted(request.name)));
  const auto* now = object.as<corev1::Node>();
  if (now == nullptr) return {};
  if (request.operation == Operation::kCreate) {
    if (now->spec.config_source)
      return asked.node_no("is not allowed to create pods with a non-nil configSource");
    const auto labels = forbidden_changes(now->metadata.labels, {});
    if (labels.empty()) return {};
    return asked.node_no(cat("is not allowed to set the following labels: ", join(labels, ", ")));
  }
  const auto& old = *request.old_object->as<corev1::Node>();
  if (now->spec.config_source &&
      !(old.spec.config_source && api::equal(*now->spec.config_source, *old.spec.config_source)))
    return asked.node_no("is not allowed to update configSource to a new non-nil configSource");
  if (!same(now->spec.taints, old.spec.taints))
    return asked.node_no("is not allowed to modify taints");
  if (!same(now->metadata.owner_references, old.metadata.owner_references))
    return asked.node_no("is not allowed to modify ownerReferences");
  const auto labels = forbidden_changes(now->metadata.labels, old.metadata.labels);
  if (labels.empty()) return {};
  return asked.no(cat("is not allowed to modify labels: ", join(labels, ", ")));
}

// --- claims

Status admit_claim(api::Object& object, const Asked& asked) {
  if (asked.request.subresource != "status") return asked.no("may only update PVC status");
  if (asked.request.operation != Operation::kUpdate) return asked.unexpected();
  auto now = *object.as<corev1::PersistentVolumeClaim>();
  auto old = *asked.request.old_object->as<corev1::PersistentVolumeClaim>();
  for (auto* claim : {&now, &old}) {
    claim->metadata.resource_version.clear();
    claim->metadata.managed_fields.clear();
    claim->status.capacity.clear();
    claim->status.conditions.clear();
    claim->status.allocated_resource_statuses.clear();
    claim->status.allocated_resources.clear();
  }
  if (api::equal(now, old)) return {};
  return asked.node_no(
      "is not allowed to update fields other than status.capacity and status.conditions");
}

// --- tokens

// Whether a CSI driver of the pod's volumes is to get a token for the audience.
bool driver_wants(const Asked& asked, const std::string& driver, std::string_view audience) {
  const auto found =
      asked.lookup.get<storagev1::CSIDriver>("storage.k8s.io", "csidrivers", "", driver);
  if (!found) return false;
  const auto& requests = found->spec.token_requests;
  return std::any_of(requests.begin(), requests.end(),
                     [&](const auto& token) { return token.audience == audience; });
}

bool claim_wants(const Asked& asked, const std::string& claim, std::string_view audience) {
  const auto found = asked.lookup.get<corev1::PersistentVolumeClaim>(
      "", "persistentvolumeclaims", asked.request.namespace_, claim);
  if (!found || found->spec.volume_name.empty()) return false;
  const auto volume = asked.lookup.get<corev1::PersistentVolume>("", "persistentvolumes", "",
                                                                 found->spec.volume_name);
  const auto* csi = volume ? &volume->spec.persistent_volume_source.csi : nullptr;
  return csi != nullptr && *csi && driver_wants(asked, (*csi)->driver, audience);
}

bool pod_wants(const Asked& asked, const corev1::Pod& pod, std::string_view audience) {
  for (const auto& volume : pod.spec.volumes) {
    const auto& source = volume.volume_source;
    if (source.projected) {
      for (const auto& part : source.projected->sources) {
        if (part.service_account_token && part.service_account_token->audience == audience)
          return true;
      }
    }
    if (source.csi && driver_wants(asked, source.csi->driver, audience)) return true;
  }
  const auto claims = references_of(pod).claims;
  return std::any_of(claims.begin(), claims.end(),
                     [&](const auto& claim) { return claim_wants(asked, claim, audience); });
}

Status check_audience(const Asked& asked, const corev1::Pod& pod,
                      const std::vector<std::string>& audiences) {
  if (audiences.size() > 1) return asked.no("node may only request 0 or 1 audiences");
  const std::string audience = audiences.empty() ? "" : audiences[0];
  if (pod_wants(asked, pod, audience)) return {};
  AccessRequest access;
  access.verb = "request-serviceaccounts-token-audience";
  access.namespace_ = asked.request.namespace_;
  access.version = "v1";
  access.resource = audience;
  access.name = asked.request.name;
  if (asked.lookup.authorizer() != nullptr &&
      asked.lookup.authorizer()->authorize(*asked.request.user, access).allowed())
    return {};
  return asked.no(cat("audience ", quoted(audience), " not found in pod spec volume, ",
                      asked.request.user->name,
                      " is not authorized to request tokens for this audience"));
}

Status admit_token(api::Object& object, const Asked& asked) {
  if (asked.request.operation != Operation::kCreate || asked.request.subresource != "token")
    return {};
  const auto& spec = object.as<authenticationv1::TokenRequest>()->spec;
  const auto& bound = spec.bound_object_ref;
  if (!bound || bound->api_version != "v1" || bound->kind != "Pod" || bound->name.empty())
    return asked.no("node requested token not bound to a pod");
  if (bound->u_id.empty()) return asked.no("node requested token with a pod binding without a uid");
  KPP_ASSIGN(const corev1::Pod pod, pod_there(asked, bound->name));
  if (bound->u_id != pod.metadata.uid) {
    return asked.no(cat("the UID in the bound object reference (", bound->u_id,
                        ") does not match the UID in record. The object might have been deleted "
                        "and then recreated"));
  }
  if (pod.spec.node_name != asked.node)
    return asked.no("node requested token bound to a pod scheduled on a different node");
  return check_audience(asked, pod, spec.audiences);
}

// --- what bears the node's name

Status admit_lease(const Asked& asked) {
  if (asked.request.namespace_ != kLeases)
    return asked.no(cat("can only access leases in the ", quoted(kLeases), " system namespace"));
  if (asked.request.name == asked.node) return {};
  return asked.no("can only access node lease with the same name as the requesting node");
}

Status admit_csi_node(const Asked& asked) {
  if (asked.request.name == asked.node) return {};
  return asked.no("can only access CSINode with the same name as the requesting node");
}

Status admit(api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  const auto node = request.user == nullptr ? std::nullopt : node_name_of(*request.user);
  if (!node) return {};
  const Asked asked{*node, request, lookup};
  if (node->empty())
    return asked.no(cat("could not determine node from user ", quoted(request.user->name)));
  const std::string_view group = request.resource->group;
  const std::string_view resource = request.resource->name();
  if (group.empty() && resource == "pods") {
    if (request.subresource.empty()) return admit_pod(object, asked);
    if (request.subresource == "status") return admit_pod_status(object, asked);
    if (request.subresource == "eviction") return admit_eviction(asked);
    return asked.no(cat("unexpected pod subresource ", quoted(request.subresource),
                        ", only 'status' and 'eviction' are allowed"));
  }
  if (group.empty() && resource == "nodes") return admit_node(object, asked);
  if (group.empty() && resource == "persistentvolumeclaims") return admit_claim(object, asked);
  if (group.empty() && resource == "serviceaccounts") return admit_token(object, asked);
  if (group == "coordination.k8s.io" && resource == "leases") return admit_lease(asked);
  if (group == "storage.k8s.io" && resource == "csinodes") return admit_csi_node(asked);
  return {};
}

Status admit_delete(const AdmissionRequest& request, const Lookup& lookup) {
  const auto node = request.user == nullptr ? std::nullopt : node_name_of(*request.user);
  if (!node) return {};
  const Asked asked{*node, request, lookup};
  const std::string_view group = request.resource->group;
  const std::string_view resource = request.resource->name();
  if (group.empty() && resource == "pods") {
    const auto* pod = request.old_object->as<corev1::Pod>();
    if (pod != nullptr && pod->spec.node_name == *node) return {};
    return asked.node_no("can only delete pods with spec.nodeName set to itself");
  }
  if (group.empty() && resource == "nodes" && request.name != *node)
    return asked.node_no(cat("is not allowed to modify node ", quoted(request.name)));
  if (group == "coordination.k8s.io" && resource == "leases") return admit_lease(asked);
  if (group == "storage.k8s.io" && resource == "csinodes") return admit_csi_node(asked);
  return {};
}

}  // namespace

Plugin node_restriction_plugin() { return {"NodeRestriction", admit, nullptr, admit_delete}; }

}  // namespace kpp::apiserver
