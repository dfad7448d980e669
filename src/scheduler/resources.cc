#include "scheduler/resources.h"

#include <algorithm>

#include "api/quantity.h"

namespace kpp::scheduler {

namespace {

constexpr std::int64_t kDefaultMilliCpu = 100;
constexpr std::int64_t kDefaultMemory = 200LL * 1024 * 1024;

Resources container_requests(const corev1::Container& container, bool with_defaults) {
  const auto& requests = container.resources.requests;
  Resources out = resources_of(requests);
  if (with_defaults) {
    if (!requests.contains("cpu")) out.milli_cpu = kDefaultMilliCpu;
    if (!requests.contains("memory")) out.memory = kDefaultMemory;
  }
  return out;
}

Resources requests(const corev1::Pod& pod, bool with_defaults) {
  const auto& spec = pod.spec;
  const bool pod_cpu = spec.resources && spec.resources->requests.contains("cpu");
  const bool pod_memory = spec.resources && spec.resources->requests.contains("memory");
  const bool defaults = with_defaults && !pod_cpu && !pod_memory;
  Resources total;
  for (const auto& container : spec.containers) total.add(container_requests(container, defaults));
  Resources sidecars;  // that have started before the init container at hand
  Resources starting;
  for (const auto& container : spec.init_containers) {
    Resources needs = container_requests(container, defaults);
    if (container.restart_policy.value_or("") == "Always") {
      total.add(needs);
      sidecars.add(needs);
      starting.take_max(sidecars);
    } else {
      needs.add(sidecars);
      starting.take_max(needs);
    }
  }
  total.take_max(starting);
  if (spec.resources) {
    const auto whole = resources_of(spec.resources->requests);
    if (pod_cpu) total.milli_cpu = whole.milli_cpu;
    if (pod_memory) total.memory = whole.memory;
    for (const auto& [name, amount] : whole.others) {
      if (name.starts_with("hugepages-")) total.others[name] = amount;
    }
  }
  total.add(resources_of(spec.overhead));
  return total;
}

}  // namespace

void Resources::set(const std::string& name, const api::Quantity& amount) {
  const auto number = api::Amount::from(amount);
  if (name == "cpu") {
    milli_cpu = number.milli_value();
  } else if (name == "memory") {
    memory = number.value();
  } else if (name == "ephemeral-storage") {
    ephemeral_storage = number.value();
  } else {
    others[name] = number.value();
  }
}

void Resources::add(const Resources& other) {
  milli_cpu += other.milli_cpu;
  memory += other.memory;
  ephemeral_storage += other.ephemeral_storage;
  for (const auto& [name, amount] : other.others) others[name] += amount;
}

void Resources::subtract(const Resources& other) {
  milli_cpu -= other.milli_cpu;
  memory -= other.memory;
  ephemeral_storage -= other.ephemeral_storage;
  for (const auto& [name, amount] : other.others) others[name] -= amount;
}

void Resources::take_max(const Resources& other) {
  milli_cpu = std::max(milli_cpu, other.milli_cpu);
  memory = std::max(memory, other.memory);
  ephemeral_storage = std::max(ephemeral_storage, other.ephemeral_storage);
  for (const auto& [name, amount] : other.others) {
    auto& ours = others[name];
    ours = std::max(ours, amount);
  }
}

bool Resources::empty() const {
  return milli_cpu == 0 && memory == 0 && ephemeral_storage == 0 &&
         std::all_of(others.begin(), others.end(),
                     [](const auto& entry) { return entry.second == 0; });
}

Resources resources_of(const std::map<std::string, api::Quantity>& list) {
  Resources out;
  for (const auto& [name, amount] : list) out.set(name, amount);
  return out;
}

Resources pod_requests(const corev1::Pod& pod) { return requests(pod, false); }
Resources pod_requests_for_score(const corev1::Pod& pod) { return requests(pod, true); }

}  // namespace kpp::scheduler
