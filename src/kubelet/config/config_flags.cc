// Flags that set fields of the configuration.
#include <charconv>

#include "kubelet/config/configuration.h"

namespace kpp::kubelet {
namespace {

using Kind = ConfigFlag::Kind;

constexpr ConfigFlag kFlags[] = {
    {"address", "address", Kind::kText, "the address to serve on"},
    {"allowed-unsafe-sysctls", "allowedUnsafeSysctls", Kind::kList,
     "sysctls, or patterns with a * at the end, that pods may set beside the safe ones"},
    {"anonymous-auth", "authentication.anonymous.enabled", Kind::kSwitch,
     "take requests that prove no identity as those of system:anonymous"},
    {"authentication-token-webhook", "authentication.webhook.enabled", Kind::kSwitch,
     "let the API server review bearer tokens"},
    {"authentication-token-webhook-cache-ttl", "authentication.webhook.cacheTTL", Kind::kText,
     "how long a review of a token holds"},
    {"authorization-mode", "authorization.mode", Kind::kText, "AlwaysAllow or Webhook"},
    {"authorization-webhook-cache-authorized-ttl", "authorization.webhook.cacheAuthorizedTTL",
     Kind::kText, "how long a yes of the API server holds"},
    {"authorization-webhook-cache-unauthorized-ttl", "authorization.webhook.cacheUnauthorizedTTL",
     Kind::kText, "how long a no of the API server holds"},
    {"cgroup-driver", "cgroupDriver", Kind::kText, "cgroupfs or systemd"},
    {"cgroup-root", "cgroupRoot", Kind::kText, "the cgroup above those of pods"},
    {"cgroups-per-qos", "cgroupsPerQOS", Kind::kSwitch,
     "pods and classes of service have cgroups of their own"},
    {"client-ca-file", "authentication.x509.clientCAFile", Kind::kText,
     "the authority that signs client certificates"},
    {"cluster-dns", "clusterDNS", Kind::kList, "addresses of the cluster's DNS service"},
    {"cluster-domain", "clusterDomain", Kind::kText, "the cluster's domain"},
    {"container-runtime-endpoint", "containerRuntimeEndpoint", Kind::kText,
     "the CRI runtime's socket"},
    {"cpu-cfs-quota", "cpuCFSQuota", Kind::kSwitch, "limits of cpu become quotas"},
    {"enable-debugging-handlers", "enableDebuggingHandlers", Kind::kSwitch,
     "serve logs, commands and ports of containers"},
    {"enable-server", "enableServer", Kind::kSwitch, "serve at all"},
    {"enforce-node-allocatable", "enforceNodeAllocatable", Kind::kList,
     "what is held to what it may use: pods, system-reserved, kube-reserved or none"},
    {"event-burst", "eventBurst", Kind::kNumber, "events at once above event-qps"},
    {"event-qps", "eventRecordQPS", Kind::kNumber, "events a second"},
    {"eviction-hard", "evictionHard", Kind::kThresholds,
     "thresholds at which pods are evicted (memory.available<1Gi)"},
    {"fail-cgroupv1", "failCgroupV1", Kind::kSwitch, "refuse to run on cgroups of version 1"},
    {"fail-swap-on", "failSwapOn", Kind::kSwitch, "refuse to run where swap is on"},
    {"feature-gates", "featureGates", Kind::kSwitches, "features switched on or off"},
    {"hairpin-mode", "hairpinMode", Kind::kText, "how a pod reaches itself through its service"},
    {"healthz-bind-address", "healthzBindAddress", Kind::kText, "the address of health checks"},
    {"healthz-port", "healthzPort", Kind::kNumber, "the port of health checks; 0: none"},
    {"image-service-endpoint", "imageServiceEndpoint", Kind::kText,
     "the image service's socket, if it is another one"},
    {"kube-api-burst", "kubeAPIBurst", Kind::kNumber, "requests at once above kube-api-qps"},
    {"kube-api-qps", "kubeAPIQPS", Kind::kNumber, "requests to the API server a second"},
    {"kube-reserved", "kubeReserved", Kind::kMap, "resources kept for Kubernetes (cpu=200m,...)"},
    {"kube-reserved-cgroup", "kubeReservedCgroup", Kind::kText, "the cgroup of Kubernetes"},
    {"make-iptables-util-chains", "makeIPTablesUtilChains", Kind::kSwitch,
     "make the chains that other programs look for"},
    {"max-pods", "maxPods", Kind::kNumber, "how many pods the node takes"},
    {"node-status-max-images", "nodeStatusMaxImages", Kind::kNumber,
     "how many images the node's status names; -1: all"},
    {"node-status-update-frequency", "nodeStatusUpdateFrequency", Kind::kText,
     "how often the node's status is computed"},
    {"pod-manifest-path", "staticPodPath", Kind::kText,
     "a folder of manifests of static pods, or one manifest"},
    {"pod-max-pids", "podPidsLimit", Kind::kNumber, "how many processes a pod may have"},
    {"pods-per-core", "podsPerCore", Kind::kNumber, "how many pods a core takes; 0: no limit"},
    {"port", "port", Kind::kNumber, "the port to serve on"},
    {"provider-id", "providerID", Kind::kText, "the machine's name at its provider"},
    {"read-only-port", "readOnlyPort", Kind::kNumber, "a port that asks nobody who he is; 0: none"},
    {"register-node", "registerNode", Kind::kSwitch, "register with the API server"},
    {"register-with-taints", "registerWithTaints", Kind::kTaints,
     "taints of a node that registers (key=value:effect,...)"},
    {"resolv-conf", "resolvConf", Kind::kText, "what pods with dnsPolicy Default resolve by"},
    {"rotate-certificates", "rotateCertificates", Kind::kSwitch,
     "ask for a new client certificate before the old one expires"},
    {"rotate-server-certificates", "serverTLSBootstrap", Kind::kSwitch,
     "ask the API server for the serving certificate"},
    {"runtime-request-timeout", "runtimeRequestTimeout", Kind::kText,
     "how long the runtime may take to answer"},
    {"seccomp-default", "seccompDefault", Kind::kSwitch,
     "containers that name no seccomp profile have RuntimeDefault"},
    {"serialize-image-pulls", "serializeImagePulls", Kind::kSwitch,
     "pull images one after another"},
    {"system-reserved", "systemReserved", Kind::kMap, "resources kept for the system"},
    {"system-reserved-cgroup", "systemReservedCgroup", Kind::kText, "the cgroup of the system"},
    {"tls-cert-file", "tlsCertFile", Kind::kText, "the certificate to serve with"},
    {"tls-min-version", "tlsMinVersion", Kind::kText, "VersionTLS12 or VersionTLS13"},
    {"tls-private-key-file", "tlsPrivateKeyFile", Kind::kText, "its key"},
};

Status wrong(const ConfigFlag& flag, std::string_view value, std::string_view why) {
  return {Reason::kInvalid,
          cat("invalid argument ", quoted(value), " for \"--", flag.name, "\" flag: ", why)};
}

// The object that holds the last name of the path, made on the way.
json::Object& holder_of(json::Object& document, std::string_view& path) {
  json::Object* at = &document;
  while (true) {
    const auto dot = path.find('.');
    if (dot == std::string_view::npos) return *at;
    json::Value& next = (*at)[path.substr(0, dot)];
    if (!next.is_object()) next = json::Object();
    at = &next.get_object();
    path.remove_prefix(dot + 1);
  }
}

Result<json::Value> number(const ConfigFlag& flag, const std::string& text) {
  std::int64_t out = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || done.ec != std::errc() || done.ptr != text.data() + text.size())
    return fail(
        wrong(flag, text, cat("strconv.ParseInt: parsing ", quoted(text), ": invalid syntax")));
  return json::Value(out);
}

Result<json::Value> pairs(const ConfigFlag& flag, const std::vector<std::string>& values,
                          char between) {
  json::Object out;
  for (const std::string& word : values) {
    if (word.empty()) continue;
    const auto at = word.find(between);
    if (at == std::string::npos || at == 0)
      return fail(wrong(flag, join(values, ","),
                        cat("malformed pair, expect string", std::string(1, between), "string")));
    const std::string value = word.substr(at + 1);
    if (flag.kind != Kind::kSwitches) {
      out[word.substr(0, at)] = value;
    } else if (value == "true" || value == "false") {
      out[word.substr(0, at)] = value == "true";
    } else {
      return fail(
          wrong(flag, join(values, ","),
                cat("invalid value of ", word.substr(0, at), ": ", value,
                    ", err: strconv.ParseBool: parsing ", quoted(value), ": invalid syntax")));
    }
  }
  return json::Value(std::move(out));
}

// "key=value:effect" or "key:effect".
Result<json::Value> taints(const ConfigFlag& flag, const std::vector<std::string>& values) {
  json::Array out;
  for (const std::string& word : values) {
    if (word.empty()) continue;
    const auto colon = word.rfind(':');
    const std::string effect = colon == std::string::npos ? std::string() : word.substr(colon + 1);
    if (effect != "NoSchedule" && effect != "PreferNoSchedule" && effect != "NoExecute")
      return fail(wrong(flag, join(values, ","),
                        effect.empty()
                            ? cat("invalid taint spec: ", word)
                            : cat("invalid taint effect: ", effect, ", unsupported taint effect")));
    const std::string name = word.substr(0, colon);
    const auto equals = name.find('=');
    json::Object taint;
    taint["key"] = name.substr(0, equals);
    if (equals != std::string::npos) taint["value"] = name.substr(equals + 1);
    taint["effect"] = effect;
    out.push_back(std::move(taint));
  }
  return json::Value(std::move(out));
}

Result<json::Value> value_of(const ConfigFlag& flag, const std::vector<std::string>& values) {
  const std::string text = join(values, ",");
  switch (flag.kind) {
    case Kind::kText:
      return json::Value(text);
    case Kind::kNumber:
      return number(flag, text);
    case Kind::kSwitch:
      return json::Value(text == "true");
    case Kind::kList: {
      json::Array out;
      for (const std::string& word : values) out.emplace_back(word);
      return json::Value(std::move(out));
    }
    case Kind::kMap:
    case Kind::kSwitches:
      return pairs(flag, values, '=');
    case Kind::kThresholds:
      return pairs(flag, values, '<');
    case Kind::kTaints:
      return taints(flag, values);
  }
  return fail(Reason::kInternalError, "a flag of no kind");
}

void set_default(json::Object& document, std::string_view path, json::Value value) {
  json::Object& holder = holder_of(document, path);
  if (!holder.contains(path)) holder[path] = std::move(value);
}

}  // namespace

std::span<const ConfigFlag> config_flags() { return kFlags; }

Status set_flag(json::Object& document, const ConfigFlag& flag,
                const std::vector<std::string>& values) {
  KPP_ASSIGN(json::Value value, value_of(flag, values));
  std::string_view name = flag.path;
  json::Object& holder = holder_of(document, name);
  holder[name] = std::move(value);
  return {};
}

void set_defaults_without_file(json::Object& document) {
  set_default(document, "authentication.anonymous.enabled", true);
  set_default(document, "authentication.webhook.enabled", false);
  set_default(document, "authorization.mode", "AlwaysAllow");
}

}  // namespace kpp::kubelet
