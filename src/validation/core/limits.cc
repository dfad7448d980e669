// LimitRanges.
#include <cstdio>
#include <set>

#include "validation/core/resources.h"
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

// Six digits after the point.
std::string fixed(double value) {
  char text[64] = {};
  std::snprintf(text, sizeof text, "%f", value);
  return text;
}

void check_type(FieldErrors& errors, const FieldPath& at, const std::string& type) {
  errors.invalid_each(at, type, qualified_name(type));
  if (qualified_name(type).empty() && type.find('/') == std::string::npos &&
      !is_standard_limit_resource(type)) {
    errors.invalid(at, type, "must be a standard limit type or fully qualified");
  }
}

void check_name(FieldErrors& errors, const std::string& type, const FieldPath& at,
                const std::string& name) {
  if (type == "Pod" || type == "Container") {
    check_container_resource_name(errors, at, name);
  } else {
    check_resource_name(errors, at, name);
  }
}

void check_item(FieldErrors& errors, const FieldPath& at, const corev1::LimitRangeItem& item) {
  std::set<std::string> names;
  const auto take = [&](const ResourceList& list, std::string_view field) {
    for (const auto& [name, quantity] : list) {
      check_name(errors, item.type, at.child(field).key(name), name);
      names.insert(name);
    }
  };
  take(item.max, "max");
  take(item.min, "min");
  if (item.type == "Pod") {
    if (!item.default_.empty())
      errors.forbidden(at.child("default"), "may not be specified when `type` is 'Pod'");
    if (!item.default_request.empty()) {
      errors.forbidden(at.child("defaultRequest"), "may not be specified when `type` is 'Pod'");
    }
  } else {
    take(item.default_, "default");
    take(item.default_request, "defaultRequest");
  }
  if (item.type == "PersistentVolumeClaim" && !item.min.contains("storage") &&
      !item.max.contains("storage")) {
    errors.required(
        at.child("limits"),
        "either minimum or maximum storage value is required, but neither was provided");
  }
  take(item.max_limit_request_ratio, "maxLimitRequestRatio");
  for (const std::string& name : names) {
    const auto find = [&](const ResourceList& list) -> const api::Quantity* {
      const auto found = list.find(name);
      return found == list.end() ? nullptr : &found->second;
    };
    const api::Quantity* min = find(item.min);
    const api::Quantity* max = find(item.max);
    const bool pod = item.type == "Pod";
    const api::Quantity* limit = pod ? nullptr : find(item.default_);
    const api::Quantity* request = pod ? nullptr : find(item.default_request);
    const api::Quantity* ratio = find(item.max_limit_request_ratio);
    const auto more = [](const api::Quantity* a, const api::Quantity* b) {
      return a && b && amount_of(*a) > amount_of(*b);
    };
    if (more(min, max)) {
      errors.invalid(at.child("min").key(name), *min,
                     cat("min value ", *min, " is greater than max value ", *max));
    }
    if (more(min, request)) {
      errors.invalid(at.child("defaultRequest").key(name), *request,
                     cat("min value ", *min, " is greater than default request value ", *request));
    }
    if (more(request, max)) {
      errors.invalid(at.child("defaultRequest").key(name), *request,
                     cat("default request value ", *request, " is greater than max value ", *max));
    }
    if (more(request, limit)) {
      errors.invalid(
          at.child("defaultRequest").key(name), *request,
          cat("default request value ", *request, " is greater than default limit value ", *limit));
    }
    if (more(min, limit)) {
      errors.invalid(at.child("default").key(name), *min,
                     cat("min value ", *min, " is greater than default value ", *limit));
    }
    if (more(limit, max)) {
      errors.invalid(at.child("default").key(name), *max,
                     cat("default value ", *limit, " is greater than max value ", *max));
    }
    if (!ratio) continue;
    const FieldPath here = at.child("maxLimitRequestRatio").key(name);
    if (amount_of(*ratio) < api::Amount::of(1))
      errors.invalid(here, *ratio, cat("ratio ", *ratio, " is less than 1"));
    if (min && max && amount_of(*min).sign() > 0) {
      const double most = amount_of(*max).to_double() / amount_of(*min).to_double();
      if (amount_of(*ratio).to_double() > most) {
        errors.invalid(here, *ratio,
                       cat("ratio ", *ratio, " is greater than max/min = ", fixed(most)));
      }
    }
    if ((name.find('/') != std::string::npos || is_huge_page_resource(name)) &&
        !is_overcommit_allowed(name) && limit && request &&
        amount_of(*limit) != amount_of(*request)) {
      errors.invalid(at.child("defaultRequest").key(name), *request,
                     cat("default value ", *limit, " must equal to defaultRequest value ", *request,
                         " in ", name));
    }
  }
}

}  // namespace

void validate(FieldErrors& errors, const corev1::LimitRange& range, const Context&) {
  check_metadata(errors, range.metadata, true, subdomain_name);
  std::set<std::string_view> types;
  for (std::size_t i = 0; i < range.spec.limits.size(); ++i) {
    const corev1::LimitRangeItem& item = range.spec.limits[i];
    const FieldPath here = FieldPath("spec").child("limits").index(i);
    check_type(errors, here.child("type"), item.type);
    if (!types.insert(item.type).second) errors.duplicate(here.child("type"), item.type);
    check_item(errors, here, item);
  }
}

}  // namespace kpp::validation
