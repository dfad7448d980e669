#include "apiserver/auth/impersonation.h"

#include "apiserver/errors.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kExtraHeader = "impersonate-extra-";
constexpr std::string_view kServiceAccount = "system:serviceaccount:";
constexpr std::string_view kNode = "system:node:";
constexpr const char* kNodeNameExtra = "authentication.kubernetes.io/node-name";
constexpr std::string_view kAuthentication = "authentication.k8s.io";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

// What the headers ask for, as they say it.
User asked_for(const net::Headers& headers) {
  User out;
  out.name = headers.get("Impersonate-User");
  out.uid = headers.get("Impersonate-Uid");
  for (const auto group : headers.all("Impersonate-Group")) out.groups.emplace_back(group);
  for (const auto& [name, value] : headers.fields()) {
    const std::string key = lower(name);
    if (key.size() <= kExtraHeader.size() || !key.starts_with(kExtraHeader)) continue;
    out.extra[net::percent_decode(key.substr(kExtraHeader.size()), false)].push_back(value);
  }
  return out;
}

// A user as the original's message prints it.
std::string go_text(const User& user) {
  std::string groups = "[]string(nil)";
  if (!user.groups.empty()) {
    groups = "[]string{";
    for (std::size_t i = 0; i < user.groups.size(); ++i)
      groups += cat(i > 0 ? ", " : "", quoted(user.groups[i]));
    groups += "}";
  }
  std::string extra = "map[string][]string(nil)";
  if (!user.extra.empty()) {
    extra = "map[string][]string{";
    bool first = true;
    for (const auto& [key, values] : user.extra) {
      extra += cat(first ? "" : ", ", quoted(key), ":[]string{");
      for (std::size_t i = 0; i < values.size(); ++i)
        extra += cat(i > 0 ? ", " : "", quoted(values[i]));
      extra += "}";
      first = false;
    }
    extra += "}";
  }
  return cat("&user.DefaultInfo{Name:\"\", UID:", quoted(user.uid), ", Groups:", groups,
             ", Extra:", extra, "}");
}

constexpr std::string_view kOwnNode = "impersonate:associated-node";
constexpr std::string_view kAnyNode = "impersonate:arbitrary-node";

// The rights that impersonating this user takes, each as an access of its own.
std::vector<AccessRequest> needed(const User& wanted, std::string_view verb, bool constrained) {
  std::vector<AccessRequest> out;
  const auto add = [&](std::string_view group, std::string_view resource,
                       std::string_view name) -> AccessRequest& {
    auto& access = out.emplace_back();
    access.verb = verb;
    access.group = group;
    access.version = group.empty() ? "v1" : "";
    access.resource = resource;
    access.name = name;
    return access;
  };
  const std::string_view name = wanted.name;
  const std::string_view people = constrained ? kAuthentication : std::string_view();
  const auto colon = name.starts_with(kServiceAccount) ? name.find(':', kServiceAccount.size())
                                                       : std::string_view::npos;
  if (verb == kOwnNode || verb == kAnyNode) {
    add(people, "nodes", verb == kOwnNode ? "*" : name.substr(kNode.size()));
  } else if (colon != std::string_view::npos) {
    add(people, "serviceaccounts", name.substr(colon + 1)).namespace_ =
        name.substr(kServiceAccount.size(), colon - kServiceAccount.size());
  } else {
    add(people, "users", name);
  }
  for (const auto& group : wanted.groups) add(people, "groups", group);
  if (!wanted.uid.empty()) add(kAuthentication, "uids", wanted.uid);
  for (const auto& [key, values] : wanted.extra) {
    for (const auto& value : values) add(kAuthentication, "userextras", value).subresource = key;
  }
  return out;
}

// kForbidden for the first access that is denied.
Status check_all(const Authorizer& authorizer, const User& user,
                 const std::vector<AccessRequest>& all) {
  for (const auto& access : all) {
    const Decision decision = authorizer.authorize(user, access);
    if (!decision.allowed()) return forbidden_to(user, access, decision.reason);
  }
  return {};
}

// Whether the service account is of a pod on this node.
bool is_on(const User& real, std::string_view node) {
  const auto it = real.extra.find(kNodeNameExtra);
  return real.name.starts_with(kServiceAccount) && it != real.extra.end() &&
         it->second.size() == 1 && it->second[0] == node;
}

// Whether this access alone is granted, in one of the modes that there are for such users.
Status check_mode(const Authorizer& authorizer, const User& real, const User& wanted,
                  const AccessRequest& access, std::string_view mode) {
  AccessRequest target = access;
  target.verb = cat("impersonate-on:", mode, ":", access.verb);
  const Decision decision = authorizer.authorize(real, target);
  if (!decision.allowed()) return forbidden_to(real, target, decision.reason);
  return check_all(authorizer, real, needed(wanted, cat("impersonate:", mode), true));
}

// Whether everything is granted in general; else for this access alone. A node is impersonated with
// the group of nodes then.
Status check(const Authorizer& authorizer, const User& real, User& wanted,
             const AccessRequest& access) {
  if (check_all(authorizer, real, needed(wanted, "impersonate", false)).ok()) return {};
  if (!wanted.name.starts_with(kNode)) {
    return check_mode(authorizer, real, wanted, access,
                      wanted.name.starts_with(kServiceAccount) ? "serviceaccount" : "user-info");
  }
  const bool own = is_on(real, std::string_view(wanted.name).substr(kNode.size())) &&
                   check_mode(authorizer, real, wanted, access, "associated-node").ok();
  if (!own) KPP_RETURN_IF_ERROR(check_mode(authorizer, real, wanted, access, "arbitrary-node"));
  if (!wanted.in_group("system:nodes")) wanted.groups.emplace_back("system:nodes");
  return {};
}

}  // namespace

Status forbidden_to(const User& user, const AccessRequest& access, std::string_view reason) {
  const std::string why = cat(forbidden_message(user, access), reason.empty() ? "" : ": ", reason);
  if (access.is_resource) return forbidden(access.group, access.resource, access.name, why);
  return Status(Reason::kForbidden, cat("forbidden: ", why), StatusDetails{});
}

bool asks_to_impersonate(const net::Headers& headers) {
  return !headers.get("Impersonate-User").empty();
}

Result<User> impersonate(const Authorizer& authorizer, const User& real,
                         const net::Headers& headers, const AccessRequest& access) {
  User out = asked_for(headers);
  if (out.name.empty()) {
    if (out.groups.empty() && out.extra.empty() && out.uid.empty()) return real;
    return fail(bad_request(cat("requested ", go_text(out), " without impersonating a user name")));
  }
  KPP_RETURN_IF_ERROR(check(authorizer, real, out, access));
  if (out.groups.empty() && out.name.starts_with(kServiceAccount)) {
    const std::string_view rest = std::string_view(out.name).substr(kServiceAccount.size());
    out.groups = {"system:serviceaccounts",
                  cat("system:serviceaccounts:", rest.substr(0, rest.find(':')))};
  }
  const std::string_view everybody =
      out.name == kUserAnonymous ? kGroupUnauthenticated : kGroupAuthenticated;
  if (!out.in_group(everybody)) out.groups.emplace_back(everybody);
  return out;
}

}  // namespace kpp::apiserver
