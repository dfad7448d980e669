#include "api/authenticationv1.h"
#include "api/authorizationv1.h"
#include "api/corev1.h"
#include "api/rbacv1.h"
#include "api/selectors.h"
#include "apiserver/auth/authenticator.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/managed_fields.h"

namespace kpp::apiserver {
namespace {

using authorizationv1::NonResourceAttributes;
using authorizationv1::ResourceAttributes;

// --- complaints

Status invalid(std::string_view group, std::string field, std::string message) {
  StatusDetails details;
  details.group = group;
  std::string text = cat(".", group, " \"\" is invalid: ", field, ": ", message);
  details.causes.push_back({"FieldValueInvalid", std::move(message), std::move(field)});
  return Status(Reason::kInvalid, std::move(text), std::move(details));
}

Status invalid_authorization(std::string field, std::string message) {
  return invalid("authorization.k8s.io", std::move(field), std::move(message));
}

std::string as_text(const NonResourceAttributes& attributes) {
  return cat("{\"Path\":", quoted(attributes.path), ",\"Verb\":", quoted(attributes.verb), "}");
}

Status check_attributes(const api::Opt<ResourceAttributes>& resource,
                        const api::Opt<NonResourceAttributes>& other) {
  if (resource && other) {
    return invalid_authorization(
        "spec.nonResourceAttributes",
        cat("Invalid value: ", as_text(*other),
            ": cannot be specified in combination with resourceAttributes"));
  }
  if (!resource && !other) {
    return invalid_authorization("spec.resourceAttributes",
                                 "Invalid value: null: exactly one of nonResourceAttributes or "
                                 "resourceAttributes must be specified");
  }
  return {};
}

// A review is a question: it has no name, no labels and no UID.
Status check_empty(const metav1::ObjectMeta& metadata) {
  metav1::ObjectMeta rest = metadata;
  rest.namespace_.clear();
  rest.managed_fields.clear();
  if (api::equal(rest, metav1::ObjectMeta())) return {};
  return invalid_authorization(
      "metadata",
      cat("Invalid value: ", api::to_json(metadata, {.type_meta = false}), ": must be empty"));
}

// --- access reviews

// What the access is narrowed to. What cannot be understood narrows nothing, so it allows nothing.
void narrow(AccessRequest& access, const authorizationv1::FieldSelectorAttributes& selector) {
  if (const auto raw = api::FieldSelector::parse(selector.raw_selector)) {
    for (const auto& term : raw->terms) {
      if (term.equals) access.field_values.emplace_back(term.field, term.value);
    }
  }
  for (const auto& requirement : selector.requirements) {
    if (requirement.operator_ == "In" && requirement.values.size() == 1)
      access.field_values.emplace_back(requirement.key, requirement.values[0]);
  }
}

AccessRequest access_of(const api::Opt<ResourceAttributes>& resource,
                        const api::Opt<NonResourceAttributes>& other) {
  AccessRequest out;
  if (resource) {
    out.verb = resource->verb;
    out.namespace_ = resource->namespace_;
    out.group = resource->group;
    out.version = resource->version;
    out.resource = resource->resource;
    out.subresource = resource->subresource;
    out.name = resource->name;
    if (resource->field_selector) narrow(out, *resource->field_selector);
  } else {
    out.is_resource = false;
    out.verb = other->verb;
    out.path = other->path;
  }
  return out;
}

void decide(const Call& call, const User& user, const AccessRequest& access,
            authorizationv1::SubjectAccessReviewStatus& status) {
  const Decision decision = call.core.authorizer.authorize(user, access);
  status = {};
  status.allowed = decision.allowed();
  status.denied = decision.verdict == Verdict::kDeny;
  status.reason = decision.reason;
}

User user_of(const authorizationv1::SubjectAccessReviewSpec& spec) {
  User out;
  out.name = spec.user;
  out.uid = spec.uid;
  out.groups = spec.groups;
  for (const auto& [key, values] : spec.extra) out.extra[key] = values.items;
  return out;
}

Status check_subject(const authorizationv1::SubjectAccessReviewSpec& spec) {
  if (!spec.user.empty() || !spec.groups.empty()) return {};
  return invalid_authorization(
      "spec.user", "Invalid value: \"\": at least one of user or group must be specified");
}

Status answer_self(Call& call, authorizationv1::SelfSubjectAccessReview& review) {
  KPP_RETURN_IF_ERROR(
      check_attributes(review.spec.resource_attributes, review.spec.non_resource_attributes));
  KPP_RETURN_IF_ERROR(check_empty(review.metadata));
  decide(call, call.user,
         access_of(review.spec.resource_attributes, review.spec.non_resource_attributes),
         review.status);
  return {};
}

Status answer_subject(Call& call, authorizationv1::SubjectAccessReview& review) {
  KPP_RETURN_IF_ERROR(
      check_attributes(review.spec.resource_attributes, review.spec.non_resource_attributes));
  KPP_RETURN_IF_ERROR(check_subject(review.spec));
  KPP_RETURN_IF_ERROR(check_empty(review.metadata));
  decide(call, user_of(review.spec),
         access_of(review.spec.resource_attributes, review.spec.non_resource_attributes),
         review.status);
  return {};
}

Status answer_local(Call& call, authorizationv1::LocalSubjectAccessReview& review) {
  if (review.metadata.namespace_.empty()) review.metadata.namespace_ = call.info.namespace_;
  if (review.metadata.namespace_ != call.info.namespace_) {
    return bad_request(
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  auto& spec = review.spec;
  KPP_RETURN_IF_ERROR(check_attributes(spec.resource_attributes, spec.non_resource_attributes));
  KPP_RETURN_IF_ERROR(check_subject(spec));
  KPP_RETURN_IF_ERROR(check_empty(review.metadata));
  if (spec.resource_attributes &&
      spec.resource_attributes->namespace_ != review.metadata.namespace_) {
    return invalid_authorization(
        "spec.resourceAttributes.namespace",
        cat("Invalid value: ", quoted(spec.resource_attributes->namespace_),
            ": must match metadata.namespace"));
  }
  if (spec.non_resource_attributes) {
    return invalid_authorization("spec.nonResourceAttributes",
                                 cat("Invalid value: ", as_text(*spec.non_resource_attributes),
                                     ": disallowed on this kind of request"));
  }
  decide(call, user_of(spec), access_of(spec.resource_attributes, spec.non_resource_attributes),
         review.status);
  return {};
}

Status answer_rules(Call& call, authorizationv1::SelfSubjectRulesReview& review) {
  const std::string ns = review.spec.namespace_;
  if (ns.empty()) return bad_request("no namespace on request");
  review = {};
  const auto found = call.core.authorizer.review_rules(call.user, ns);
  review.status.incomplete = !found.error.empty();
  review.status.evaluation_error = found.error;
  for (const auto& rule : found.rules) {
    if (!rule.resources.empty()) {
      auto& out = review.status.resource_rules.emplace_back();
      out.verbs = rule.verbs;
      out.api_groups = rule.api_groups;
      out.resources = rule.resources;
      out.resource_names = rule.resource_names;
    }
    if (!rule.non_resource_urls.empty()) {
      auto& out = review.status.non_resource_rules.emplace_back();
      out.verbs = rule.verbs;
      out.non_resource_urls = rule.non_resource_urls;
    }
  }
  return {};
}

// --- who is it

void set_user(authenticationv1::UserInfo& out, const User& user) {
  out.username = user.name;
  out.uid = user.uid;
  out.groups = user.groups;
  for (const auto& [key, values] : user.extra) out.extra[key].items = values;
}

Status answer_self_subject(Call& call, authenticationv1::SelfSubjectReview& review) {
  review = {};
  review.metadata.creation_timestamp = api::Time::from(call.core.executor.wall());
  set_user(review.status.user_info, call.user);
  return {};
}

Status answer_token(Call& call, authenticationv1::TokenReview& review) {
  if (review.spec.token.empty())
    return bad_request("token is required for TokenReview in authentication");
  review.status = {};
  if (call.core.authenticator == nullptr) {
    review.status.error = "invalid bearer token";
    return {};
  }
  const auto token = call.core.authenticator->review(review.spec.token, review.spec.audiences,
                                                     call.core.executor.wall());
  if (!token) {
    review.status.error = token.error().message();
    return {};
  }
  review.status.authenticated = true;
  review.status.audiences = token->audiences;
  set_user(review.status.user, token->user);
  return {};
}

Status answer(Call& call, api::Object& object) {
  if (auto* review = object.as<authorizationv1::SelfSubjectAccessReview>())
    return answer_self(call, *review);
  if (auto* review = object.as<authorizationv1::SubjectAccessReview>())
    return answer_subject(call, *review);
  if (auto* review = object.as<authorizationv1::LocalSubjectAccessReview>())
    return answer_local(call, *review);
  if (auto* review = object.as<authorizationv1::SelfSubjectRulesReview>())
    return answer_rules(call, *review);
  if (auto* review = object.as<authenticationv1::SelfSubjectReview>())
    return answer_self_subject(call, *review);
  if (auto* review = object.as<authenticationv1::TokenReview>()) return answer_token(call, *review);
  return method_not_allowed();
}

}  // namespace

async::Task<net::Response> handle_review(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, false);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  if (call.info.verb != "create") co_return respond_status(method_not_allowed(), &call);
  if (Status s = check_write_options(call, "CreateOptions"); !s.ok())
    co_return respond_status(s, &call);
  auto object = decode_object(call, *call.resource->type);
  if (!object) co_return respond_status(object.error(), &call);
  if (Status s = track_managed_fields(call, nullptr, *object); !s.ok())
    co_return respond_status(s, &call);
  // Roles and bindings that were written before this request count.
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return respond_status(fresh, &call);
  if (Status s = answer(call, *object); !s.ok()) co_return respond_status(s, &call);
  co_return respond_typed(call, 201, *object);
}

}  // namespace kpp::apiserver
