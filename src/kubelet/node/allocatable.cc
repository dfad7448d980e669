#include "kubelet/node/allocatable.h"

#include <algorithm>

#include "api/quantity.h"

namespace kpp::kubelet {
namespace {

using Format = api::Amount::Format;

api::Quantity bytes(std::int64_t value) {
  return api::Amount::of(value, Format::kBinarySi).quantity();
}
api::Quantity kib(std::int64_t value) { return api::Quantity(cat(value / 1024, "Ki")); }

std::string hugepage_name(std::int64_t size_kib) {
  if (size_kib % (1024 * 1024) == 0) return cat("hugepages-", size_kib / (1024 * 1024), "Gi");
  if (size_kib % 1024 == 0) return cat("hugepages-", size_kib / 1024, "Mi");
  return cat("hugepages-", size_kib, "Ki");
}

std::int32_t room_for_pods(const Machine& machine, const KubeletOptions& options) {
  if (options.pods_per_core <= 0) return options.max_pods;
  return std::min(options.max_pods, options.pods_per_core * machine.cpus);
}

// Takes from the list what is kept back; nothing goes below zero.
void take_away(ResourceList& list, const std::map<std::string, std::string>& kept) {
  for (const auto& [resource, text] : kept) {
    const auto it = list.find(resource);
    const auto amount = api::Amount::parse(text);
    if (it == list.end() || !amount || amount->is_zero()) continue;
    const api::Amount have = api::Amount::from(it->second);
    it->second = (*amount >= have ? api::Amount::of(0, have.format()) : have - *amount).quantity();
  }
}

void take_bytes(ResourceList& list, const std::string& resource, std::int64_t less) {
  if (less == 0) return;
  auto& value = list[resource];
  value = bytes(std::max<std::int64_t>(quantity_value(value) - less, 0));
}

}  // namespace

std::int64_t threshold_bytes(std::string_view threshold, std::int64_t capacity) {
  const bool percent = threshold.ends_with('%');
  if (percent) threshold.remove_suffix(1);
  const auto amount = api::Amount::parse(threshold);
  if (!amount) return 0;
  if (!percent) return amount->value();
  return static_cast<std::int64_t>(static_cast<double>(capacity) * (amount->to_double() / 100));
}

NodeResources node_resources(const Machine& machine, const KubeletOptions& options) {
  NodeResources out;
  auto& capacity = out.capacity;
  capacity["cpu"] = api::Quantity(cat(machine.cpus));
  capacity["memory"] = kib(machine.memory_bytes);
  capacity["ephemeral-storage"] = kib(machine.disk_bytes);
  capacity["pods"] = api::Quantity(cat(room_for_pods(machine, options)));
  std::int64_t in_hugepages = 0;
  for (const auto& pages : machine.hugepages) {
    const std::int64_t size = pages.size_kib * pages.count * 1024;
    in_hugepages += size;
    capacity[hugepage_name(pages.size_kib)] = size == 0 ? api::Quantity("0") : kib(size);
  }
  out.enforced = capacity;
  take_away(out.enforced, options.system_reserved);
  take_away(out.enforced, options.kube_reserved);
  take_bytes(out.enforced, "memory", in_hugepages);
  out.allocatable = out.enforced;
  const std::pair<const char*, std::pair<const char*, std::int64_t>> kFree[] = {
      {"memory.available", {"memory", machine.memory_bytes}},
      {"nodefs.available", {"ephemeral-storage", machine.disk_bytes}}};
  for (const auto& [signal, what] : kFree) {
    const auto threshold = options.eviction_hard.find(signal);
    if (threshold == options.eviction_hard.end()) continue;
    take_bytes(out.allocatable, what.first, threshold_bytes(threshold->second, what.second));
  }
  return out;
}

}  // namespace kpp::kubelet
