// What may change of a pod, and by which of its subresources.
#include <algorithm>
#include <set>

#include "api/json_codec.h"
#include "validation/core/containers.h"
#include "validation/core/pods.h"
#include "validation/diff.h"
#include "validation/go_value.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

std::string text_of(const corev1::PodSpec& spec) {
  return go_json_indented(corev1::PodSpec::desc(), &spec);
}

// False if containers were added or removed.
bool check_images(FieldErrors& errors, const FieldPath& at,
                  const std::vector<corev1::Container>& now,
                  const std::vector<corev1::Container>& old, std::string_view what) {
  if (now.size() != old.size()) {
    errors.forbidden(at, cat("pod updates may not add or remove ", what));
    return false;
  }
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i].image.empty()) errors.required(at.index(i).child("image"));
  }
  return true;
}

void check_deadline(FieldErrors& errors, const FieldPath& at, const corev1::Pod& pod,
                    const corev1::Pod& old) {
  const auto& now = pod.spec.active_deadline_seconds;
  const auto& before = old.spec.active_deadline_seconds;
  if (now) {
    if (*now < 0 || *now > 2147483647) {
      errors.invalid(at, *now, in_range(*now, 0, 2147483647).front());
    } else if (before && *before < *now) {
      errors.invalid(at, *now, "must be less than or equal to previous value");
    }
  } else if (before) {
    errors.invalid(at, nullptr, "must not update from a positive integer to nil value");
  }
}

bool only_additions(const std::vector<corev1::Toleration>& now,
                    const std::vector<corev1::Toleration>& old) {
  return std::all_of(old.begin(), old.end(), [&](const corev1::Toleration& was) {
    return std::any_of(now.begin(), now.end(), [&](const corev1::Toleration& is) {
      corev1::Toleration same = is;
      // Only the seconds of a toleration may change.
      same.toleration_seconds = was.toleration_seconds;
      return api::equal(same, was);
    });
  });
}

void check_gates(FieldErrors& errors, const FieldPath& at, const corev1::Pod& pod,
                 const corev1::Pod& old) {
  for (std::size_t i = 0; i < pod.spec.scheduling_gates.size(); ++i) {
    const std::string& name = pod.spec.scheduling_gates[i].name;
    const bool had = std::any_of(old.spec.scheduling_gates.begin(), old.spec.scheduling_gates.end(),
                                 [&](const auto& gate) { return gate.name == name; });
    if (!had) {
      errors.forbidden(at.index(i).child("name"),
                       cat("only deletion is allowed, but found new scheduling gate '", name, "'"));
    }
  }
}

// The new spec with everything that may be changed set back to what it was.
corev1::PodSpec munged(const corev1::Pod& pod, const corev1::Pod& old) {
  corev1::PodSpec out = pod.spec;
  for (std::size_t i = 0; i < out.containers.size(); ++i)
    out.containers[i].image = old.spec.containers[i].image;
  for (std::size_t i = 0; i < out.init_containers.size(); ++i)
    out.init_containers[i].image = old.spec.init_containers[i].image;
  if (old.spec.active_deadline_seconds || out.active_deadline_seconds) {
    out.active_deadline_seconds = old.spec.active_deadline_seconds;
  }
  out.scheduling_gates = old.spec.scheduling_gates;
  out.tolerations = old.spec.tolerations;
  // A negative grace period of old may become one second.
  if (old.spec.termination_grace_period_seconds && *old.spec.termination_grace_period_seconds < 0 &&
      out.termination_grace_period_seconds == 1) {
    out.termination_grace_period_seconds = old.spec.termination_grace_period_seconds;
  }
  out.service_account = old.spec.service_account;
  if (!old.spec.scheduling_gates.empty()) {
    // A pod that waits at gates may be narrowed: keys added to the node selector, terms to its
    // required affinity.
    const bool narrowed = std::all_of(
        old.spec.node_selector.begin(), old.spec.node_selector.end(), [&](const auto& entry) {
          const auto found = out.node_selector.find(entry.first);
          return found != out.node_selector.end() && found->second == entry.second;
        });
    if (narrowed) out.node_selector = old.spec.node_selector;
    const bool had_affinity = old.spec.affinity && old.spec.affinity->node_affinity;
    if (!had_affinity && out.affinity) {
      out.affinity->node_affinity.reset();
      if (!old.spec.affinity && !out.affinity->pod_affinity && !out.affinity->pod_anti_affinity)
        out.affinity.reset();
    }
  }
  return out;
}

void check_spec_change(FieldErrors& errors, const corev1::Pod& pod, const corev1::Pod& old) {
  const FieldPath at("spec");
  bool same_lists = check_images(errors, at.child("containers"), pod.spec.containers,
                                 old.spec.containers, "containers");
  if (!same_lists) return;
  same_lists = check_images(errors, at.child("initContainers"), pod.spec.init_containers,
                            old.spec.init_containers, "containers");
  if (!same_lists) return;
  const std::size_t before = errors.size();
  check_deadline(errors, at.child("activeDeadlineSeconds"), pod, old);
  if (errors.size() != before) return;
  if (!only_additions(pod.spec.tolerations, old.spec.tolerations)) {
    errors.forbidden(at.child("tolerations"),
                     "existing toleration can not be modified except its tolerationSeconds");
  }
  check_gates(errors, at.child("schedulingGates"), pod, old);
  if (errors.size() != before) return;
  const corev1::PodSpec now = munged(pod, old);
  if (api::equal(now, old.spec)) return;
  errors.forbidden(at,
                   cat("pod updates may not change fields other than `spec.containers[*].image`,"
                       "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec."
                       "tolerations` (only additions to "
                       "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be "
                       "set to 1 if it was "
                       "previously negative)\n",
                       unified_diff(text_of(old.spec), text_of(now))));
}

void check_ephemeral_change(FieldErrors& errors, const corev1::Pod& pod, const corev1::Pod& old) {
  const FieldPath at = FieldPath("spec").child("ephemeralContainers");
  check_ephemeral_containers(errors, at, pod.spec);
  if (pod.spec.os && pod.spec.os->name == "windows") return;
  for (const corev1::EphemeralContainer& was : old.spec.ephemeral_containers) {
    const std::string& name = was.ephemeral_container_common.name;
    const auto found =
        std::find_if(pod.spec.ephemeral_containers.begin(), pod.spec.ephemeral_containers.end(),
                     [&](const auto& c) { return c.ephemeral_container_common.name == name; });
    if (found == pod.spec.ephemeral_containers.end()) {
      errors.forbidden(
          at, cat("existing ephemeral containers ", quoted(name), " may not be removed\n"));
    } else if (!api::equal(*found, was)) {
      const auto text = [](const corev1::EphemeralContainer& c) {
        return go_json_indented(corev1::EphemeralContainer::desc(), &c);
      };
      errors.forbidden(at, cat("existing ephemeral containers ", quoted(name),
                               " may not be changed\n", unified_diff(text(was), text(*found))));
    }
  }
}

}  // namespace

void validate_change(FieldErrors& errors, const corev1::Pod& pod, const corev1::Pod& old,
                     const Context& context) {
  if (context.is_status) return check_pod_status_change(errors, pod, old);
  check_metadata_update(errors, pod.metadata, old.metadata);
  if (context.subresource == "ephemeralcontainers") return check_ephemeral_change(errors, pod, old);
  check_pod(errors, pod);
  if (context.subresource == "resize") return check_resize_change(errors, pod, old);
  check_spec_change(errors, pod, old);
}

}  // namespace kpp::validation
