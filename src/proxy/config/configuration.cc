#include "proxy/config/configuration.h"

#include "api/configv1alpha1.h"
#include "api/json_codec.h"
#include "base/duration.h"
#include "base/fs.h"
#include "codec/yaml.h"

namespace kpp::proxy {
namespace {

using Configuration = configv1alpha1::KubeProxyConfiguration;

constexpr std::string_view kApiVersion = "kubeproxy.config.k8s.io/v1alpha1";
constexpr std::string_view kKind = "KubeProxyConfiguration";
constexpr std::size_t kLargestFile = 4u << 20;

Status check_kind(const json::Value& document) {
  if (!document.is_object())
    return {Reason::kBadRequest, "couldn't get version/kind; json parse error: no object"};
  const std::string kind(json::text_at(document, "kind"));
  const std::string version(json::text_at(document, "apiVersion"));
  if (kind.empty()) {
    return {Reason::kBadRequest, cat("Object 'Kind' is missing in '", json::write(document), "'")};
  }
  if (version.empty()) {
    return {Reason::kBadRequest,
            cat("Object 'apiVersion' is missing in '", json::write(document), "'")};
  }
  if (kind == kKind && version == kApiVersion) return {};
  return {Reason::kBadRequest,
          cat("no kind ", kpp::quoted(kind), " is registered for version ", kpp::quoted(version))};
}

// An empty or zero span leaves the default.
Status set_span(std::string_view field, const std::string& text, Duration& out) {
  if (text.empty()) return {};
  auto span = parse_go_duration(text);
  if (!span) return {Reason::kInvalid, cat(field, ": ", span.error().message())};
  if (*span < Duration::zero())
    return {Reason::kInvalid, cat(field, ": Invalid value: ", text, ": must be greater than 0")};
  if (*span != Duration::zero()) out = *span;
  return {};
}

// Here a zero counts: it leaves the kernel's own value alone.
Status set_timeout(std::string_view field, const std::string& text, Duration& out) {
  Duration span = Duration::zero();
  KPP_RETURN_IF_ERROR(set_span(field, text, span));
  if (!text.empty()) out = span;
  return {};
}

// "0.0.0.0" alone gets the port.
std::string with_port(const std::string& address, std::string_view fallback, int port) {
  if (address.empty()) return std::string(fallback);
  if (const auto bare = Address::parse(address)) return host_port(bare->to_string(), port);
  return address;
}

Status read_conntrack(const configv1alpha1::KubeProxyConntrackConfiguration& in,
                      ConntrackOptions& out) {
  if (in.max_per_core) out.max_per_core = *in.max_per_core;
  if (in.min) out.min = *in.min;
  if (out.max_per_core < 0 || out.min < 0)
    return {Reason::kInvalid, "conntrack: maxPerCore and min must be greater than or equal to 0"};
  out.tcp_be_liberal = in.tcp_be_liberal;
  KPP_RETURN_IF_ERROR(set_timeout("conntrack.tcpEstablishedTimeout",
                                  in.tcp_established_timeout.value_or(""),
                                  out.tcp_established_timeout));
  KPP_RETURN_IF_ERROR(set_timeout("conntrack.tcpCloseWaitTimeout",
                                  in.tcp_close_wait_timeout.value_or(""),
                                  out.tcp_close_wait_timeout));
  KPP_RETURN_IF_ERROR(set_timeout("conntrack.udpTimeout", in.udp_timeout, out.udp_timeout));
  return set_timeout("conntrack.udpStreamTimeout", in.udp_stream_timeout, out.udp_stream_timeout);
}

Result<ProxyOptions> options_of(const Configuration& in) {
  ProxyOptions out;
  out.hostname_override = in.hostname_override;
  if (!in.bind_address.empty()) out.bind_address = in.bind_address;
  out.mode = in.mode;
  out.cluster_cidr = in.cluster_cidr;
  out.detect_local_mode = in.detect_local_mode;
  out.bridge_interface = in.detect_local.bridge_interface;
  out.interface_name_prefix = in.detect_local.interface_name_prefix;
  out.masquerade_all = in.iptables.masquerade_all;
  if (in.iptables.masquerade_bit) out.masquerade_bit = *in.iptables.masquerade_bit;
  if (in.iptables.localhost_node_ports)
    out.localhost_node_ports = *in.iptables.localhost_node_ports;
  out.node_port_addresses = in.node_port_addresses;
  KPP_RETURN_IF_ERROR(
      set_span("iptables.minSyncPeriod", in.iptables.min_sync_period, out.min_sync_period));
  KPP_RETURN_IF_ERROR(set_span("iptables.syncPeriod", in.iptables.sync_period, out.sync_period));
  KPP_RETURN_IF_ERROR(set_span("configSyncPeriod", in.config_sync_period, out.config_sync_period));
  KPP_RETURN_IF_ERROR(read_conntrack(in.conntrack, out.conntrack));
  const bool v6 = out.bind_address.contains(':');
  out.healthz_bind_address =
      with_port(in.healthz_bind_address, v6 ? "[::]:10256" : "0.0.0.0:10256", kHealthzPort);
  out.metrics_bind_address =
      with_port(in.metrics_bind_address, v6 ? "[::1]:10249" : "127.0.0.1:10249", kMetricsPort);
  KPP_RETURN_IF_ERROR(out.validate());
  return out;
}

}  // namespace

Result<FileSettings> parse_settings(std::string_view text) {
  std::vector<std::string> faults;
  yaml::ParseOptions yaml_options;
  yaml_options.duplicates = &faults;
  KPP_ASSIGN(const json::Value document, yaml::parse(text, yaml_options));
  KPP_RETURN_IF_ERROR(check_kind(document));
  Configuration config;
  std::vector<std::string> unknown;
  api::DecodeOptions json_options;
  json_options.unknown_fields = &unknown;
  KPP_RETURN_IF_ERROR(api::from_json(document, Configuration::desc(), &config, json_options));
  for (const std::string& field : unknown)
    faults.push_back(cat("unknown field ", kpp::quoted(field)));
  FileSettings out;
  if (!faults.empty()) out.warning = cat("strict decoding error: ", join(faults, ", "));
  KPP_ASSIGN(out.options, options_of(config));
  out.kubeconfig = config.client_connection.kubeconfig;
  out.verbosity = static_cast<int>(config.logging.verbosity);
  return out;
}

Result<FileSettings> load_settings(const std::string& path) {
  KPP_ASSIGN(const std::string text, fs::read_file(path, kLargestFile));
  auto read = parse_settings(text);
  if (!read) return fail(std::move(read).error().with_context(cat("reading ", path)));
  return read;
}

}  // namespace kpp::proxy
