#include "api/corev1.h"
#include "api/schedulingv1.h"
#include "apiserver/admission/plugins.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kGroup = "scheduling.k8s.io";
constexpr std::string_view kResource = "priorityclasses";

// The class of pods that name none: the one of the least value among those that say globalDefault.
std::optional<schedulingv1::PriorityClass> default_class(const Lookup& lookup) {
  std::optional<schedulingv1::PriorityClass> out;
  lookup.each(kGroup, kResource, {}, [&](const CachedRef& object) {
    if (object->json->find("\"globalDefault\":true") == std::string::npos) return;
    auto parsed = api::parse_json<schedulingv1::PriorityClass>(*object->json);
    if (parsed && parsed->global_default && (!out || parsed->value < out->value))
      out = std::move(*parsed);
  });
  return out;
}

Status admit_pod(corev1::Pod& pod, const AdmissionRequest& request, const Lookup& lookup) {
  auto& spec = pod.spec;
  std::int32_t value = 0;
  std::optional<std::string> preemption = "PreemptLowerPriority";
  if (spec.priority_class_name.empty()) {
    if (const auto found = default_class(lookup)) {
      spec.priority_class_name = found->metadata.name;
      value = found->value;
      preemption = found->preemption_policy;
    }
  } else {
    const auto found =
        lookup.get<schedulingv1::PriorityClass>(kGroup, kResource, "", spec.priority_class_name);
    if (!found)
      return refused(request,
                     cat("no PriorityClass with name ", spec.priority_class_name, " was found"));
    value = found->value;
    preemption = found->preemption_policy;
  }
  if (spec.priority && *spec.priority != value) {
    return refused(
        request, cat("the integer value of priority (", *spec.priority,
                     ") must not be provided in pod spec; priority admission controller computed ",
                     value, " from the given PriorityClass name"));
  }
  spec.priority = value;
  if (!preemption) preemption = "PreemptLowerPriority";
  if (spec.preemption_policy && *spec.preemption_policy != *preemption) {
    return refused(
        request, cat("the string value of PreemptionPolicy (", *spec.preemption_policy,
                     ") must not be provided in pod spec; priority admission controller computed ",
                     *preemption, " from the given PriorityClass name"));
  }
  spec.preemption_policy = preemption;
  return {};
}

Status admit(api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (!is_about(request, "", "pods")) return {};
  auto& pod = *object.as<corev1::Pod>();
  if (request.operation == Operation::kCreate) return admit_pod(pod, request, lookup);
  if (request.operation != Operation::kUpdate) return {};
  // What was computed when the pod was made stays with it where an update leaves it out.
  const auto& old = request.old_object->as<corev1::Pod>()->spec;
  if (!pod.spec.priority) pod.spec.priority = old.priority;
  if (!pod.spec.preemption_policy) pod.spec.preemption_policy = old.preemption_policy;
  return {};
}

Status check(const api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (!is_about(request, kGroup, kResource)) return {};
  const auto& wanted = *object.as<schedulingv1::PriorityClass>();
  if (!wanted.global_default) return {};
  const auto found = default_class(lookup);
  if (!found) return {};
  const bool itself =
      request.operation == Operation::kUpdate && found->metadata.name == wanted.metadata.name;
  if (itself) return {};
  return refused(request, cat("PriorityClass ", found->metadata.name,
                              " is already marked as default. Only one default can exist"));
}

}  // namespace

Plugin priority_plugin() { return {"Priority", admit, check, nullptr}; }

}  // namespace kpp::apiserver
