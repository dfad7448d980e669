// Ingresses, their classes, and addresses of services.
#include <array>

#include "api/json_codec.h"
#include "validation/addresses.h"
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

void check_backend(FieldErrors& errors, const FieldPath& at,
                   const networkingv1::IngressBackend& backend) {
  if (backend.resource && backend.service) {
    errors.invalid(at, "", "cannot set both resource and service backends");
  } else if (backend.resource) {
    const FieldPath here = at.child("resource");
    if (backend.resource->api_group && !backend.resource->api_group->empty()) {
      check_dns1123_subdomain(errors, here.child("apiGroup"), *backend.resource->api_group);
    }
    if (backend.resource->kind.empty()) {
      errors.required(here.child("kind"));
    } else {
      errors.invalid_each(here.child("kind"), backend.resource->kind,
                          path_segment_name(backend.resource->kind));
    }
    if (backend.resource->name.empty()) {
      errors.required(here.child("name"));
    } else {
      errors.invalid_each(here.child("name"), backend.resource->name,
                          path_segment_name(backend.resource->name));
    }
  } else if (backend.service) {
    const networkingv1::IngressServiceBackend& service = *backend.service;
    const FieldPath here = at.child("service");
    if (service.name.empty()) {
      errors.required(here.child("name"));
    } else {
      check_dns1123_label(errors, here.child("name"), service.name);
    }
    if (!service.port.name.empty() && service.port.number != 0) {
      errors.invalid(at, "", "cannot set both port name & port number");
    } else if (!service.port.name.empty()) {
      errors.invalid_each(here.child("port", "name"), service.port.name,
                          port_name(service.port.name));
    } else if (service.port.number == 0) {
      errors.required(at, "port name or number is required");
    } else {
      errors.invalid_each(here.child("port", "number"), service.port.number,
                          port_number(service.port.number));
    }
  } else {
    errors.invalid(at, "", "resource or service backend is required");
  }
}

void check_path(FieldErrors& errors, const FieldPath& at,
                const networkingv1::HTTPIngressPath& path) {
  if (!path.path_type) return errors.required(at.child("pathType"), "pathType must be specified");
  const FieldPath text = at.child("path");
  if (*path.path_type == "Exact" || *path.path_type == "Prefix") {
    if (!path.path.starts_with('/')) errors.invalid(text, path.path, "must be an absolute path");
    static constexpr std::array<std::string_view, 5> kInside = {"//", "/./", "/../", "%2f", "%2F"};
    for (std::string_view bad : kInside) {
      if (path.path.find(bad) != std::string::npos)
        errors.invalid(text, path.path, cat("must not contain '", bad, "'"));
    }
    static constexpr std::array<std::string_view, 2> kEnds = {"/..", "/."};
    for (std::string_view bad : kEnds) {
      if (path.path.ends_with(bad))
        errors.invalid(text, path.path, cat("cannot end with '", bad, "'"));
    }
  } else if (*path.path_type == "ImplementationSpecific") {
    if (!path.path.empty() && !path.path.starts_with('/'))
      errors.invalid(text, path.path, "must be an absolute path");
  } else {
    errors.not_supported(at.child("pathType"), *path.path_type,
                         {"Exact", "ImplementationSpecific", "Prefix"});
  }
  check_backend(errors, at.child("backend"), path.backend);
}

void check_host(FieldErrors& errors, const FieldPath& at, const std::string& host) {
  if (parse_ip(host)) errors.invalid(at, host, "must be a DNS name, not an IP address");
  if (host.find('*') != std::string::npos) {
    errors.invalid_each(at, host, wildcard_dns1123_subdomain(host));
  } else {
    check_dns1123_subdomain(errors, at, host);
  }
}

void check_spec(FieldErrors& errors, const networkingv1::IngressSpec& spec) {
  const FieldPath at("spec");
  if (spec.rules.empty() && !spec.default_backend) {
    errors.invalid(at, nullptr, "either `defaultBackend` or `rules` must be specified");
  }
  if (spec.default_backend)
    check_backend(errors, at.child("defaultBackend"), *spec.default_backend);
  for (std::size_t i = 0; i < spec.rules.size(); ++i) {
    const FieldPath here = at.child("rules").index(i);
    if (!spec.rules[i].host.empty()) check_host(errors, here.child("host"), spec.rules[i].host);
    const auto& http = spec.rules[i].ingress_rule_value.http;
    if (!http) continue;
    const FieldPath paths = here.child("http", "paths");
    if (http->paths.empty()) errors.required(paths);
    for (std::size_t k = 0; k < http->paths.size(); ++k)
      check_path(errors, paths.index(k), http->paths[k]);
  }
  for (std::size_t i = 0; i < spec.tls.size(); ++i) {
    const FieldPath here = at.child("tls").index(i);
    for (std::size_t k = 0; k < spec.tls[i].hosts.size(); ++k) {
      const std::string& host = spec.tls[i].hosts[k];
      errors.invalid_each(here.child("hosts").index(k), host,
                          host.find('*') != std::string::npos ? wildcard_dns1123_subdomain(host)
                                                              : dns1123_subdomain(host));
    }
    if (!spec.tls[i].secret_name.empty())
      check_dns1123_subdomain(errors, here.child("secretName"), spec.tls[i].secret_name);
  }
  if (spec.ingress_class_name)
    check_dns1123_subdomain(errors, at.child("ingressClassName"), *spec.ingress_class_name);
}

}  // namespace

void validate(FieldErrors& errors, const networkingv1::Ingress& ingress, const Context&) {
  check_metadata(errors, ingress.metadata, true, subdomain_name);
  check_spec(errors, ingress.spec);
  if (ingress.spec.ingress_class_name &&
      ingress.metadata.annotations.contains("kubernetes.io/ingress.class") &&
      ingress.metadata.annotations.at("kubernetes.io/ingress.class") !=
          *ingress.spec.ingress_class_name) {
    errors.invalid(FieldPath("metadata").child("annotations").child("kubernetes.io/ingress.class"),
                   ingress.metadata.annotations.at("kubernetes.io/ingress.class"),
                   "must match `ingressClassName` when both are specified");
  }
}

void validate_change(FieldErrors& errors, const networkingv1::Ingress& ingress,
                     const networkingv1::Ingress& old, const Context& context) {
  check_metadata_update(errors, ingress.metadata, old.metadata);
  if (!context.is_status) check_spec(errors, ingress.spec);
}

void validate(FieldErrors& errors, const networkingv1::IngressClass& object, const Context&) {
  check_metadata(errors, object.metadata, false, subdomain_name);
  const FieldPath at = FieldPath("spec").child("controller");
  if (object.spec.controller.empty()) {
    errors.required(at);
  } else if (object.spec.controller.find('/') == std::string::npos ||
             !qualified_name(object.spec.controller).empty()) {
    errors.invalid(at, object.spec.controller,
                   "must be a domain-prefixed path (such as \"acme.io/foo\")");
  }
  if (object.spec.controller.size() > 250) errors.too_long(at, 250);
}

void validate_change(FieldErrors& errors, const networkingv1::IngressClass& object,
                     const networkingv1::IngressClass& old, const Context&) {
  check_metadata_update(errors, object.metadata, old.metadata);
  check_immutable(errors, FieldPath("spec").child("controller"), object.spec.controller,
                  old.spec.controller);
}

}  // namespace kpp::validation
