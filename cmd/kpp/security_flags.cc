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
  add_audit_to(flags);
}

void SecurityFlags::add_audit_to(Flags& flags) {
  flags.add("audit-log-path", &audit_log_path,
            "the file that requests are written down in; -: standard output");
  flags.add("audit-policy-file", &audit_policy_file,
            "which requests, and how much of them: a Policy of audit.k8s.io/v1");
  flags.add("audit-log-maxage", &audit_log_max_age, "days that old audit files are kept");
  flags.add("audit-log-maxbackup", &audit_log_max_backup, "old audit files that are kept");
  flags.add("audit-log-maxsize", &audit_log_max_size,
            "megabytes of an audit file before it is put aside");
  flags.add("audit-log-format", &audit_log_format, "json");
}

Status SecurityFlags::apply_audit(ControlPlaneOptions& options) const {
  if (audit_log_format != "json") {
    return {Reason::kInvalid,
            cat("invalid audit log format ", audit_log_format, ", allowed formats are \"json\"")};
  }
  if (audit_log_max_age < 0)
    return {Reason::kInvalid,
            cat("--audit-log-maxage ", audit_log_max_age, " can't be a negative number")};
  if (audit_log_max_backup < 0)
    return {Reason::kInvalid,
            cat("--audit-log-maxbackup ", audit_log_max_backup, " can't be a negative number")};
  if (audit_log_max_size < 1)
    return {Reason::kInvalid,
            cat("--audit-log-maxsize ", audit_log_max_size, " must be a positive number")};
  // Without a policy nothing is written, as nothing is asked for.
  if (audit_policy_file.empty()) return {};
  auto text = fs::read_file(audit_policy_file, 1u << 20);
  if (!text) return std::move(text).error().with_context("--audit-policy-file");
  auto policy = apiserver::AuditPolicy::parse(*text);
  if (!policy) {
    return std::move(policy).error().with_context(
        cat("loading audit policy file ", audit_policy_file));
  }
  options.audit_policy = std::move(*policy);
  options.audit_log.path = audit_log_path;
  options.audit_log.max_age_days = audit_log_max_age;
  options.audit_log.max_backups = audit_log_max_backup;
  options.audit_log.max_size = static_cast<std::size_t>(audit_log_max_size);
  return {};
}

Status SecurityFlags::apply(ControlPlaneOptions& options) const {
  KPP_ASSIGN(options.authorization_modes,
             apiserver::parse_authorization_modes(authorization_modes));
  // Where everybody may do everything, nobody comes without a name.
  if (std::find(options.authorization_modes.begin(), options.authorization_modes.end(),
                apiserver::AuthorizationMode::kAlwaysAllow) != options.authorization_modes.end())
    options.anonymous_auth = false;
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
  KPP_RETURN_IF_ERROR(apply_audit(options));
  KPP_RETURN_IF_ERROR(check_address_types(kubelet_address_types));
  if (!kubelet_address_types.empty()) options.kubelet_address_types = kubelet_address_types;
  return {};
}

}  // namespace kpp::cmd
