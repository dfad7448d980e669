#include "api/pod_amounts.h"

#include <algorithm>

#include "api/quantity.h"

namespace kpp::api {

Amounts pod_total(const corev1::PodSpec& spec, Amounts corev1::ResourceRequirements::* which) {
  std::map<std::string, Amount> running, starting;
  for (const auto& container : spec.containers) {
    for (const auto& [name, amount] : container.resources.*which)
      running[name] += Amount::from(amount);
  }
  std::map<std::string, Amount> sidecars;
  for (const auto& container : spec.init_containers) {
    const bool sidecar = container.restart_policy == "Always";
    for (const auto& [name, amount] : container.resources.*which) {
      if (sidecar) {
        running[name] += Amount::from(amount);
        sidecars[name] += Amount::from(amount);
        starting[name] = std::max(starting[name], sidecars[name]);
      } else {
        starting[name] = std::max(starting[name], Amount::from(amount) + sidecars[name]);
      }
    }
  }
  for (const auto& [name, amount] : starting) {
    auto& total = running[name];
    if (amount > total) total = amount;
  }
  if (spec.resources) {
    for (const auto& [name, amount] : (*spec.resources).*which)
      running[name] = Amount::from(amount);
  }
  for (const auto& [name, amount] : spec.overhead) {
    if (which == &corev1::ResourceRequirements::requests || running.contains(name))
      running[name] += Amount::from(amount);
  }
  Amounts out;
  for (const auto& [name, amount] : running) out[name] = amount.quantity();
  return out;
}

}  // namespace kpp::api
