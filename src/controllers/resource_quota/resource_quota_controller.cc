#include "controllers/resource_quota/resource_quota_controller.h"

#include <algorithm>

#include "controllers/served_types.h"

namespace kpp::controllers {
namespace {

constexpr Duration kCountAgain = std::chrono::minutes(5);
constexpr Duration kSyncTimeout = std::chrono::seconds(30);
// What was created is counted by the API server before it is stored: looking too early would take
// it away again.
constexpr Duration kCreationSettles = std::chrono::seconds(1);

std::string_view group_of(const api::TypeDesc& type) { return type.gvks.front().group; }

bool is_whole(const api::TypeDesc& type) {
  return &type == &corev1::Pod::desc() || &type == &corev1::Service::desc() ||
         &type == &corev1::PersistentVolumeClaim::desc();
}

}  // namespace

ResourceQuotaController::ResourceQuotaController(ControllerContext context)
    : Controller(context, "resourcequota-controller", "resourcequota-controller"),
      quotas_(watch<corev1::ResourceQuota>([this](const auto& before, const auto& after) {
        if (after && (!before || before->spec.hard != after->spec.hard))
          queue().add(api::key_of(*after));
      })) {
  for (const auto* type : served_types({"create", "list", "watch", "delete"})) {
    if (type->resource->namespaced) add_source(*type);
  }
}

void ResourceQuotaController::add_source(const api::TypeDesc& type) {
  const bool whole = is_whole(type);
  auto& informer = whole ? informers().get(type) : informers().get_metadata(type);
  const Counted counted{&type, &informer, whole};
  informer.add_handler([this, counted](const auto& before, const auto& after) {
    on_change(counted, before, after);
  });
  if (whole) wait_for(informer);
  sources_.push_back(counted);
}

void ResourceQuotaController::on_change(const Counted& counted,
                                        const client::InformerBase::Ref& before,
                                        const client::InformerBase::Ref& after) {
  const auto& meta = *api::metadata(*counted.type, (after ? after : before)->data());
  if (!before) return enqueue_quotas(meta.namespace_, counted, kCreationSettles);
  if (after) {
    if (!counted.whole) return;
    const auto plural = counted.type->resource->plural;
    const auto group = group_of(*counted.type);
    if (api::quota_usage(*before, plural, group) == api::quota_usage(*after, plural, group)) return;
  }
  enqueue_quotas(meta.namespace_, counted, Duration::zero());
}

void ResourceQuotaController::enqueue_quotas(const std::string& namespace_, const Counted& counted,
                                             Duration after) {
  for (const auto& quota : quotas_.in_namespace(namespace_)) {
    const auto& hard = quota->spec.hard;
    const bool limits = std::any_of(hard.begin(), hard.end(), [&](const auto& entry) {
      return api::quota_counts(entry.first, counted.type->resource->plural,
                               group_of(*counted.type));
    });
    if (!limits) continue;
    if (after == Duration::zero()) {
      queue().add(api::key_of(*quota));
    } else {
      queue().add_after(api::key_of(*quota), after);
    }
  }
}

async::Task<void> ResourceQuotaController::run_beside(async::StopToken stop) {
  // What is counted by number alone is counted again when it is all known.
  const TimePoint deadline = executor().steady() + kSyncTimeout;
  for (const auto& counted : sources_) {
    if (executor().steady() >= deadline) break;
    const bool synced =
        co_await counted.informer->wait_synced_for(deadline - executor().steady(), stop);
    if (!synced && stop.stop_requested()) co_return;
  }
  while (true) {
    for (const auto& quota : quotas_.all()) queue().add(api::key_of(*quota));
    const bool waited = co_await async::sleep_for(executor(), kCountAgain, stop);
    if (!waited) co_return;
  }
}

api::QuotaUsage ResourceQuotaController::used(const corev1::ResourceQuota& quota) const {
  api::QuotaUsage out;
  for (const auto& counted : sources_) {
    const auto plural = counted.type->resource->plural;
    const auto group = group_of(*counted.type);
    std::vector<std::string> names;
    for (const auto& [name, limit] : quota.spec.hard) {
      if (api::quota_counts(name, plural, group)) names.push_back(name);
    }
    if (names.empty() || !counted.informer->synced()) continue;
    for (const auto& name : names) out[name] += api::Amount();
    for (const auto& object : counted.informer->in_namespace(quota.metadata.namespace_)) {
      if (!api::quota_applies(quota, *object)) continue;
      const auto usage = api::quota_usage(*object, plural, group);
      for (const auto& name : names) {
        if (const auto it = usage.find(name); it != usage.end()) out[name] += it->second;
      }
    }
  }
  return out;
}

async::Task<Status> ResourceQuotaController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto quota = quotas_.get(key);
  if (!quota) co_return Status();
  const api::QuotaUsage now_used = used(*quota);
  api::QuotaUsage known;
  for (const auto& [name, amount] : quota->status.used) known[name] = api::Amount::from(amount);
  if (known == now_used && quota->status.hard == quota->spec.hard) co_return Status();
  corev1::ResourceQuota next = *quota;
  next.status.hard = quota->spec.hard;
  next.status.used.clear();
  for (const auto& [name, amount] : now_used) next.status.used[name] = amount.quantity();
  auto written = co_await client().update_status<corev1::ResourceQuota>(std::move(next), stop);
  if (written || written.error().is(Reason::kNotFound)) co_return Status();
  co_return std::move(written).error();
}

}  // namespace kpp::controllers
