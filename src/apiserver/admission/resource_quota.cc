#include "apiserver/admission/resource_quota.h"

#include <algorithm>
#include <set>

#include "api/corev1.h"
#include "api/quota.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"

namespace kpp::apiserver {
namespace {

constexpr int kTries = 8;
using Usage = api::QuotaUsage;

// What the write adds; only what grows counts.
Usage growth(const api::Object& object, const AdmissionRequest& request) {
  Usage out = api::quota_usage(object, request.resource->name(), request.resource->group);
  if (request.old_object != nullptr) {
    for (const auto& [name, amount] :
         api::quota_usage(*request.old_object, request.resource->name(), request.resource->group)) {
      if (const auto it = out.find(name); it != out.end()) it->second -= amount;
    }
  }
  std::erase_if(out, [](const auto& entry) { return entry.second.sign() <= 0; });
  return out;
}

std::string as_text(const Usage& usage) {
  std::string out;
  for (const auto& [name, amount] : usage) out += cat(out.empty() ? "" : ",", name, "=", amount);
  return out;
}

// A quota on CPU or memory wants every container to say how much it takes.
Status check_containers(const corev1::ResourceQuota& quota, const corev1::PodSpec& spec,
                        const AdmissionRequest& request) {
  std::map<std::string, std::set<std::string>> missing;
  const auto check = [&](const corev1::Container& container) {
    for (const std::string_view name : {"cpu", "memory"}) {
      const bool requests = container.resources.requests.contains(std::string(name));
      const bool limits = container.resources.limits.contains(std::string(name));
      if (!requests && quota.status.hard.contains(std::string(name)))
        missing[std::string(name)].insert(container.name);
      const std::string request_name = cat("requests.", name), limit_name = cat("limits.", name);
      if (!requests && quota.status.hard.contains(request_name))
        missing[request_name].insert(container.name);
      if (!limits && quota.status.hard.contains(limit_name))
        missing[limit_name].insert(container.name);
    }
  };
  for (const auto& container : spec.containers) check(container);
  for (const auto& container : spec.init_containers) check(container);
  if (missing.empty()) return {};
  std::vector<std::string> texts;
  for (const auto& [name, containers] : missing)
    texts.push_back(cat(name, " for: ", join(containers, ",")));
  return refused(request,
                 cat("failed quota: ", quota.metadata.name, ": must specify ", join(texts, "; ")));
}

// What the write takes of this quota; empty: nothing.
Result<Usage> requested_of(const corev1::ResourceQuota& quota, const Usage& grown,
                           const api::Object& object, const AdmissionRequest& request) {
  if (quota.status.hard.empty() || !api::quota_applies(quota, object)) return Usage();
  if (const auto* pod = object.as<corev1::Pod>();
      pod != nullptr && request.operation == Operation::kCreate) {
    KPP_RETURN_IF_ERROR(check_containers(quota, pod->spec, request));
  }
  Usage requested, exceeded, used, limited;
  std::vector<std::string> unknown;
  for (const auto& [name, amount] : grown) {
    const auto hard = quota.status.hard.find(name);
    if (hard == quota.status.hard.end()) continue;
    const auto now = quota.status.used.find(name);
    if (now == quota.status.used.end()) {
      unknown.push_back(name);
      continue;
    }
    requested[name] = amount;
    const api::Amount limit = api::Amount::from(hard->second),
                      before = api::Amount::from(now->second);
    if (before + amount <= limit) continue;
    exceeded[name] = amount;
    used[name] = before;
    limited[name] = limit;
  }
  if (!unknown.empty()) {
    return fail(refused(request, cat("status unknown for quota: ", quota.metadata.name,
                                     ", resources: ", join(unknown, ","))));
  }
  if (exceeded.empty()) return requested;
  return fail(refused(
      request, cat("exceeded quota: ", quota.metadata.name, ", requested: ", as_text(exceeded),
                   ", used: ", as_text(used), ", limited: ", as_text(limited))));
}

// Adds to one quota's used amounts, against its newest state.
async::Task<Status> charge_one(Call& call, const ServedResource& quotas, std::string key,
                               const Usage& grown, const api::Object& object,
                               AdmissionRequest request) {
  for (int attempt = 1;; ++attempt) {
    const CachedRef current = call.core.cache.cache(quotas).find(key);
    if (!current) co_return Status();
    KPP_CO_ASSIGN(corev1::ResourceQuota quota,
                  api::parse_json<corev1::ResourceQuota>(*current->json));
    KPP_CO_ASSIGN(const Usage requested, requested_of(quota, grown, object, request));
    if (requested.empty()) co_return Status();
    for (const auto& [name, amount] : requested) {
      auto& used = quota.status.used[name];
      used = (api::Amount::from(used) + amount).quantity();
    }
    auto written = co_await store_changed(call, quotas, api::Object::of(quota), current);
    if (written) co_return Status();
    if (!written.error().is(Reason::kConflict) || attempt >= kTries)
      co_return std::move(written).error();
    KPP_CO_RETURN_IF_ERROR(co_await freshen(call));
  }
}

}  // namespace

async::Task<Status> charge_quotas(Call& call, const api::Object& object, AdmissionRequest request) {
  if (request.namespace_.empty() || !request.subresource.empty()) co_return Status();
  const ServedResource* quotas = call.core.table.find("", "v1", "resourcequotas");
  if (quotas == nullptr) co_return Status();
  std::vector<std::string> keys;
  call.core.cache.cache(*quotas).each(quotas->store_key(request.namespace_, ""), {},
                                      [&](const std::string& key, const CachedRef&) {
                                        keys.push_back(key);
                                        return true;
                                      });
  if (keys.empty()) co_return Status();
  const Usage grown = growth(object, request);
  if (grown.empty()) co_return Status();
  // All are asked before one is charged.
  std::vector<std::string> charged;
  for (const auto& key : keys) {
    const CachedRef current = call.core.cache.cache(*quotas).find(key);
    if (!current) continue;
    KPP_CO_ASSIGN(const corev1::ResourceQuota quota,
                  api::parse_json<corev1::ResourceQuota>(*current->json));
    KPP_CO_ASSIGN(const Usage requested, requested_of(quota, grown, object, request));
    if (!requested.empty()) charged.push_back(key);
  }
  if (request.dry_run) co_return Status();
  for (const auto& key : charged) {
    KPP_CO_RETURN_IF_ERROR(co_await charge_one(call, *quotas, key, grown, object, request));
  }
  co_return Status();
}

}  // namespace kpp::apiserver
