#include <map>

#include "api/appsv1.h"
#include "api/batchv1.h"
#include "api/corev1.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/admission/pod_security_checks.h"
#include "apiserver/audit/trail.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kPrefix = "pod-security.kubernetes.io/";

// A level and the version of the standards that it is of.
struct Policy {
  SecurityLevel level = SecurityLevel::kPrivileged;
  std::string version = "latest";

  std::string to_string() const {
    static constexpr std::string_view kNames[] = {"privileged", "baseline", "restricted"};
    return cat(kNames[static_cast<int>(level)], ":", version);
  }
  friend bool operator==(const Policy&, const Policy&) = default;
};

struct NamespacePolicy {
  Policy enforce, audit, warn;
  std::vector<StatusCause> bad_labels;
};

std::optional<SecurityLevel> parse_level(std::string_view text) {
  if (text == "privileged") return SecurityLevel::kPrivileged;
  if (text == "baseline") return SecurityLevel::kBaseline;
  if (text == "restricted") return SecurityLevel::kRestricted;
  return std::nullopt;
}

bool good_version(std::string_view text) {
  if (text == "latest") return true;
  if (!text.starts_with("v1.") || text.size() < 4 || text.size() > 6) return false;
  const auto minor = text.substr(3);
  return minor.find_first_not_of("0123456789") == std::string_view::npos &&
         (minor.size() == 1 || minor[0] != '0');
}

// Reads the labels of one mode; false: the mode is not set.
bool read_mode(const std::map<std::string, std::string>& labels, std::string_view mode,
               Policy& policy, std::vector<StatusCause>& bad) {
  const auto complain = [&](const std::string& key, const std::string& value,
                            std::string_view why) {
    bad.push_back({"FieldValueInvalid", cat("Invalid value: ", quoted(value), ": ", why),
                   cat("metadata.labels[", key, "]")});
  };
  const std::string level_key = cat(kPrefix, mode), version_key = cat(kPrefix, mode, "-version");
  bool set = false;
  if (const auto it = labels.find(level_key); it != labels.end()) {
    const auto level = parse_level(it->second);
    if (!level) complain(level_key, it->second, "must be one of privileged, baseline, restricted");
    // What cannot be read is taken for the strictest.
    policy.level = level.value_or(SecurityLevel::kRestricted);
    set = true;
  }
  if (const auto it = labels.find(version_key); it != labels.end()) {
    if (good_version(it->second)) {
      policy.version = it->second;
    } else {
      complain(version_key, it->second, "must be \"latest\" or \"v1.x\"");
    }
  }
  return set;
}

NamespacePolicy policy_of(const std::map<std::string, std::string>& labels) {
  NamespacePolicy out;
  read_mode(labels, "enforce", out.enforce, out.bad_labels);
  read_mode(labels, "audit", out.audit, out.bad_labels);
  // Who enforces is warned of the same.
  if (!read_mode(labels, "warn", out.warn, out.bad_labels)) out.warn = out.enforce;
  return out;
}

std::string violations_text(const std::vector<SecurityViolation>& violations) {
  std::vector<std::string> parts;
  for (const auto& v : violations) parts.push_back(cat(v.reason, " (", v.detail, ")"));
  return join(parts, ", ");
}

void warn(const AdmissionRequest& request, std::string text) {
  if (request.warnings != nullptr) request.warnings->push_back(std::move(text));
}

void warn_of_pod(const Policy& policy, const metav1::ObjectMeta& metadata,
                 const corev1::PodSpec& spec, const AdmissionRequest& request) {
  const auto violations = security_violations(policy.level, metadata, spec);
  if (violations.empty()) return;
  warn(request, cat("would violate PodSecurity ", quoted(policy.to_string()), ": ",
                    violations_text(violations)));
}

void note_violations(const Policy& policy, const metav1::ObjectMeta& metadata,
                     const corev1::PodSpec& spec, const AdmissionRequest& request) {
  if (request.audit == nullptr) return;
  const auto violations = security_violations(policy.level, metadata, spec);
  if (violations.empty()) return;
  request.audit->annotate("pod-security.kubernetes.io/audit-violations",
                          cat("would violate PodSecurity ", quoted(policy.to_string()), ": ",
                              violations_text(violations)));
}

// --- namespaces

// Tells which pods that are there already would not be let in any more.
void warn_of_present_pods(const std::string& name, const Policy& policy,
                          const AdmissionRequest& request, const Lookup& lookup) {
  struct Group {
    std::string reasons, first;
    int others = 0;
  };
  std::vector<Group> groups;
  lookup.each("", "pods", name, [&](const CachedRef& object) {
    const auto pod = api::parse_json<corev1::Pod>(*object->json);
    if (!pod) return;
    const auto violations = security_violations(policy.level, pod->metadata, pod->spec);
    if (violations.empty()) return;
    std::vector<std::string> reasons;
    for (const auto& v : violations) reasons.push_back(v.reason);
    std::string text = join(reasons, ", ");
    for (auto& group : groups) {
      if (group.reasons != text) continue;
      ++group.others;
      return;
    }
    groups.push_back({std::move(text), pod->metadata.name, 0});
  });
  if (groups.empty()) return;
  warn(request, cat("existing pods in namespace ", quoted(name),
                    " violate the new PodSecurity enforce level ", quoted(policy.to_string())));
  for (const auto& group : groups) {
    const std::string more =
        group.others == 0
            ? std::string()
            : cat(" (and ", group.others, group.others == 1 ? " other pod)" : " other pods)");
    warn(request, cat(group.first, more, ": ", group.reasons));
  }
}

Status check_namespace(const corev1::Namespace& ns, const AdmissionRequest& request,
                       const Lookup& lookup) {
  if (!request.subresource.empty()) return {};
  const NamespacePolicy now = policy_of(ns.metadata.labels);
  const auto* old_ns =
      request.old_object == nullptr ? nullptr : request.old_object->as<corev1::Namespace>();
  const NamespacePolicy old =
      old_ns == nullptr ? NamespacePolicy() : policy_of(old_ns->metadata.labels);
  const bool new_complaint = now.bad_labels.size() > old.bad_labels.size() ||
                             (!now.bad_labels.empty() &&
                              (old_ns == nullptr || ns.metadata.labels != old_ns->metadata.labels));
  if (new_complaint) {
    StatusDetails details;
    details.name = ns.metadata.name;
    details.kind = "Namespace";
    details.causes = now.bad_labels;
    std::vector<std::string> texts;
    for (const auto& cause : now.bad_labels) texts.push_back(cat(cause.field, ": ", cause.message));
    return Status(Reason::kInvalid,
                  cat("Namespace ", quoted(ns.metadata.name), " is invalid: ", one_text(texts)),
                  std::move(details));
  }
  if (old_ns == nullptr || now.enforce == old.enforce ||
      now.enforce.level == SecurityLevel::kPrivileged)
    return {};
  if (now.enforce.level < old.enforce.level && now.enforce.version == old.enforce.version)
    return {};
  warn_of_present_pods(ns.metadata.name, now.enforce, request, lookup);
  return {};
}

// --- pods and what makes them

// Whether an update of a pod changes what the standards look at.
bool matters(const corev1::Pod& now, const corev1::Pod& old) {
  const auto same_images = [](const auto& a, const auto& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i].name != b[i].name || a[i].image != b[i].image) return false;
    }
    return true;
  };
  return !same_images(now.spec.containers, old.spec.containers) ||
         !same_images(now.spec.init_containers, old.spec.init_containers) ||
         now.spec.ephemeral_containers.size() != old.spec.ephemeral_containers.size();
}

Status check_pod(const corev1::Pod& pod, const NamespacePolicy& policy,
                 const AdmissionRequest& request) {
  if (request.audit != nullptr) {
    request.audit->annotate("pod-security.kubernetes.io/enforce-policy",
                            policy.enforce.to_string());
  }
  note_violations(policy.audit, pod.metadata, pod.spec, request);
  const auto violations = security_violations(policy.enforce.level, pod.metadata, pod.spec);
  if (!violations.empty()) {
    return refused(request, cat("violates PodSecurity ", quoted(policy.enforce.to_string()), ": ",
                                violations_text(violations)));
  }
  warn_of_pod(policy.warn, pod.metadata, pod.spec, request);
  return {};
}

const corev1::PodTemplateSpec* template_of(const api::Object& object) {
  if (const auto* o = object.as<appsv1::Deployment>()) return &o->spec.template_;
  if (const auto* o = object.as<appsv1::ReplicaSet>()) return &o->spec.template_;
  if (const auto* o = object.as<appsv1::StatefulSet>()) return &o->spec.template_;
  if (const auto* o = object.as<appsv1::DaemonSet>()) return &o->spec.template_;
  if (const auto* o = object.as<batchv1::Job>()) return &o->spec.template_;
  if (const auto* o = object.as<batchv1::CronJob>()) return &o->spec.job_template.spec.template_;
  if (const auto* o = object.as<corev1::ReplicationController>()) return o->spec.template_.get();
  if (const auto* o = object.as<corev1::PodTemplate>()) return &o->template_;
  return nullptr;
}

Status check(const api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (request.operation != Operation::kCreate && request.operation != Operation::kUpdate) return {};
  if (const auto* ns = object.as<corev1::Namespace>()) return check_namespace(*ns, request, lookup);
  const auto* pod = object.as<corev1::Pod>();
  const corev1::PodTemplateSpec* pod_template = pod == nullptr ? template_of(object) : nullptr;
  if (pod == nullptr && pod_template == nullptr) return {};
  const bool looked_at = request.subresource.empty() ||
                         (pod != nullptr && request.subresource == "ephemeralcontainers");
  if (!looked_at) return {};
  const auto ns = lookup.get<corev1::Namespace>("", "namespaces", "", request.namespace_);
  if (!ns) return {};
  const NamespacePolicy policy = policy_of(ns->metadata.labels);
  if (pod_template != nullptr) {
    note_violations(policy.audit, pod_template->metadata, pod_template->spec, request);
    warn_of_pod(policy.warn, pod_template->metadata, pod_template->spec, request);
    return {};
  }
  if (request.old_object != nullptr && !matters(*pod, *request.old_object->as<corev1::Pod>()))
    return {};
  return check_pod(*pod, policy, request);
}

}  // namespace

Plugin pod_security_plugin() { return {"PodSecurity", nullptr, check, nullptr}; }

}  // namespace kpp::apiserver
