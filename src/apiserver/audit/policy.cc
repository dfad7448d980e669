#include "apiserver/audit/policy.h"

#include <algorithm>
#include <iterator>

#include "base/cat.h"
#include "codec/yaml.h"

namespace kpp::apiserver {
namespace {

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

Result<std::vector<std::string>> texts(const json::Value& of, std::string_view field,
                                       const std::string& at) {
  std::vector<std::string> out;
  const json::Value* list = json::find(of, field);
  if (list == nullptr || list->is_null()) return out;
  if (!list->is_array())
    return fail(Reason::kInvalid, cat(at, ".", field, ": must be a list of strings"));
  for (const auto& item : list->as_array()) {
    if (!item.is_string())
      return fail(Reason::kInvalid, cat(at, ".", field, ": must be a list of strings"));
    out.emplace_back(item.as_string());
  }
  return out;
}

Result<std::optional<bool>> truth(const json::Value& of, std::string_view field,
                                  const std::string& at) {
  const json::Value* value = json::find(of, field);
  if (value == nullptr || value->is_null()) return std::optional<bool>();
  if (!value->is_bool()) return fail(Reason::kInvalid, cat(at, ".", field, ": must be a boolean"));
  return std::optional<bool>(value->as_bool());
}

Result<std::uint8_t> stages(const json::Value& of, const std::string& at) {
  KPP_ASSIGN(const auto names, texts(of, "omitStages", at));
  std::uint8_t out = 0;
  for (const auto& name : names) {
    const auto* found = std::find(std::begin(kAuditStageNames), std::end(kAuditStageNames), name);
    if (found == std::end(kAuditStageNames)) {
      return fail(Reason::kInvalid, cat(at, ".omitStages: Invalid value: ", quoted(name),
                                        ": allowed stages are RequestReceived,ResponseStarted,"
                                        "ResponseComplete,Panic"));
    }
    out |= static_cast<std::uint8_t>(1u << (found - std::begin(kAuditStageNames)));
  }
  return out;
}

Result<AuditLevel> level_of(const json::Value& rule, const std::string& at) {
  const std::string_view name = json::text_at(rule, "level");
  if (name.empty()) return fail(Reason::kInvalid, cat(at, ".level: Required value"));
  const auto* found = std::find(std::begin(kAuditLevelNames), std::end(kAuditLevelNames), name);
  if (found == std::end(kAuditLevelNames)) {
    return fail(Reason::kInvalid, cat(at, ".level: Unsupported value: ", quoted(name),
                                      ": supported values: \"Metadata\", \"None\", \"Request\", "
                                      "\"RequestResponse\""));
  }
  return static_cast<AuditLevel>(found - std::begin(kAuditLevelNames));
}

Result<std::vector<AuditRule::Resources>> resources_of(const json::Value& rule,
                                                       const std::string& at) {
  std::vector<AuditRule::Resources> out;
  const json::Value* list = json::find(rule, "resources");
  if (list == nullptr || list->is_null()) return out;
  if (!list->is_array()) return fail(Reason::kInvalid, cat(at, ".resources: must be a list"));
  for (const auto& item : list->as_array()) {
    const std::string where = cat(at, ".resources[", out.size(), "]");
    auto& one = out.emplace_back();
    one.group = json::text_at(item, "group");
    KPP_ASSIGN(one.resources, texts(item, "resources", where));
    KPP_ASSIGN(one.names, texts(item, "resourceNames", where));
    if (!one.names.empty() && one.resources.empty()) {
      return fail(Reason::kInvalid,
                  cat(where,
                      ".resourceNames: Invalid value: using resourceNames requires at "
                      "least one resource"));
    }
  }
  return out;
}

bool is_about(const AuditRule::Resources& of, const AccessRequest& access) {
  if (of.group != access.group) return false;
  if (of.resources.empty()) return true;
  if (!of.names.empty() && !has(of.names, access.name)) return false;
  const std::string whole =
      access.subresource.empty() ? access.resource : cat(access.resource, "/", access.subresource);
  return std::any_of(of.resources.begin(), of.resources.end(), [&](std::string_view pattern) {
    if (pattern == whole || pattern == "*") return true;
    if (!access.subresource.empty() && pattern.starts_with("*/") &&
        pattern.substr(2) == access.subresource)
      return true;
    return pattern.ends_with("/*") && pattern.substr(0, pattern.size() - 2) == access.resource;
  });
}

bool is_path(std::string_view pattern, std::string_view path) {
  if (pattern == "*" || pattern == path) return true;
  return pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

bool AuditRule::matches(const User& user, const AccessRequest& access) const {
  if (!users.empty() && !has(users, user.name)) return false;
  if (!groups.empty() && std::none_of(groups.begin(), groups.end(),
                                      [&](const auto& group) { return user.in_group(group); }))
    return false;
  if (!verbs.empty() && !has(verbs, access.verb)) return false;
  if (!namespaces.empty() || !resources.empty()) {
    if (!access.is_resource) return false;
    if (!namespaces.empty() && !has(namespaces, access.namespace_)) return false;
    return resources.empty() || std::any_of(resources.begin(), resources.end(),
                                            [&](const auto& of) { return is_about(of, access); });
  }
  if (paths.empty()) return true;
  return !access.is_resource && std::any_of(paths.begin(), paths.end(), [&](const auto& pattern) {
    return is_path(pattern, access.path);
  });
}

AuditPolicy AuditPolicy::all(AuditLevel level) {
  AuditPolicy out;
  out.rules_.emplace_back().level = level;
  return out;
}

Status AuditPolicy::add_rule(const json::Value& rule, std::size_t index) {
  const std::string at = cat("rules[", index, "]");
  if (!rule.is_object()) return {Reason::kInvalid, cat(at, ": must be an object")};
  AuditRule out;
  KPP_ASSIGN(out.level, level_of(rule, at));
  KPP_ASSIGN(out.users, texts(rule, "users", at));
  KPP_ASSIGN(out.groups, texts(rule, "userGroups", at));
  KPP_ASSIGN(out.verbs, texts(rule, "verbs", at));
  KPP_ASSIGN(out.namespaces, texts(rule, "namespaces", at));
  KPP_ASSIGN(out.paths, texts(rule, "nonResourceURLs", at));
  KPP_ASSIGN(out.resources, resources_of(rule, at));
  KPP_ASSIGN(out.omitted, stages(rule, at));
  KPP_ASSIGN(out.without_managed_fields, truth(rule, "omitManagedFields", at));
  if (!out.paths.empty() && (!out.resources.empty() || !out.namespaces.empty())) {
    return {Reason::kInvalid, cat(at,
                                  ".nonResourceURLs: Invalid value: rules cannot apply to "
                                  "both regular resources and non-resource URLs")};
  }
  rules_.push_back(std::move(out));
  return {};
}

Result<AuditPolicy> AuditPolicy::parse(std::string_view text) {
  KPP_ASSIGN(const json::Value document, yaml::parse(text));
  const std::string_view version = json::text_at(document, "apiVersion");
  const std::string_view kind = json::text_at(document, "kind");
  if (version != "audit.k8s.io/v1" || kind != "Policy") {
    return fail(Reason::kInvalid, cat("no kind ", quoted(kind), " is registered for version ",
                                      quoted(version), "; a Policy of audit.k8s.io/v1 is needed"));
  }
  AuditPolicy out;
  KPP_ASSIGN(out.omitted_, stages(document, "policy"));
  KPP_ASSIGN(const auto without, truth(document, "omitManagedFields", "policy"));
  out.without_managed_fields_ = without.value_or(false);
  const json::Value* rules = json::find(document, "rules");
  if (rules == nullptr || !rules->is_array() || rules->as_array().empty())
    return fail(Reason::kInvalid, "loaded illegal policy with 0 rules");
  for (const auto& rule : rules->as_array())
    KPP_RETURN_IF_ERROR(out.add_rule(rule, out.rules_.size()));
  return out;
}

AuditDecision AuditPolicy::decide(const User& user, const AccessRequest& access) const {
  for (const auto& rule : rules_) {
    if (rule.matches(user, access))
      return {rule.level, static_cast<std::uint8_t>(rule.omitted | omitted_),
              rule.without_managed_fields.value_or(without_managed_fields_)};
  }
  return {};
}

}  // namespace kpp::apiserver
