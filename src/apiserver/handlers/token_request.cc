#include "api/authenticationv1.h"
#include "api/corev1.h"
#include "apiserver/auth/service_account_tokens.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "base/ids.h"

namespace kpp::apiserver {
namespace {

using authenticationv1::TokenRequest;

constexpr std::int64_t kDefaultSeconds = 3600;
constexpr std::int64_t kLeastSeconds = 600;
constexpr std::int64_t kMostSeconds = 1LL << 32;
// What the token volume of a pod asks for. Such tokens live for a year, so that clients of old that
// never read theirs again go on; from the asked time on their use is counted.
constexpr std::int64_t kPodTokenSeconds = 3607;
constexpr std::int64_t kYear = 365LL * 24 * 60 * 60;

Status check_seconds(std::int64_t seconds) {
  std::string why;
  if (seconds < kLeastSeconds) why = "may not specify a duration less than 10 minutes";
  if (seconds > kMostSeconds) why = "may not specify a duration larger than 2^32 seconds";
  if (why.empty()) return {};
  StatusDetails details;
  details.group = "authentication.k8s.io";
  details.kind = "TokenRequest";
  std::string message = cat("Invalid value: ", seconds, ": ", why);
  std::string text =
      cat("TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: ", message);
  details.causes.push_back({"FieldValueInvalid", std::move(message), "spec.expirationSeconds"});
  return Status(Reason::kInvalid, std::move(text), std::move(details));
}

template <class T>
std::optional<T> find(const Call& call, std::string_view resource, std::string_view ns,
                      std::string_view name) {
  const ServedResource* served = call.core.table.find("", "v1", resource);
  if (served == nullptr) return std::nullopt;
  const CachedRef object = call.core.cache.cache(*served).find(served->store_key(ns, name));
  if (!object) return std::nullopt;
  auto parsed = api::parse_json<T>(*object->json);
  if (!parsed) return std::nullopt;
  return std::move(*parsed);
}

Status check_uid(const authenticationv1::BoundObjectReference& ref, const std::string& uid) {
  if (ref.u_id.empty() || ref.u_id == uid) return {};
  return conflict("", ref.kind, ref.name,
                  cat("the UID in the bound object reference (", ref.u_id,
                      ") does not match the UID in record. The object "
                      "might have been deleted and then recreated"));
}

// Fills in what the token is bound to.
Status bind(const Call& call, const authenticationv1::BoundObjectReference& ref,
            TokenClaims& claims) {
  const std::string& ns = claims.namespace_;
  if (ref.api_version == "v1" && ref.kind == "Pod") {
    const auto pod = find<corev1::Pod>(call, "pods", ns, ref.name);
    if (!pod) return not_found("", "pods", ref.name);
    if (pod->spec.service_account_name != claims.service_account) {
      return bad_request(cat("cannot bind token for serviceaccount ",
                             quoted(claims.service_account),
                             " to pod running with different serviceaccount name."));
    }
    claims.pod_name = pod->metadata.name;
    claims.pod_uid = pod->metadata.uid;
    if (!pod->spec.node_name.empty()) {
      claims.node_name = pod->spec.node_name;
      if (const auto node = find<corev1::Node>(call, "nodes", "", claims.node_name))
        claims.node_uid = node->metadata.uid;
    }
    return check_uid(ref, claims.pod_uid);
  }
  if (ref.api_version == "v1" && ref.kind == "Secret") {
    const auto secret = find<corev1::Secret>(call, "secrets", ns, ref.name);
    if (!secret) return not_found("", "secrets", ref.name);
    claims.secret_name = secret->metadata.name;
    claims.secret_uid = secret->metadata.uid;
    return check_uid(ref, claims.secret_uid);
  }
  if (ref.api_version == "v1" && ref.kind == "Node") {
    const auto node = find<corev1::Node>(call, "nodes", "", ref.name);
    if (!node) return not_found("", "nodes", ref.name);
    claims.node_name = node->metadata.name;
    claims.node_uid = node->metadata.uid;
    return check_uid(ref, claims.node_uid);
  }
  return bad_request(cat("cannot bind token for serviceaccount ", quoted(claims.service_account),
                         " to type ", ref.api_version, ", Kind=", ref.kind));
}

Status make_token(const Call& call, TokenRequest& request) {
  if (call.core.tokens == nullptr) {
    return Status(Reason::kServiceUnavailable,
                  "this server has no service account key: it makes no tokens");
  }
  const auto account =
      find<corev1::ServiceAccount>(call, "serviceaccounts", call.info.namespace_, call.info.name);
  if (!account) return not_found("", "serviceaccounts", call.info.name);
  auto& spec = request.spec;
  if (!spec.expiration_seconds) spec.expiration_seconds = kDefaultSeconds;
  KPP_RETURN_IF_ERROR(check_seconds(*spec.expiration_seconds));
  const bool for_api = spec.audiences.empty() || (spec.audiences.size() == 1 &&
                                                  spec.audiences[0] == call.core.tokens->issuer());
  if (spec.audiences.empty()) spec.audiences = {call.core.tokens->issuer()};
  const WallTime now = call.core.executor.wall();
  const std::chrono::seconds asked(*spec.expiration_seconds);
  TokenClaims claims;
  claims.namespace_ = account->metadata.namespace_;
  claims.service_account = account->metadata.name;
  claims.service_account_uid = account->metadata.uid;
  claims.id = new_uuid();
  claims.audiences = spec.audiences;
  claims.issued_at = now;
  claims.not_before = now;
  claims.expires = now + asked;
  if (spec.bound_object_ref) {
    KPP_RETURN_IF_ERROR(bind(call, *spec.bound_object_ref, claims));
    if (for_api && *spec.expiration_seconds == kPodTokenSeconds && !claims.pod_name.empty()) {
      claims.expires = now + std::chrono::seconds(kYear);
      claims.warn_after = now + asked;
    }
  }
  request.status.token = call.core.tokens->sign(claims);
  if (request.status.token.empty()) return internal("the token could not be signed");
  request.status.expiration_timestamp = api::Time::from(now + asked);
  request.metadata.name = account->metadata.name;
  request.metadata.namespace_ = account->metadata.namespace_;
  request.metadata.creation_timestamp = api::Time::from(now);
  return {};
}

}  // namespace

async::Task<net::Response> handle_token_request(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, false);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  if (Status s = check_write_options(call, "CreateOptions"); !s.ok())
    co_return respond_status(s, &call);
  auto object = decode_object(call, TokenRequest::desc());
  if (!object) co_return respond_status(object.error(), &call);
  if (call.core.tokens != nullptr) {
    const Status keyed = co_await call.core.tokens->wait_for_key(call.stop);
    if (!keyed.ok()) co_return respond_status(keyed, &call);
  }
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return respond_status(fresh, &call);
  if (Status s = admit_action(call, *object); !s.ok()) co_return respond_status(s, &call);
  if (Status s = make_token(call, *object->as<TokenRequest>()); !s.ok())
    co_return respond_status(s, &call);
  co_return respond_typed(call, 201, *object);
}

}  // namespace kpp::apiserver
