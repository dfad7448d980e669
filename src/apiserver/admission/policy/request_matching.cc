#include "apiserver/admission/policy/request_matching.h"

#include <algorithm>

#include "api/corev1.h"
#include "api/meta.h"
#include "api/selectors.h"

namespace kpp::apiserver {
namespace {

using admissionregistrationv1::MatchResources;
using admissionregistrationv1::NamedRuleWithOperations;

bool lists(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}
bool lists_or_all(const std::vector<std::string>& list, std::string_view text) {
  return lists(list, "*") || lists(list, text);
}

std::string_view operation_text(Operation operation) {
  switch (operation) {
    case Operation::kCreate:
      return "CREATE";
    case Operation::kUpdate:
      return "UPDATE";
    case Operation::kDelete:
      return "DELETE";
    case Operation::kConnect:
      return "CONNECT";
  }
  return "";
}

bool names_resource(const std::vector<std::string>& resources, const ServedResource& served,
                    std::string_view subresource) {
  return std::any_of(resources.begin(), resources.end(), [&](std::string_view text) {
    const auto slash = text.find('/');
    const std::string_view resource = text.substr(0, slash);
    const std::string_view sub =
        slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
    return (resource == "*" || resource == served.name()) && (sub == "*" || sub == subresource);
  });
}

// Namespaces are cluster-scoped, though their requests name a namespace.
bool is_namespace(const AdmissionRequest& request) {
  return request.resource->group.empty() && request.resource->name() == "namespaces";
}

bool in_scope(const std::optional<std::string>& scope, const AdmissionRequest& request) {
  if (!scope || *scope == "*") return true;
  const bool namespaced = !request.namespace_.empty() && !is_namespace(request);
  return namespaced == (*scope == "Namespaced");
}

bool rule_matches(const NamedRuleWithOperations& named, const AdmissionRequest& request,
                  const ServedResource& served) {
  const auto& rule = named.rule_with_operations;
  if (!named.resource_names.empty() && !lists(named.resource_names, request.name)) return false;
  return in_scope(rule.rule.scope, request) &&
         lists_or_all(rule.operations, operation_text(request.operation)) &&
         lists_or_all(rule.rule.api_groups, served.group) &&
         lists_or_all(rule.rule.api_versions, served.version) &&
         names_resource(rule.rule.resources, served, request.subresource);
}

// The version in which one of the rules names the resource: the request's own, or another one of
// the same objects.
const ServedResource* named_by(const std::vector<NamedRuleWithOperations>& rules, bool equivalent,
                               const AdmissionRequest& request, const Lookup& lookup) {
  for (const auto& rule : rules) {
    if (rule_matches(rule, request, *request.resource)) return request.resource;
  }
  if (!equivalent) return nullptr;
  for (const auto& served : lookup.resources()) {
    if (served.get() == request.resource || served->storage != request.resource->storage) continue;
    for (const auto& rule : rules) {
      if (rule_matches(rule, request, *served)) return served.get();
    }
  }
  return nullptr;
}

// Objects in no namespace match every selector; a namespace is held against its own labels.
bool namespace_matches(const api::Opt<metav1::LabelSelector>& wanted,
                       const AdmissionRequest& request, const api::Object* object,
                       const Lookup& lookup) {
  if (!wanted) return true;
  const auto selector = api::LabelSelector::from(*wanted);
  if (!selector) return false;
  if (selector->empty()) return true;
  if (is_namespace(request)) {
    const api::Object* seen = object != nullptr ? object : request.old_object;
    if (seen == nullptr || !request.subresource.empty()) {
      const auto stored = lookup.get<corev1::Namespace>("", "namespaces", "", request.name);
      return stored && selector->matches(stored->metadata.labels);
    }
    return selector->matches(api::metadata(seen->desc(), seen->data())->labels);
  }
  if (request.namespace_.empty()) return true;
  const auto found = lookup.get<corev1::Namespace>("", "namespaces", "", request.namespace_);
  return found && selector->matches(found->metadata.labels);
}

bool labels_match(const api::LabelSelector& selector, const api::Object* object) {
  if (object == nullptr) return false;
  const auto* meta = api::metadata(object->desc(), object->data());
  return meta != nullptr && selector.matches(meta->labels);
}

bool object_matches(const api::Opt<metav1::LabelSelector>& wanted, const AdmissionRequest& request,
                    const api::Object* object) {
  if (!wanted) return true;
  const auto selector = api::LabelSelector::from(*wanted);
  if (!selector) return false;
  return selector->empty() || labels_match(*selector, object) ||
         labels_match(*selector, request.old_object);
}

}  // namespace

bool is_exempt(const AdmissionRequest& request) {
  const std::string_view group = request.resource->group;
  return group == "admissionregistration.k8s.io" || group == "authorization.k8s.io" ||
         group == "authentication.k8s.io";
}

const ServedResource* matched_resource(const MatchResources& match, const AdmissionRequest& request,
                                       const api::Object* object, const Lookup& lookup) {
  if (!namespace_matches(match.namespace_selector, request, object, lookup) ||
      !object_matches(match.object_selector, request, object))
    return nullptr;
  const bool equivalent = match.match_policy.value_or("Equivalent") == "Equivalent";
  if (named_by(match.exclude_resource_rules, equivalent, request, lookup) != nullptr)
    return nullptr;
  if (match.resource_rules.empty()) return request.resource;
  return named_by(match.resource_rules, equivalent, request, lookup);
}

}  // namespace kpp::apiserver
