// Reads the documents of a --config file.
#include "codec/yaml.h"
#include "kubeadm/config.h"
#include "kubeadm/config_reader.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kKubeletKind = "KubeletConfiguration";
constexpr std::string_view kProxyKind = "KubeProxyConfiguration";

// One document while it is read: every part reports here.
struct Reading {
  std::vector<std::string>& warnings;
  std::string kind;
  Status status;

  void end(const FieldReader& reader) {
    if (status.ok() && !reader.status().ok()) {
      status = Status(reader.status()).with_context(kind);
    }
    for (const std::string& field : reader.unknown()) {
      warnings.push_back(cat(kind, ": strict decoding error: unknown field ", quoted(field)));
    }
  }
};

std::vector<Argument> read_arguments(FieldReader& from, std::string_view name, Reading& reading) {
  std::vector<Argument> out;
  for (const json::Object* item : from.objects(name)) {
    FieldReader fields(*item, from.path_of(name));
    Argument argument;
    fields.text("name", argument.name);
    fields.text("value", argument.value);
    reading.end(fields);
    out.push_back(std::move(argument));
  }
  return out;
}

void read_component(FieldReader& from, std::string_view name, std::vector<Argument>& arguments,
                    std::vector<std::string>* sans, Reading& reading) {
  const json::Object* const object = from.object(name);
  if (object == nullptr) return;
  FieldReader fields(*object, from.path_of(name));
  arguments = read_arguments(fields, "extraArgs", reading);
  if (sans != nullptr) fields.texts("certSANs", *sans);
  reading.end(fields);
}

void read_etcd(FieldReader& from, ClusterConfig& out, Reading& reading) {
  const json::Object* const object = from.object("etcd");
  if (object == nullptr) return;
  FieldReader etcd(*object, "etcd");
  if (const json::Object* const local = etcd.object("local")) {
    FieldReader fields(*local, "etcd.local");
    fields.text("dataDir", out.etcd_data_dir);
    fields.texts("serverCertSANs", out.etcd_server_sans);
    fields.texts("peerCertSANs", out.etcd_peer_sans);
    out.etcd_args = read_arguments(fields, "extraArgs", reading);
    reading.end(fields);
  }
  if (const json::Object* const external = etcd.object("external")) {
    FieldReader fields(*external, "etcd.external");
    out.store = StoreKind::kExternalEtcd;
    fields.texts("endpoints", out.external_etcd.endpoints);
    fields.text("caFile", out.external_etcd.ca_file);
    fields.text("certFile", out.external_etcd.cert_file);
    fields.text("keyFile", out.external_etcd.key_file);
    reading.end(fields);
  }
  reading.end(etcd);
}

void read_cluster(const json::Object& document, ClusterConfig& out, Reading& reading) {
  FieldReader fields(document, "");
  fields.skip("kind");
  fields.skip("apiVersion");
  fields.text("kubernetesVersion", out.kubernetes_version);
  fields.text("clusterName", out.cluster_name);
  fields.text("controlPlaneEndpoint", out.control_plane_endpoint);
  fields.text("certificatesDir", out.certificates_dir);
  fields.text("imageRepository", out.image_repository);
  fields.text("encryptionAlgorithm", out.encryption_algorithm);
  fields.duration("certificateValidityPeriod", out.certificate_validity);
  fields.duration("caCertificateValidityPeriod", out.ca_validity);
  fields.skip("featureGates");
  if (const json::Object* const networking = fields.object("networking")) {
    FieldReader inner(*networking, "networking");
    inner.text("serviceSubnet", out.service_subnet);
    inner.text("podSubnet", out.pod_subnet);
    inner.text("dnsDomain", out.dns_domain);
    reading.end(inner);
  }
  read_component(fields, "apiServer", out.api_server_args, &out.cert_sans, reading);
  read_component(fields, "controllerManager", out.controller_manager_args, nullptr, reading);
  read_component(fields, "scheduler", out.scheduler_args, nullptr, reading);
  read_etcd(fields, out, reading);
  for (auto [name, disabled] :
       {std::pair("proxy", &out.proxy_disabled), {"dns", &out.dns_disabled}}) {
    if (const json::Object* const add_on = fields.object(name)) {
      FieldReader inner(*add_on, name);
      inner.flag("disabled", *disabled);
      reading.end(inner);
    }
  }
  reading.end(fields);
}

void read_registration(FieldReader& from, NodeRegistration& out, Reading& reading) {
  const json::Object* const object = from.object("nodeRegistration");
  if (object == nullptr) return;
  FieldReader fields(*object, "nodeRegistration");
  fields.text("name", out.name);
  fields.text("criSocket", out.cri_socket);
  fields.texts("ignorePreflightErrors", out.ignore_preflight_errors);
  out.kubelet_args = read_arguments(fields, "kubeletExtraArgs", reading);
  fields.skip("imagePullPolicy");
  fields.skip("imagePullSerial");
  if (object->contains("taints") && !object->at("taints").is_null()) {
    out.taints.emplace();
    for (const json::Object* item : fields.objects("taints")) {
      FieldReader inner(*item, "nodeRegistration.taints");
      Taint taint;
      inner.text("key", taint.key);
      inner.text("value", taint.value);
      inner.text("effect", taint.effect);
      reading.end(inner);
      out.taints->push_back(std::move(taint));
    }
  }
  fields.skip("taints");
  reading.end(fields);
}

void read_init(const json::Object& document, InitConfig& out, Reading& reading) {
  FieldReader fields(document, "");
  fields.skip("kind");
  fields.skip("apiVersion");
  fields.skip("timeouts");
  fields.text("certificateKey", out.certificate_key);
  fields.texts("skipPhases", out.skip_phases);
  read_registration(fields, out.node, reading);
  if (const json::Object* const endpoint = fields.object("localAPIEndpoint")) {
    FieldReader inner(*endpoint, "localAPIEndpoint");
    inner.text("advertiseAddress", out.advertise_address);
    inner.number("bindPort", out.bind_port);
    reading.end(inner);
  }
  for (const json::Object* item : fields.objects("bootstrapTokens")) {
    FieldReader inner(*item, "bootstrapTokens");
    BootstrapToken token;
    inner.text("token", token.token);
    inner.text("description", token.description);
    inner.duration("ttl", token.ttl);
    inner.texts("usages", token.usages);
    inner.texts("groups", token.groups);
    reading.end(inner);
    out.tokens.push_back(std::move(token));
  }
  reading.end(fields);
}

void read_discovery(const json::Object& object, JoinConfig& out, Reading& reading) {
  FieldReader discovery(object, "discovery");
  discovery.text("tlsBootstrapToken", out.tls_bootstrap_token);
  if (const json::Object* const token = discovery.object("bootstrapToken")) {
    FieldReader fields(*token, "discovery.bootstrapToken");
    fields.text("token", out.token);
    fields.text("apiServerEndpoint", out.api_server_endpoint);
    fields.texts("caCertHashes", out.ca_cert_hashes);
    fields.flag("unsafeSkipCAVerification", out.unsafe_skip_ca_verification);
    reading.end(fields);
  }
  if (const json::Object* const file = discovery.object("file")) {
    FieldReader fields(*file, "discovery.file");
    fields.text("kubeConfigPath", out.discovery_file);
    reading.end(fields);
  }
  reading.end(discovery);
}

void read_join(const json::Object& document, JoinConfig& out, Reading& reading) {
  FieldReader fields(document, "");
  fields.skip("kind");
  fields.skip("apiVersion");
  fields.text("caCertPath", out.ca_cert_path);
  read_registration(fields, out.node, reading);
  if (const json::Object* const discovery = fields.object("discovery")) {
    read_discovery(*discovery, out, reading);
  }
  if (const json::Object* const timeouts = fields.object("timeouts")) {
    FieldReader inner(*timeouts, "timeouts");
    inner.duration("discovery", out.discovery_timeout);
    inner.duration("tlsBootstrap", out.tls_bootstrap_timeout);
    for (const char* other : {"controlPlaneComponentHealthCheck", "kubeletHealthCheck",
                              "kubernetesAPICall", "etcdAPICall", "upgradeManifests"}) {
      inner.skip(other);
    }
    reading.end(inner);
  }
  if (const json::Object* const plane = fields.object("controlPlane")) {
    FieldReader inner(*plane, "controlPlane");
    out.control_plane = true;
    if (const json::Object* const endpoint = inner.object("localAPIEndpoint")) {
      FieldReader address(*endpoint, "controlPlane.localAPIEndpoint");
      address.text("advertiseAddress", out.advertise_address);
      address.number("bindPort", out.bind_port);
      reading.end(address);
    }
    inner.text("certificateKey", out.certificate_key);
    reading.end(inner);
  }
  reading.end(fields);
}

struct Document {
  std::string group_version, kind;
  json::Object fields;
};

Result<std::vector<Document>> documents_of(std::string_view text) {
  KPP_ASSIGN(std::vector<json::Value> values, yaml::parse_all(text));
  std::vector<Document> out;
  for (json::Value& value : values) {
    Document document{std::string(json::text_at(value, "apiVersion")),
                      std::string(json::text_at(value, "kind")),
                      {}};
    if (document.kind.empty() || document.group_version.empty()) {
      return fail(Reason::kInvalid,
                  "invalid configuration for GroupVersionKind /, Kind=: kind and "
                  "apiVersion is mandatory information that must be specified");
    }
    if (document.group_version.starts_with("kubeadm.k8s.io/") &&
        document.group_version != kApiVersion) {
      return fail(Reason::kInvalid,
                  cat("your configuration file uses an API spec: ", quoted(document.group_version),
                      " that is not supported; use ", quoted(kApiVersion)));
    }
    document.fields = std::move(value.get_object());
    out.push_back(std::move(document));
  }
  return out;
}

}  // namespace

Status read_init_config(std::string_view text, InitConfig& config,
                        std::vector<std::string>& warnings) {
  KPP_ASSIGN(const std::vector<Document> documents, documents_of(text));
  bool found = false;
  for (const Document& document : documents) {
    Reading reading{warnings, document.kind, {}};
    found =
        found || document.kind == "InitConfiguration" || document.kind == "ClusterConfiguration";
    if (document.kind == "InitConfiguration") {
      read_init(document.fields, config, reading);
    } else if (document.kind == "ClusterConfiguration") {
      read_cluster(document.fields, config.cluster, reading);
    } else if (document.kind == kKubeletKind) {
      config.kubelet = document.fields;
    } else if (document.kind == kProxyKind) {
      config.proxy = document.fields;
    } else if (document.group_version != kApiVersion) {
      warnings.push_back(cat("Ignored configuration document with GroupVersionKind ",
                             document.group_version, ", Kind=", document.kind));
    }
    KPP_RETURN_IF_ERROR(reading.status);
  }
  if (!found) {
    return {Reason::kInvalid,
            "no InitConfiguration or ClusterConfiguration kind was found in the "
            "configuration file"};
  }
  return {};
}

Status read_join_config(std::string_view text, JoinConfig& config,
                        std::vector<std::string>& warnings) {
  KPP_ASSIGN(const std::vector<Document> documents, documents_of(text));
  for (const Document& document : documents) {
    if (document.kind != "JoinConfiguration") continue;
    Reading reading{warnings, document.kind, {}};
    read_join(document.fields, config, reading);
    return reading.status;
  }
  return {Reason::kInvalid, "no JoinConfiguration found in the configuration file"};
}

}  // namespace kpp::kubeadm
