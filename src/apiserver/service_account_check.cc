#include "apiserver/service_account_check.h"

#include "api/json_codec.h"
#include "api/meta.h"
#include "api/types.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

// A deletion counts a little late, as clocks differ.
constexpr auto kLeeway = std::chrono::seconds(60);

bool is_there(const Core& core, std::string_view resource, std::string_view ns,
              std::string_view name, std::string_view uid, WallTime now) {
  const ServedResource* served = core.table.find("", "v1", resource);
  if (served == nullptr) return false;
  const CachedRef object = core.cache.cache(*served).find(served->store_key(ns, name));
  if (!object || object->json->find(cat("\"uid\":\"", uid, "\"")) == std::string::npos)
    return false;
  if (object->json->find("\"deletionTimestamp\":") == std::string::npos) return true;
  api::Object typed(*served->storage->type);
  if (!api::from_json_text(*object->json, *served->storage->type, typed.data()).ok()) return false;
  const auto& deleted = api::metadata(typed)->deletion_timestamp;
  return !deleted || deleted->seconds > api::Time::from(now - kLeeway).seconds;
}

}  // namespace

bool is_in_force(const TokenClaims& claims, const Core& core, WallTime now) {
  const std::string& ns = claims.namespace_;
  if (!is_there(core, "serviceaccounts", ns, claims.service_account, claims.service_account_uid,
                now))
    return false;
  if (!claims.secret_name.empty() &&
      !is_there(core, "secrets", ns, claims.secret_name, claims.secret_uid, now))
    return false;
  if (!claims.pod_name.empty())
    return is_there(core, "pods", ns, claims.pod_name, claims.pod_uid, now);
  return claims.node_name.empty() ||
         is_there(core, "nodes", "", claims.node_name, claims.node_uid, now);
}

}  // namespace kpp::apiserver
