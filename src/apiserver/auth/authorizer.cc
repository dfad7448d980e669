#include "apiserver/auth/authorizer.h"

#include <algorithm>

namespace kpp::apiserver {

Result<std::vector<AuthorizationMode>> parse_authorization_modes(
    std::span<const std::string> words) {
  std::vector<AuthorizationMode> out;
  for (const std::string& word : words) {
    AuthorizationMode mode{};
    if (word == "Node") {
      mode = AuthorizationMode::kNode;
    } else if (word == "RBAC") {
      mode = AuthorizationMode::kRbac;
    } else if (word == "AlwaysAllow") {
      mode = AuthorizationMode::kAlwaysAllow;
    } else if (word == "AlwaysDeny") {
      mode = AuthorizationMode::kAlwaysDeny;
    } else if (word == "Webhook" || word == "ABAC") {
      return fail(Reason::kInvalid,
                  cat("authorization-mode ", quoted(word), " is not supported by this server"));
    } else {
      return fail(Reason::kInvalid,
                  cat("authorization-mode ", quoted(word), " is not a valid mode"));
    }
    if (std::find(out.begin(), out.end(), mode) != out.end()) {
      return fail(Reason::kInvalid, cat("authorization-mode [", join(words, " "),
                                        "] has mode specified more than once"));
    }
    out.push_back(mode);
  }
  if (out.empty()) return fail(Reason::kInvalid, "at least one authorization-mode must be passed");
  return out;
}

Authorizer::Authorizer(WatchCache& cache, const ResourceTable& table,
                       std::vector<AuthorizationMode> modes)
    : modes_(std::move(modes)), rbac_(cache, table), node_(cache, table) {}

Decision Authorizer::ask(AuthorizationMode mode, const User& user,
                         const AccessRequest& request) const {
  switch (mode) {
    case AuthorizationMode::kNode:
      return node_.authorize(user, request);
    case AuthorizationMode::kRbac:
      return rbac_.authorize(user, request);
    case AuthorizationMode::kAlwaysAllow:
      return {Verdict::kAllow, {}};
    case AuthorizationMode::kAlwaysDeny:
      return {Verdict::kNoOpinion, "Everything is forbidden."};
  }
  return {};
}

Decision Authorizer::authorize(const User& user, const AccessRequest& request) const {
  if (user.in_group(kGroupMasters)) return {Verdict::kAllow, {}};
  Decision out;
  for (const AuthorizationMode mode : modes_) {
    Decision one = ask(mode, user, request);
    if (one.verdict != Verdict::kNoOpinion) return one;
    if (one.reason.empty()) continue;
    out.reason += cat(out.reason.empty() ? "" : "\n", one.reason);
  }
  return out;
}

Authorizer::UserRules Authorizer::review_rules(const User& user,
                                               std::string_view namespace_) const {
  UserRules out;
  for (const AuthorizationMode mode : modes_) {
    switch (mode) {
      case AuthorizationMode::kNode:
        if (node_name_of(user)) out.error = "node authorizer does not support user rule resolution";
        break;
      case AuthorizationMode::kRbac:
        for (auto& rule : rbac_.rules_for(user, namespace_)) out.rules.push_back(std::move(rule));
        break;
      case AuthorizationMode::kAlwaysAllow: {
        auto& resources = out.rules.emplace_back();
        resources.verbs = {"*"};
        resources.api_groups = {"*"};
        resources.resources = {"*"};
        auto& paths = out.rules.emplace_back();
        paths.verbs = {"*"};
        paths.non_resource_urls = {"*"};
        break;
      }
      case AuthorizationMode::kAlwaysDeny:
        break;
    }
  }
  return out;
}

}  // namespace kpp::apiserver
