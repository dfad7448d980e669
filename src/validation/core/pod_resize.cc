// Changes of a running pod's resources.
#include <algorithm>

#include "api/json_codec.h"
#include "validation/amounts.h"
#include "validation/core/pods.h"

namespace kpp::validation {
namespace {

bool is_resizable(std::string_view name) { return name == "cpu" || name == "memory"; }

// The resources of `now` with cpu and memory as they were.
corev1::ResourceRequirements fixed_part(const corev1::ResourceRequirements& now,
                                        const corev1::ResourceRequirements& old) {
  corev1::ResourceRequirements out = now;
  const auto put_back = [](auto& list, const auto& before) {
    for (const char* name : {"cpu", "memory"}) {
      const auto found = before.find(name);
      if (found == before.end()) {
        list.erase(name);
      } else {
        list[name] = found->second;
      }
    }
  };
  put_back(out.limits, old.limits);
  put_back(out.requests, old.requests);
  return out;
}

}  // namespace

std::string quality_of_service(const corev1::PodSpec& spec) {
  bool any = false;
  bool guaranteed = true;
  const auto each = [&](const std::vector<corev1::Container>& containers) {
    for (const corev1::Container& container : containers) {
      for (const char* name : {"cpu", "memory"}) {
        const auto request = container.resources.requests.find(name);
        const auto limit = container.resources.limits.find(name);
        const bool has_request =
            request != container.resources.requests.end() && !amount_of(request->second).is_zero();
        const bool has_limit =
            limit != container.resources.limits.end() && !amount_of(limit->second).is_zero();
        any = any || has_request || has_limit;
        if (!has_limit || (has_request && amount_of(request->second) != amount_of(limit->second)))
          guaranteed = false;
      }
    }
  };
  each(spec.containers);
  each(spec.init_containers);
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

void check_resize_change(FieldErrors& errors, const corev1::Pod& pod, const corev1::Pod& old) {
  const FieldPath at("spec");
  if (pod.spec.containers.size() != old.spec.containers.size()) {
    errors.forbidden(at.child("containers"), "containers may not be added or removed on resize");
    return;
  }
  const std::string now_class = quality_of_service(pod.spec);
  const std::string old_class = quality_of_service(old.spec);
  if (now_class != old_class) {
    // The original names the class that the status still has.
    errors.invalid(at, old_class, "Pod QOS Class may not change as a result of resizing");
  }
  if (old.spec.os && old.spec.os->name == "windows")
    errors.forbidden(at, "windows pods cannot be resized");
  corev1::PodSpec now = pod.spec;
  for (std::size_t i = 0; i < now.containers.size(); ++i) {
    now.containers[i].resources =
        fixed_part(now.containers[i].resources, old.spec.containers[i].resources);
    const auto removed = [&](const auto& list, const auto& before, std::string_view what) {
      for (const auto& [name, quantity] : before) {
        if (is_resizable(name) && !list.contains(name)) {
          errors.forbidden(at.child("containers").index(i).child("resources", what),
                           cat("resource ", what, " cannot be removed"));
          return;
        }
      }
    };
    removed(pod.spec.containers[i].resources.limits, old.spec.containers[i].resources.limits,
            "limits");
    removed(pod.spec.containers[i].resources.requests, old.spec.containers[i].resources.requests,
            "requests");
  }
  for (std::size_t i = 0; i < std::min(now.init_containers.size(), old.spec.init_containers.size());
       ++i) {
    now.init_containers[i].resources =
        fixed_part(now.init_containers[i].resources, old.spec.init_containers[i].resources);
  }
  if (!api::equal(now, old.spec)) errors.forbidden(at, "only cpu and memory resources are mutable");
}

}  // namespace kpp::validation
