#include "apiserver/registry/pod_qos.h"

#include <map>
#include <string>

#include "api/quantity.h"

namespace kpp::apiserver {
namespace {

struct Totals {
  bool any = false;        // something is requested or limited
  bool guaranteed = true;  // every container limits both, and requests what it limits
};

bool counts(const std::string& name) { return name == "cpu" || name == "memory"; }

void add(const corev1::ResourceRequirements& resources, Totals& totals) {
  int limited = 0;
  for (const auto& [name, quantity] : resources.limits) {
    if (!counts(name) || api::Amount::from(quantity).sign() <= 0) continue;
    totals.any = true;
    ++limited;
    const auto request = resources.requests.find(name);
    if (request == resources.requests.end() || api::compare(request->second, quantity) != 0)
      totals.guaranteed = false;
  }
  for (const auto& [name, quantity] : resources.requests) {
    if (counts(name) && api::Amount::from(quantity).sign() > 0) totals.any = true;
  }
  if (limited < 2) totals.guaranteed = false;
}

}  // namespace

std::string_view qos_class(const corev1::Pod& pod) {
  Totals totals;
  if (pod.spec.resources) {
    add(*pod.spec.resources, totals);
  } else {
    for (const auto& container : pod.spec.containers) add(container.resources, totals);
    for (const auto& container : pod.spec.init_containers) add(container.resources, totals);
  }
  if (!totals.any) return "BestEffort";
  return totals.guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace kpp::apiserver
