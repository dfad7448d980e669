#include <cstdio>

#include "api/corev1.h"
#include "api/pod_amounts.h"
#include "api/quantity.h"
#include "apiserver/admission/plugins.h"

namespace kpp::apiserver {
namespace {

constexpr const char* kAnnotation = "kubernetes.io/limit-ranger";

bool is_pod(const AdmissionRequest& request) { return creates(request, "", "pods"); }
bool is_claim(const AdmissionRequest& request) {
  return is_about(request, "", "persistentvolumeclaims") &&
         (request.operation == Operation::kCreate || request.operation == Operation::kUpdate);
}

// --- defaults

// Adds what is missing; gives the names of what was added.
std::vector<std::string> fill(api::Amounts& to, const api::Amounts& from) {
  std::vector<std::string> added;
  for (const auto& [name, amount] : from) {
    if (to.emplace(name, amount).second) added.push_back(name);
  }
  return added;
}

void fill_container(corev1::Container& container, const api::Amounts& requests,
                    const api::Amounts& limits, std::string_view kind,
                    std::vector<std::string>& notes) {
  const auto set_limits = fill(container.resources.limits, limits);
  const auto set_requests = fill(container.resources.requests, requests);
  if (!set_requests.empty())
    notes.push_back(cat(join(set_requests, ", "), " request for ", kind, " ", container.name));
  if (!set_limits.empty())
    notes.push_back(cat(join(set_limits, ", "), " limit for ", kind, " ", container.name));
}

Status admit(api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (!is_pod(request)) return {};
  auto& pod = *object.as<corev1::Pod>();
  for (const auto& range : lookup.list<corev1::LimitRange>("", "limitranges", request.namespace_)) {
    api::Amounts requests, limits;
    for (const auto& item : range.spec.limits) {
      if (item.type != "Container") continue;
      for (const auto& [name, amount] : item.default_request) requests[name] = amount;
      for (const auto& [name, amount] : item.default_) limits[name] = amount;
    }
    std::vector<std::string> notes;
    for (auto& container : pod.spec.containers)
      fill_container(container, requests, limits, "container", notes);
    for (auto& container : pod.spec.init_containers)
      fill_container(container, requests, limits, "init container", notes);
    if (!notes.empty())
      pod.metadata.annotations[kAnnotation] = cat("LimitRanger plugin set: ", join(notes, "; "));
  }
  return {};
}

// --- bounds

const api::Quantity* find(const api::Amounts& amounts, const std::string& name) {
  const auto it = amounts.find(name);
  return it == amounts.end() ? nullptr : &it->second;
}

// One kind of thing that bounds are for: its requests and limits, and the complaints about them.
struct Bounded {
  std::string_view kind;
  const api::Amounts& requests;
  const api::Amounts& limits;
  std::vector<std::string>& complaints;

  void complain(std::string_view which, const std::string& name, const api::Quantity& bound,
                const std::string& why) {
    complaints.push_back(cat(which, " ", name, " usage per ", kind, " is ", bound.text, why));
  }
  void at_least(const std::string& name, const api::Quantity& bound) {
    const auto* request = find(requests, name);
    const auto* limit = find(limits, name);
    if (request == nullptr) {
      complain("minimum", name, bound, ".  No request is specified");
    } else if (api::compare(*request, bound) < 0) {
      complain("minimum", name, bound, cat(", but request is ", request->text));
    } else if (limit != nullptr && api::compare(*limit, bound) < 0) {
      complain("minimum", name, bound, cat(", but limit is ", limit->text));
    }
  }
  void at_most(const std::string& name, const api::Quantity& bound) {
    const auto* request = find(requests, name);
    const auto* limit = find(limits, name);
    if (limit == nullptr) {
      complain("maximum", name, bound, ".  No limit is specified");
    } else if (api::compare(*limit, bound) > 0) {
      complain("maximum", name, bound, cat(", but limit is ", limit->text));
    } else if (request != nullptr && api::compare(*request, bound) > 0) {
      complain("maximum", name, bound, cat(", but request is ", request->text));
    }
  }
  void request_at_most(const std::string& name, const api::Quantity& bound) {
    const auto* request = find(requests, name);
    if (request == nullptr) {
      complain("maximum", name, bound, ".  No request is specified");
    } else if (api::compare(*request, bound) > 0) {
      complain("maximum", name, bound, cat(", but request is ", request->text));
    }
  }
  void ratio(const std::string& name, const api::Quantity& bound) {
    const auto* request = find(requests, name);
    const auto* limit = find(limits, name);
    std::string why;
    if (request == nullptr || api::Amount::from(*request).is_zero()) {
      why = "but no request is specified or request is 0";
    } else if (limit == nullptr || api::Amount::from(*limit).is_zero()) {
      why = "but no limit is specified or limit is 0";
    } else {
      const double observed =
          api::Amount::from(*limit).to_double() / api::Amount::from(*request).to_double();
      if (observed <= api::Amount::from(bound).to_double()) return;
      char text[64];
      std::snprintf(text, sizeof text, "%f", observed);
      why = cat("but provided ratio is ", text);
    }
    complaints.push_back(
        cat(name, " max limit to request ratio per ", kind, " is ", bound.text, ", ", why));
  }
  void check(const corev1::LimitRangeItem& item) {
    for (const auto& [name, bound] : item.min) at_least(name, bound);
    for (const auto& [name, bound] : item.max) at_most(name, bound);
    for (const auto& [name, bound] : item.max_limit_request_ratio) ratio(name, bound);
  }
};

Status check(const api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (!is_pod(request) && !is_claim(request)) return {};
  for (const auto& range : lookup.list<corev1::LimitRange>("", "limitranges", request.namespace_)) {
    std::vector<std::string> complaints;
    for (const auto& item : range.spec.limits) {
      if (const auto* claim = object.as<corev1::PersistentVolumeClaim>()) {
        if (item.type != "PersistentVolumeClaim") continue;
        static const api::Amounts kNone;
        Bounded bounded{item.type, claim->spec.resources.requests, kNone, complaints};
        for (const auto& [name, bound] : item.min) bounded.at_least(name, bound);
        for (const auto& [name, bound] : item.max) bounded.request_at_most(name, bound);
        continue;
      }
      const auto& spec = object.as<corev1::Pod>()->spec;
      if (item.type == "Container") {
        for (const auto* containers : {&spec.containers, &spec.init_containers}) {
          for (const auto& container : *containers) {
            Bounded{item.type, container.resources.requests, container.resources.limits, complaints}
                .check(item);
          }
        }
      } else if (item.type == "Pod") {
        const api::Amounts requests = api::pod_total(spec, &corev1::ResourceRequirements::requests);
        const api::Amounts limits = api::pod_total(spec, &corev1::ResourceRequirements::limits);
        Bounded{item.type, requests, limits, complaints}.check(item);
      }
    }
    if (!complaints.empty()) return refused(request, one_text(complaints));
  }
  return {};
}

}  // namespace

Plugin limit_ranger_plugin() { return {"LimitRanger", admit, check, nullptr}; }

}  // namespace kpp::apiserver
