#include "client/delegated_access.h"

#include <algorithm>

namespace kpp::client {
namespace {

constexpr std::string_view kAuthenticated = "system:authenticated";

// POSTs a review, which is answered and not kept.
template <class T>
async::Task<Result<T>> ask(Client& client, std::string path, T review, async::StopToken stop) {
  net::Request request;
  request.method = "POST";
  request.path = std::move(path);
  request.headers.add("Accept", "application/json");
  request.headers.add("Content-Type", "application/json");
  api::to_json(request.body, T::desc(), &review);
  auto answer = co_await client.raw(std::move(request), false, std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  T out;
  Status read = api::from_json_text(answer->body_text(), T::desc(), &out);
  if (!read.ok()) co_return fail(std::move(read));
  co_return out;
}

std::string_view bearer_token(const net::Request& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view value = request.headers.get("Authorization");
  return value.starts_with(kBearer) ? value.substr(kBearer.size()) : std::string_view();
}

}  // namespace

async::Task<Result<authenticationv1::UserInfo>> DelegatedAccess::authenticate(
    const net::Request& request, async::StopToken stop) {
  authenticationv1::UserInfo user;
  if (request.peer_certificate && request.peer_certificate->verified) {
    user.username = request.peer_certificate->common_name;
    user.groups = request.peer_certificate->organizations;
    user.groups.emplace_back(kAuthenticated);
    co_return user;
  }
  if (const std::string_view token = bearer_token(request); !token.empty()) {
    co_return co_await review(std::string(token), std::move(stop));
  }
  if (!options_.anonymous || request.headers.find("Authorization"))
    co_return fail(Reason::kUnauthorized, "Unauthorized");
  user.username = "system:anonymous";
  user.groups = {"system:unauthenticated"};
  co_return user;
}

async::Task<Result<authenticationv1::UserInfo>> DelegatedAccess::review(std::string token,
                                                                        async::StopToken stop) {
  if (const auto* known = users_.find(token, executor_.steady())) co_return *known;
  authenticationv1::TokenReview review;
  review.spec.token = token;
  auto answer = co_await ask(authentication_, "/apis/authentication.k8s.io/v1/tokenreviews",
                             std::move(review), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (!answer->status.authenticated) co_return fail(Reason::kUnauthorized, "Unauthorized");
  users_.keep(token, answer->status.user, executor_.steady(), options_.token_life);
  co_return std::move(answer->status.user);
}

async::Task<Status> DelegatedAccess::authorize(authenticationv1::UserInfo user,
                                               authorizationv1::SubjectAccessReviewSpec access,
                                               async::StopToken stop) {
  if (std::ranges::find(user.groups, "system:masters") != user.groups.end()) co_return Status();
  access.user = std::move(user.username);
  access.uid = std::move(user.uid);
  access.groups = std::move(user.groups);
  access.extra = std::move(user.extra);
  authorizationv1::SubjectAccessReview review;
  review.spec = std::move(access);
  std::string key;
  api::to_json(key, authorizationv1::SubjectAccessReviewSpec::desc(), &review.spec);
  if (const Status* known = decisions_.find(key, executor_.steady())) co_return *known;
  auto answer = co_await ask(authorization_, "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                             std::move(review), std::move(stop));
  if (!answer) co_return std::move(answer).error();
  const bool allowed = answer->status.allowed;
  Status decision = allowed ? Status() : Status(Reason::kForbidden, answer->status.reason);
  decisions_.keep(key, decision, executor_.steady(),
                  allowed ? options_.allowed_life : options_.denied_life);
  co_return decision;
}

authorizationv1::SubjectAccessReviewSpec path_access(const net::Request& request) {
  authorizationv1::SubjectAccessReviewSpec out;
  auto& path = out.non_resource_attributes.ensure();
  path.path = request.path;
  path.verb = request.method;
  std::ranges::transform(path.verb, path.verb.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace kpp::client
