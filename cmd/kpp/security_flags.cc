#include "security_flags.h"

#include <algorithm>

#include "base/fs.h"

namespace kpp::cmd {
namespace {

Status check_address_types(const std::vector<std::string>& types) {
  static constexpr std::string_view kKnown[] = {"Hostname", "InternalDNS", "InternalIP",
                                                "ExternalDNS", "ExternalIP"};
  for (const auto& type : types) {
    if (std::find(std::begin(kKnown), std::end(kKnown), type) == std::end(kKnown)) {
      return {Reason::kInvalid,
              cat("--kubelet-preferred-address-types: unknown address type ", quoted(type))};
    }
  }
  return {};
}

}  // namespace

void SecurityFlags::add_to(Flags& flags) {
  flags.add("authorization-mode", &authorization_modes,
            "who is asked whether a request is allowed, in order: Node, RBAC, AlwaysAllow, "
            "AlwaysDeny");
  flags.add("requestheader-client-ca-file", &request_header_ca_file,
            "a PEM file of CAs whose clients may say for whom they speak");
  flags.add("requestheader-allowed-names", &allowed_names,
            "common names of such clients; none: any that the CA signed");
  flags.add("requestheader-username-headers", &username_headers,
            "headers that name the user, e.g. X-Remote-User");
  flags.add("requestheader-uid-headers", &uid_headers, "headers that hold the user's UID");
  flags.add("requestheader-group-headers", &group_headers,
            "headers that name the user's groups, e.g. X-Remote-Group");
  flags.add("requestheader-extra-headers-prefix", &extra_header_prefixes,
            "what names of headers with more about the user begin with");
  flags.add("proxy-client-cert-file", &proxy_client_cert_file,
            "shown to aggregated API servers, of which there are none yet");
  flags.add("proxy-client-key-file", &proxy_client_key_file, "its key");
  flags.add("kubelet-preferred-address-types", &kubelet_address_types,
            "which of a node's addresses its kubelet is reached by, the best first");
  flags.add("enable-admission-plugins", &enable_plugins,
            "admission plugins beside those that are on by default");
  flags.add("disable-admission-plugins", &disable_plugins,
            "admission plugins that do not run though they are on by default");
}

Status SecurityFlags::apply(ControlPlaneOptions& options) const {
  KPP_ASSIGN(options.authorization_modes,
             apiserver::parse_authorization_modes(authorization_modes));
  KPP_ASSIGN(options.admission_plugins, apiserver::select_plugins(enable_plugins, disable_plugins));
  auto& headers = options.request_headers;
  headers.allowed_names = allowed_names;
  headers.username_headers = username_headers;
  headers.uid_headers = uid_headers;
  headers.group_headers = group_headers;
  headers.extra_header_prefixes = extra_header_prefixes;
  if (!request_header_ca_file.empty()) {
    auto pem = fs::read_file(request_header_ca_file, 1u << 20);
    if (!pem) return std::move(pem).error().with_context("--requestheader-client-ca-file");
    headers.client_ca_pem = std::move(*pem);
  }
  if (proxy_client_cert_file.empty() != proxy_client_key_file.empty()) {
    return {Reason::kInvalid,
            "--proxy-client-cert-file and --proxy-client-key-file must be given together"};
  }
  KPP_RETURN_IF_ERROR(check_address_types(kubelet_address_types));
  if (!kubelet_address_types.empty()) options.kubelet_address_types = kubelet_address_types;
  return {};
}

}  // namespace kpp::cmd
