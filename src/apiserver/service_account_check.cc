#include "apiserver/service_account_check.h"

#include "api/meta.h"
#include "apiserver/errors.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kPrefix = "system:serviceaccount:";

std::string_view extra_of(const User& user, std::string_view key) {
  const auto it = user.extra.find(std::string(key));
  return it == user.extra.end() || it->second.empty() ? std::string_view()
                                                      : std::string_view(it->second.front());
}

// Whether a core object of the name is there, with this UID, and not deleted longer than a token
// may outlive it.
bool is_there(const Core& core, std::string_view resource, std::string_view ns,
              std::string_view name, std::string_view uid) {
  const ServedResource* served = core.table.find("", "v1", resource);
  if (served == nullptr) return false;
  const CachedRef object = core.cache.cache(*served).find(served->store_key(ns, name));
  return object && object->json->find(cat("\"uid\":\"", uid, "\"")) != std::string::npos;
}

}  // namespace

Status check_service_account(const User& user, const Core& core) {
  const std::string_view name = user.name;
  // Only a token gives a service account a credential id; a certificate of such a name is the
  // signer's business.
  if (!name.starts_with(kPrefix) ||
      extra_of(user, "authentication.kubernetes.io/credential-id").empty())
    return {};
  const auto rest = name.substr(kPrefix.size());
  const auto colon = rest.find(':');
  if (colon == std::string_view::npos) return unauthorized();
  const std::string_view ns = rest.substr(0, colon);
  if (!is_there(core, "serviceaccounts", ns, rest.substr(colon + 1), user.uid))
    return unauthorized();
  const std::string_view pod = extra_of(user, "authentication.kubernetes.io/pod-name");
  if (!pod.empty() &&
      !is_there(core, "pods", ns, pod, extra_of(user, "authentication.kubernetes.io/pod-uid"))) {
    return unauthorized();
  }
  return {};
}

}  // namespace kpp::apiserver
