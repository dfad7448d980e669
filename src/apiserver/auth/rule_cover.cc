#include "apiserver/auth/rule_cover.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/cat.h"

namespace kpp::apiserver {
namespace {

using Rules = std::vector<rbacv1::PolicyRule>;

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// A rule taken apart: one verb on one resource, or on one path.
Rules take_apart(const rbacv1::PolicyRule& rule) {
  Rules out;
  const auto add = [&](const std::string& group, const std::string& resource,
                       const std::string& verb) -> rbacv1::PolicyRule& {
    auto& part = out.emplace_back();
    part.api_groups = {group};
    part.resources = {resource};
    part.verbs = {verb};
    return part;
  };
  for (const auto& group : rule.api_groups) {
    for (const auto& resource : rule.resources) {
      for (const auto& verb : rule.verbs) {
        if (rule.resource_names.empty()) add(group, resource, verb);
        for (const auto& name : rule.resource_names)
          add(group, resource, verb).resource_names = {name};
      }
    }
  }
  for (const auto& path : rule.non_resource_urls) {
    for (const auto& verb : rule.verbs) {
      auto& part = out.emplace_back();
      part.non_resource_urls = {path};
      part.verbs = {verb};
    }
  }
  return out;
}

bool covers(const rbacv1::PolicyRule& owned, const rbacv1::PolicyRule& part) {
  if (!has(owned.verbs, "*") && !has(owned.verbs, part.verbs[0])) return false;
  if (!part.non_resource_urls.empty()) {
    const std::string_view path = part.non_resource_urls[0];
    return std::any_of(owned.non_resource_urls.begin(), owned.non_resource_urls.end(),
                       [&](std::string_view pattern) {
                         return pattern == path ||
                                (pattern.ends_with('*') &&
                                 path.starts_with(pattern.substr(0, pattern.size() - 1)));
                       });
  }
  if (!has(owned.api_groups, "*") && !has(owned.api_groups, part.api_groups[0])) return false;
  const std::string_view resource = part.resources[0];
  const auto slash = resource.find('/');
  const bool any_of_subresource = slash != std::string_view::npos &&
                                  has(owned.resources, cat("*/", resource.substr(slash + 1)));
  if (!has(owned.resources, "*") && !has(owned.resources, resource) && !any_of_subresource)
    return false;
  if (owned.resource_names.empty()) return true;
  return !part.resource_names.empty() && has(owned.resource_names, part.resource_names[0]);
}

}  // namespace

Rules missing_rules(const Rules& owned, const Rules& wanted) {
  Rules out;
  for (const auto& rule : wanted) {
    for (auto& part : take_apart(rule)) {
      const bool covered = std::any_of(owned.begin(), owned.end(),
                                       [&](const auto& own) { return covers(own, part); });
      if (!covered) out.push_back(std::move(part));
    }
  }
  return out;
}

}  // namespace kpp::apiserver
