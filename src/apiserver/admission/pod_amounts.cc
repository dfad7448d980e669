#include "apiserver/admission/pod_amounts.h"

#include <algorithm>

#include "api/quantity.h"

namespace kpp::apiserver {

// container.
Amounts pod_total(const corev1::PodSpec& spec, Amounts corev1::ResourceRequirements::* which) {
  std::map<std::string, api::Amount> running, starting;
  for (const auto& container : spec.containers) {
    for (const auto& [name, amount] : container.resources.*which)
      running[name] += api::Amount::from(amount);
  }
  std::map<std::string, api::Amount> sidecars;
  for (const auto& container : spec.init_containers) {
    const bool sidecar = container.restart_policy == "Always";
    for (const auto& [name, amount] : container.resources.*which) {
      if (sidecar) {
        running[name] += api::Amount::from(amount);
        sidecars[name] += api::Amount::from(amount);
        starting[name] = std::max(starting[name], sidecars[name]);
      } else {
        starting[name] = std::max(starting[name], api::Amount::from(amount) + sidecars[name]);
      }
    }
  }
  for (const auto& [name, amount] : starting) {
    auto& total = running[name];
    if (amount > total) total = amount;
  }
  if (spec.resources) {
    for (const auto& [name, amount] : (*spec.resources).*which)
      running[name] = api::Amount::from(amount);
  }
  for (const auto& [name, amount] : spec.overhead) {
    if (which == &corev1::ResourceRequirements::requests || running.contains(name))
      running[name] += api::Amount::from(amount);
  }
  Amounts out;
  for (const auto& [name, amount] : running) out[name] = amount.quantity();
  return out;
}

}  // namespace kpp::apiserver
