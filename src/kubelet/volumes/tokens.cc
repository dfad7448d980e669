#include "kubelet/volumes/tokens.h"

#include "api/authenticationv1.h"
#include "api/json_codec.h"

namespace kpp::kubelet {

async::Task<Result<std::string>> Tokens::get(std::shared_ptr<const corev1::Pod> pod,
                                             std::string audience, std::int64_t expiration_seconds,
                                             async::StopToken stop) {
  const Key key{pod->metadata.uid, audience, expiration_seconds};
  const WallTime now = executor_.wall();
  if (const auto it = tokens_.find(key); it != tokens_.end() && now < it->second.refresh_at)
    co_return it->second.text;

  const std::string account =
      pod->spec.service_account_name.empty() ? "default" : pod->spec.service_account_name;
  authenticationv1::TokenRequest ask;
  ask.metadata.name = account;
  ask.metadata.namespace_ = pod->metadata.namespace_;
  if (!audience.empty()) ask.spec.audiences.push_back(audience);
  ask.spec.expiration_seconds = expiration_seconds;
  auto& bound = ask.spec.bound_object_ref.emplace();
  bound.kind = "Pod";
  bound.api_version = "v1";
  bound.name = pod->metadata.name;
  bound.u_id = pod->metadata.uid;

  net::Request request;
  request.method = "POST";
  request.path =
      cat("/api/v1/namespaces/", pod->metadata.namespace_, "/serviceaccounts/", account, "/token");
  request.headers.set("Content-Type", "application/json");
  request.headers.set("Accept", "application/json");
  request.body = api::to_json(ask);
  auto response = co_await client_.raw(std::move(request), false, stop);
  Status failure;
  if (!response) {
    failure = std::move(response).error();
  } else {
    auto answer = api::parse_json<authenticationv1::TokenRequest>(response->body_text());
    if (!answer) {
      failure = std::move(answer).error();
    } else {
      Token token;
      token.text = answer->status.token;
      token.expires_at = answer->status.expiration_timestamp.wall();
      const Duration life = token.expires_at - now;
      const Duration use = std::min<Duration>(life * 4 / 5, std::chrono::hours(24));
      token.refresh_at = now + use;
      std::string text = token.text;
      tokens_[key] = std::move(token);
      co_return text;
    }
  }
  if (const auto it = tokens_.find(key); it != tokens_.end() && now < it->second.expires_at)
    co_return it->second.text;
  co_return fail(std::move(failure).with_context("failed to fetch token"));
}

void Tokens::forget(const std::string& uid) {
  std::erase_if(tokens_, [&](const auto& item) { return std::get<0>(item.first) == uid; });
}

std::optional<WallTime> Tokens::refresh_at(const std::string& uid) const {
  std::optional<WallTime> out;
  for (const auto& [key, token] : tokens_) {
    if (std::get<0>(key) == uid && (!out || token.refresh_at < *out)) out = token.refresh_at;
  }
  return out;
}

}  // namespace kpp::kubelet
