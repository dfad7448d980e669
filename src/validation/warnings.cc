// Texts of Warning headers.
#include <map>
#include <set>
#include <string>
#include <utility>

#include "api/meta.h"
#include "validation/amounts.h"
#include "validation/core/resources.h"
#include "validation/field_errors.h"
#include "validation/formats.h"
#include "validation/rules.h"
#include "validation/selectors.h"
#include "validation/validate.h"

namespace kpp::validation {
namespace {

using Texts = std::vector<std::string>;

void warn(Texts& out, const FieldPath& at, std::string_view text) {
  out.push_back(cat(at, ": ", text));
}

// Labels of nodes that have been renamed.
std::string_view renamed_label(std::string_view key) {
  static const std::map<std::string_view, std::string_view> kRenamed = {
      {"beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"},
      {"beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"},
      {"failure-domain.beta.kubernetes.io/region",
       "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"},
      {"failure-domain.beta.kubernetes.io/zone",
       "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"},
      {"beta.kubernetes.io/instance-type",
       "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"},
  };
  const auto found = kRenamed.find(key);
  return found == kRenamed.end() ? std::string_view() : found->second;
}

void warn_label_key(Texts& out, const FieldPath& at, std::string_view key) {
  if (const std::string_view text = renamed_label(key); !text.empty()) warn(out, at, text);
}

void warn_node_term(Texts& out, const FieldPath& at, const corev1::NodeSelectorTerm& term) {
  for (std::size_t i = 0; i < term.match_expressions.size(); ++i) {
    warn_label_key(out, at.child("matchExpressions").index(i).child("key"),
                   term.match_expressions[i].key);
  }
}

void warn_fractional_bytes(Texts& out, const FieldPath& at, const ResourceList& list) {
  for (const auto& [name, quantity] : list) {
    if ((name == "memory" || name == "ephemeral-storage" || name == "storage") &&
        !is_whole(amount_of(quantity))) {
      warn(out, at.key(name),
           cat("fractional byte value ", quoted(quantity.text), " is invalid, must be an integer"));
    }
  }
}

void warn_container(Texts& out, const FieldPath& at, const corev1::Container& container) {
  std::map<std::string_view, std::size_t> names;
  for (std::size_t i = 0; i < container.env.size(); ++i) {
    if (!names.emplace(container.env[i].name, i).second) {
      warn(out, at.child("env").index(i),
           cat("hides previous definition of ", quoted(container.env[i].name),
               ", which may be dropped when using apply"));
    }
  }
  warn_fractional_bytes(out, at.child("resources", "limits"), container.resources.limits);
  warn_fractional_bytes(out, at.child("resources", "requests"), container.resources.requests);
}

void warn_port_conflicts(Texts& out, const FieldPath& at,
                         const std::vector<corev1::Container>& containers) {
  std::map<std::pair<std::int32_t, std::string>, std::string> seen;
  for (std::size_t c = 0; c < containers.size(); ++c) {
    for (std::size_t i = 0; i < containers[c].ports.size(); ++i) {
      const corev1::ContainerPort& port = containers[c].ports[i];
      if (port.container_port == 0) continue;
      const FieldPath here = at.index(c).child("ports").index(i);
      const auto [found, fresh] = seen.emplace(
          std::pair(port.container_port, cat(port.protocol, port.host_ip, port.host_port)),
          here.to_string());
      if (!fresh) warn(out, here, cat("duplicate port definition with ", found->second));
    }
  }
}

void warn_volume(Texts& out, const FieldPath& at, const corev1::Volume& volume) {
  const corev1::VolumeSource& source = volume.volume_source;
  const auto gone = [&](bool set, std::string_view field, std::string_view text) {
    if (set) warn(out, at.child(field), text);
  };
  gone(source.photon_persistent_disk.has_value(), "photonPersistentDisk",
       "deprecated in v1.11, non-functional in v1.16+");
  gone(source.git_repo.has_value(), "gitRepo",
       "deprecated in v1.11, and disabled by default in v1.33+");
  gone(source.scale_io.has_value(), "scaleIO", "deprecated in v1.16, non-functional in v1.22+");
  gone(source.flocker.has_value(), "flocker", "deprecated in v1.22, non-functional in v1.25+");
  gone(source.storageos.has_value(), "storageOS", "deprecated in v1.22, non-functional in v1.25+");
  gone(source.quobyte.has_value(), "quobyte", "deprecated in v1.22, non-functional in v1.25+");
  gone(source.glusterfs.has_value(), "glusterfs", "deprecated in v1.25, non-functional in v1.26+");
  gone(source.cephfs.has_value(), "cephfs", "deprecated in v1.28, non-functional in v1.31+");
  gone(source.rbd.has_value(), "rbd", "deprecated in v1.28, non-functional in v1.31+");
}

// Terms of affinity and anti-affinity between pods that match nothing.
template <class Affinity>
void warn_pod_terms(Texts& out, const FieldPath& at, const Affinity& affinity) {
  constexpr std::string_view kNone = "a null labelSelector results in matching no pod";
  const auto& required = affinity.required_during_scheduling_ignored_during_execution;
  const FieldPath required_at = at.child("requiredDuringSchedulingIgnoredDuringExecution");
  for (std::size_t i = 0; i < required.size(); ++i) {
    if (!required[i].label_selector) warn(out, required_at.index(i).child("labelSelector"), kNone);
  }
  const auto& preferred = affinity.preferred_during_scheduling_ignored_during_execution;
  const FieldPath preferred_at = at.child("preferredDuringSchedulingIgnoredDuringExecution");
  for (std::size_t i = 0; i < preferred.size(); ++i) {
    if (!preferred[i].pod_affinity_term.label_selector)
      warn(out, preferred_at.index(i).child("podAffinityTerm", "labelSelector"), kNone);
  }
}

void warn_pod(Texts& out, const FieldPath& base, const metav1::ObjectMeta& metadata,
              const corev1::PodSpec& spec) {
  const FieldPath at = base.child("spec");
  const FieldPath annotations = base.child("metadata", "annotations");
  for (const auto& [key, value] : metadata.annotations) {
    constexpr std::string_view kAppArmor = "container.apparmor.security.beta.kubernetes.io/";
    if (key.starts_with(kAppArmor)) {
      const bool covered = [&] {
        for (const corev1::Container& container : spec.containers) {
          if (container.name == key.substr(kAppArmor.size())) {
            return container.security_context &&
                   container.security_context->app_armor_profile.has_value();
          }
        }
        return false;
      }();
      if (!covered)
        warn(out, annotations.key(key),
             "deprecated since v1.30; use the \"appArmorProfile\" field instead");
    }
  }
  for (const auto& [key, value] : spec.node_selector)
    warn_label_key(out, at.child("nodeSelector").key(key), key);
  if (spec.affinity && spec.affinity->node_affinity) {
    const corev1::NodeAffinity& affinity = *spec.affinity->node_affinity;
    const FieldPath node = at.child("affinity", "nodeAffinity");
    if (affinity.required_during_scheduling_ignored_during_execution) {
      const auto& terms =
          affinity.required_during_scheduling_ignored_during_execution->node_selector_terms;
      const FieldPath here =
          node.child("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms");
      for (std::size_t i = 0; i < terms.size(); ++i) warn_node_term(out, here.index(i), terms[i]);
    }
    const auto& preferred = affinity.preferred_during_scheduling_ignored_during_execution;
    for (std::size_t i = 0; i < preferred.size(); ++i) {
      warn_node_term(out,
                     node.child("preferredDuringSchedulingIgnoredDuringExecution")
                         .index(i)
                         .child("preference"),
                     preferred[i].preference);
    }
  }
  for (std::size_t i = 0; i < spec.topology_spread_constraints.size(); ++i) {
    const corev1::TopologySpreadConstraint& constraint = spec.topology_spread_constraints[i];
    const FieldPath here = at.child("topologySpreadConstraints").index(i);
    warn_label_key(out, here.child("topologyKey"), constraint.topology_key);
    if (!constraint.label_selector)
      warn(out, here.child("labelSelector"), "a null labelSelector results in matching no pod");
  }
  if (metadata.annotations.contains("scheduler.alpha.kubernetes.io/critical-pod")) {
    warn(out, annotations.key("scheduler.alpha.kubernetes.io/critical-pod"),
         "non-functional in v1.16+; use the \"priorityClassName\" field instead");
  }
  for (const char* key : {"seccomp.security.alpha.kubernetes.io/pod"}) {
    if (metadata.annotations.contains(key)) {
      warn(out, annotations.key(key),
           "non-functional in v1.27+; use the \"seccompProfile\" field instead");
    }
  }
  for (std::size_t i = 0; i < spec.volumes.size(); ++i)
    warn_volume(out, at.child("volumes").index(i), spec.volumes[i]);
  std::set<std::string_view> addresses;
  for (std::size_t i = 0; i < spec.host_aliases.size(); ++i) {
    if (!addresses.insert(spec.host_aliases[i].ip).second) {
      warn(out, at.child("hostAliases").index(i).child("ip"),
           cat("duplicate ip ", quoted(spec.host_aliases[i].ip)));
    }
  }
  std::set<std::string_view> secrets;
  for (std::size_t i = 0; i < spec.image_pull_secrets.size(); ++i) {
    const std::string& name = spec.image_pull_secrets[i].name;
    const FieldPath here = at.child("imagePullSecrets").index(i).child("name");
    if (name.empty()) {
      warn(out, here, "invalid empty name \"\"");
    } else if (!secrets.insert(name).second) {
      warn(out, here, cat("duplicate name ", quoted(name)));
    }
  }
  for (std::size_t i = 0; i < spec.init_containers.size(); ++i) {
    warn_container(out, at.child("initContainers").index(i), spec.init_containers[i]);
  }
  for (std::size_t i = 0; i < spec.containers.size(); ++i) {
    warn_container(out, at.child("containers").index(i), spec.containers[i]);
  }
  warn_port_conflicts(out, at.child("containers"), spec.containers);
  warn_fractional_bytes(out, at.child("overhead"), spec.overhead);
  if (spec.termination_grace_period_seconds && *spec.termination_grace_period_seconds < 0) {
    warn(out, at.child("terminationGracePeriodSeconds"),
         "must be >= 0; negative values are invalid and will be treated as 1");
  }
  if (!spec.affinity) return;
  const FieldPath affinity = at.child("affinity");
  if (spec.affinity->pod_affinity)
    warn_pod_terms(out, affinity.child("podAffinity"), *spec.affinity->pod_affinity);
  if (spec.affinity->pod_anti_affinity)
    warn_pod_terms(out, affinity.child("podAntiAffinity"), *spec.affinity->pod_anti_affinity);
}

void warn_template(Texts& out, const FieldPath& at, const corev1::PodTemplateSpec& pod_template) {
  warn_pod(out, at, pod_template.metadata, pod_template.spec);
}

void warn_service(Texts& out, const corev1::Service& service, const corev1::Service* old) {
  const FieldPath at("spec");
  if (!service.spec.external_ips.empty() &&
      !(old && old->spec.external_ips == service.spec.external_ips)) {
    out.emplace_back(
        "spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  }
  const bool headless = service.spec.cluster_ip == "None";
  if (headless && service.spec.session_affinity == "ClientIP") {
    warn(out, at.child("SessionAffinity"), "ignored for headless services");
  }
  if (headless && !service.spec.load_balancer_ip.empty()) {
    out.emplace_back("spec.loadBalancerIP is ignored for headless services");
  }
}

void warn_volume_kind(Texts& out, const corev1::PersistentVolume& volume) {
  const FieldPath annotations = FieldPath("metadata").child("annotations");
  if (volume.metadata.annotations.contains("volume.beta.kubernetes.io/storage-class")) {
    warn(out, annotations.key("volume.beta.kubernetes.io/storage-class"),
         "deprecated since v1.8; use \"storageClassName\" attribute instead");
  }
  if (volume.metadata.annotations.contains("volume.beta.kubernetes.io/mount-options")) {
    warn(out, annotations.key("volume.beta.kubernetes.io/mount-options"),
         "deprecated since v1.31; use \"mountOptions\" attribute instead");
  }
  if (volume.spec.persistent_volume_reclaim_policy == "Recycle") {
    warn(out, FieldPath("spec").child("persistentVolumeReclaimPolicy"),
         "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use "
         "dynamic provisioning.");
  }
}

void warn_job(Texts& out, const FieldPath& at, const batchv1::JobSpec& spec) {
  if (spec.completion_mode == "Indexed" && spec.completions.value_or(0) > 100'000 &&
      spec.parallelism.value_or(0) > 10'000) {
    warn(out, at,
         "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher "
         "than 10^4, Kubernetes might "
         "not be able to track completedIndexes when a big number of indexes fail");
  }
  warn_template(out, at.child("template"), spec.template_);
}

// Names that pods take over should be able to be host names.
void warn_name(Texts& out, const metav1::ObjectMeta& metadata, std::string_view used_in) {
  const Messages why = dns1123_label(metadata.name);
  if (why.empty()) return;
  warn(out, FieldPath("metadata").child("name"),
       cat("this is used in ", used_in,
           ", which can result in surprising behavior; a DNS label is recommended: [",
           join(why, " "), "]"));
}

bool is_new_name_of_pods(const api::Object& object) {
  return object.as<appsv1::Deployment>() || object.as<appsv1::ReplicaSet>() ||
         object.as<corev1::ReplicationController>() || object.as<batchv1::Job>() ||
         object.as<batchv1::CronJob>();
}

// The spec of a kind that counts its changes is what it was.
bool has_same_spec(const api::Object& object, const api::Object* old) {
  const bool counts = object.as<appsv1::Deployment>() || object.as<appsv1::ReplicaSet>() ||
                      object.as<appsv1::DaemonSet>() || object.as<appsv1::StatefulSet>() ||
                      object.as<batchv1::Job>();
  return counts && old != nullptr &&
         api::metadata(object.desc(), object.data())->generation ==
             api::metadata(old->desc(), old->data())->generation;
}

}  // namespace

std::vector<std::string> warnings(const api::Object& object, const api::Object* old) {
  Texts out;
  if (has_same_spec(object, old)) return out;
  if (old == nullptr) {
    const auto& metadata = *api::metadata(object.desc(), object.data());
    if (object.as<corev1::Pod>()) warn_name(out, metadata, "the Pod's hostname");
    if (is_new_name_of_pods(object)) warn_name(out, metadata, "Pod names and hostnames");
  }
  const FieldPath spec("spec");
  if (const auto* pod = object.as<corev1::Pod>()) {
    warn_pod(out, FieldPath(), pod->metadata, pod->spec);
  } else if (const auto* deployment = object.as<appsv1::Deployment>()) {
    warn_template(out, spec.child("template"), deployment->spec.template_);
  } else if (const auto* replicas = object.as<appsv1::ReplicaSet>()) {
    warn_template(out, spec.child("template"), replicas->spec.template_);
  } else if (const auto* daemons = object.as<appsv1::DaemonSet>()) {
    warn_template(out, spec.child("template"), daemons->spec.template_);
  } else if (const auto* stateful = object.as<appsv1::StatefulSet>()) {
    warn_template(out, spec.child("template"), stateful->spec.template_);
  } else if (const auto* job = object.as<batchv1::Job>()) {
    warn_job(out, spec, job->spec);
  } else if (const auto* cron = object.as<batchv1::CronJob>()) {
    warn_job(out, spec.child("jobTemplate", "spec"), cron->spec.job_template.spec);
    if (cron->spec.schedule.find("TZ") != std::string::npos) {
      out.emplace_back(
          "CRON_TZ or TZ used in spec.spec.schedule is not officially supported, see "
          "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details");
    }
  } else if (const auto* service = object.as<corev1::Service>()) {
    warn_service(out, *service, old ? old->as<corev1::Service>() : nullptr);
  } else if (const auto* volume = object.as<corev1::PersistentVolume>()) {
    warn_volume_kind(out, *volume);
  } else if (const auto* node = object.as<corev1::Node>()) {
    if (!node->spec.external_id.empty()) {
      warn(out, spec.child("externalID"), "this field is deprecated, and is unused by Kubernetes");
    }
  } else if (const auto* ingress = object.as<networkingv1::Ingress>()) {
    if (ingress->metadata.annotations.contains("kubernetes.io/ingress.class")) {
      out.emplace_back(
          "annotation \"kubernetes.io/ingress.class\" is deprecated, please use "
          "'spec.ingressClassName' instead");
    }
  } else if (const auto* account = object.as<corev1::ServiceAccount>()) {
    if (account->metadata.annotations.contains("kubernetes.io/enforce-mountable-secrets")) {
      warn(
          out,
          FieldPath("metadata").child("annotations").key("kubernetes.io/enforce-mountable-secrets"),
          "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets");
    }
  } else if (const auto* pods = object.as<corev1::PodTemplate>()) {
    warn_template(out, FieldPath("template"), pods->template_);
  } else if (const auto* storage = object.as<storagev1::StorageClass>()) {
    for (std::size_t i = 0; i < storage->allowed_topologies.size(); ++i) {
      const auto& expressions = storage->allowed_topologies[i].match_label_expressions;
      for (std::size_t k = 0; k < expressions.size(); ++k) {
        warn_label_key(out,
                       FieldPath("allowedTopologies")
                           .index(i)
                           .child("matchLabelExpressions")
                           .index(k)
                           .child("key"),
                       expressions[k].key);
      }
    }
  }
  return out;
}

}  // namespace kpp::validation
