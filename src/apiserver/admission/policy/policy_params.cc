#include "apiserver/admission/policy/policy_params.h"

#include "api/selectors.h"

namespace kpp::apiserver {
namespace {

using admissionregistrationv1::ParamKind;
using admissionregistrationv1::ParamRef;

std::shared_ptr<const json::Value> document_of(const CachedRef& object) {
  auto parsed = json::parse(*object->json);
  if (!parsed) return nullptr;
  return std::make_shared<const json::Value>(std::move(*parsed));
}

const ServedResource* resource_of(const ParamKind& kind, const Lookup& lookup) {
  const auto slash = kind.api_version.find('/');
  const bool core = slash == std::string::npos;
  return lookup.find_kind(core ? "" : kind.api_version.substr(0, slash),
                          core ? kind.api_version : kind.api_version.substr(slash + 1), kind.kind);
}

std::string kind_text(const ParamKind& kind) {
  return cat(kind.api_version.find('/') == std::string::npos ? "/" : "", kind.api_version,
             ", Kind=", kind.kind);
}

PolicyParams failure(std::string error) {
  PolicyParams out;
  out.error = std::move(error);
  return out;
}

}  // namespace

PolicyParams find_params(const api::Opt<ParamKind>& kind, const api::Opt<ParamRef>& ref,
                         const AdmissionRequest& request, const Lookup& lookup) {
  PolicyParams out;
  const ServedResource* resource = kind ? resource_of(*kind, lookup) : nullptr;
  if (kind && resource == nullptr) {
    out = failure(cat("failed to find resource referenced by paramKind: '", kind_text(*kind), "'"));
    out.is_policy_error = true;
    return out;
  }
  if (!kind || !ref) {
    out.each.push_back(nullptr);
    return out;
  }
  std::string namespace_ = ref->namespace_;
  if (!resource->desc->namespaced) {
    if (!namespace_.empty())
      return failure("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
  } else if (namespace_.empty()) {
    namespace_ = request.namespace_;
    if (namespace_.empty()) {
      return failure(
          "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources");
    }
  }
  const auto take = [&out](const CachedRef& object) {
    if (auto document = document_of(object)) out.each.push_back(std::move(document));
  };
  if (!ref->name.empty()) {
    if (const CachedRef found =
            lookup.find(resource->group, resource->name(), namespace_, ref->name))
      take(found);
  } else if (ref->selector) {
    const auto selector = api::LabelSelector::from(*ref->selector);
    if (!selector) return failure(selector.error().message());
    lookup.each(resource->group, resource->name(), namespace_, [&](const CachedRef& object) {
      if (selector->matches(object->labels)) take(object);
    });
  } else {
    return failure("one of name or selector must be provided");
  }
  if (out.each.empty() && ref->parameter_not_found_action == "Deny")
    return failure("no params found for policy binding with `Deny` parameterNotFoundAction");
  return out;
}

}  // namespace kpp::apiserver
