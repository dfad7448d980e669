#include "kubeadm/config_kinds.h"

#include "kubeadm/config_reader.h"

namespace kpp::kubeadm {

void Reading::end(const FieldReader& reader) {
  if (status.ok() && !reader.status().ok()) {
    status = Status(reader.status()).with_context(kind);
  }
  for (const std::string& field : reader.unknown()) unknown.push_back(field);
}

std::string Reading::complaint() const {
  if (unknown.empty()) return {};
  std::vector<std::string> fields;
  for (const std::string& field : unknown) fields.push_back(cat("unknown field ", quoted(field)));
  const std::size_t slash = group_version.find('/');
  return cat("error unmarshaling configuration schema.GroupVersionKind{Group:",
             quoted(group_version.substr(0, slash)),
             ", Version:", quoted(group_version.substr(slash + 1)), ", Kind:", quoted(kind),
             "}: strict decoding error: ", join(fields, ", "));
}

namespace {

// A list of names and values; in v1beta3 a map.
std::vector<Argument> read_arguments(FieldReader& from, std::string_view name, Reading& reading) {
  std::vector<Argument> out;
  if (reading.group_version == kOldApiVersion) {
    const json::Object* const map = from.object(name);
    if (map == nullptr) return out;
    FieldReader fields(*map, from.path_of(name));
    for (const auto& member : *map) {
      Argument argument{std::string(member.key()), {}};
      fields.text(member.key(), argument.value);
      out.push_back(std::move(argument));
    }
    reading.end(fields);
    return out;
  }
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

json::Array read_envs(FieldReader& from, Reading& reading) {
  json::Array out;
  for (const json::Object* item : from.objects("extraEnvs")) {
    FieldReader fields(*item, from.path_of("extraEnvs"));
    std::string text;
    fields.text("name", text);
    fields.text("value", text);
    fields.skip("valueFrom");
    reading.end(fields);
    out.push_back(*item);
  }
  return out;
}

void read_component(FieldReader& from, std::string_view name, Component& out,
                    std::vector<std::string>* sans, Reading& reading, Seconds* patience = nullptr) {
  const json::Object* const object = from.object(name);
  if (object == nullptr) return;
  FieldReader fields(*object, from.path_of(name));
  out.args = read_arguments(fields, "extraArgs", reading);
  out.envs = read_envs(fields, reading);
  for (const json::Object* item : fields.objects("extraVolumes")) {
    FieldReader inner(*item, fields.path_of("extraVolumes"));
    ExtraVolume volume;
    inner.text("name", volume.name);
    inner.text("hostPath", volume.host_path);
    inner.text("mountPath", volume.mount_path);
    inner.text("pathType", volume.path_type);
    inner.flag("readOnly", volume.read_only);
    reading.end(inner);
    out.volumes.push_back(std::move(volume));
  }
  if (sans != nullptr) fields.texts("certSANs", *sans);
  if (patience != nullptr && reading.group_version == kOldApiVersion) {
    fields.duration("timeoutForControlPlane", *patience);
  }
  reading.end(fields);
}

void read_image(FieldReader& from, ImageMeta& out) {
  from.text("imageRepository", out.repository);
  from.text("imageTag", out.tag);
}

void read_timeouts(FieldReader& from, Timeouts& out, Reading& reading) {
  const json::Object* const object = from.object("timeouts");
  if (object == nullptr) return;
  FieldReader fields(*object, "timeouts");
  fields.duration("controlPlaneComponentHealthCheck", out.control_plane);
  fields.duration("kubeletHealthCheck", out.kubelet);
  fields.duration("kubernetesAPICall", out.api_call);
  fields.duration("etcdAPICall", out.etcd_call);
  fields.duration("tlsBootstrap", out.tls_bootstrap);
  fields.duration("discovery", out.discovery);
  fields.duration("upgradeManifests", out.upgrade_manifests);
  reading.end(fields);
}

// skipPhases, patches and dryRun, of init and join.
template <class Config>
void read_common(FieldReader& from, Config& out, Reading& reading) {
  from.texts("skipPhases", out.skip_phases);
  from.flag("dryRun", out.dry_run);
  read_timeouts(from, out.timeouts, reading);
  if (const json::Object* const patches = from.object("patches")) {
    FieldReader fields(*patches, "patches");
    fields.text("directory", out.patches_dir);
    reading.end(fields);
  }
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
    out.etcd.args = read_arguments(fields, "extraArgs", reading);
    out.etcd.envs = read_envs(fields, reading);
    read_image(fields, out.etcd_image);
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

}  // namespace

void read_cluster(const json::Object& document, ClusterConfig& out, Timeouts& timeouts,
                  Reading& reading) {
  FieldReader fields(document, "");
  fields.skip("kind");
  fields.skip("apiVersion");
  fields.text("kubernetesVersion", out.kubernetes_version);
  // 1.36.0 is v1.36.0.
  if (!out.kubernetes_version.empty() && out.kubernetes_version[0] != 'v') {
    out.kubernetes_version.insert(0, "v");
  }
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
  read_component(fields, "apiServer", out.api_server, &out.cert_sans, reading,
                 &timeouts.control_plane);
  read_component(fields, "controllerManager", out.controller_manager, nullptr, reading);
  read_component(fields, "scheduler", out.scheduler, nullptr, reading);
  read_etcd(fields, out, reading);
  for (auto [name, disabled] :
       {std::pair("proxy", &out.proxy_disabled), {"dns", &out.dns_disabled}}) {
    if (const json::Object* const add_on = fields.object(name)) {
      FieldReader inner(*add_on, name);
      inner.flag("disabled", *disabled);
      if (std::string_view(name) == "dns") read_image(inner, out.dns_image);
      reading.end(inner);
    }
  }
  reading.end(fields);
}

namespace {

void read_registration(FieldReader& from, NodeRegistration& out, Reading& reading) {
  const json::Object* const object = from.object("nodeRegistration");
  if (object == nullptr) return;
  FieldReader fields(*object, "nodeRegistration");
  fields.text("name", out.name);
  fields.text("criSocket", out.cri_socket);
  fields.texts("ignorePreflightErrors", out.ignore_preflight_errors);
  out.kubelet_args = read_arguments(fields, "kubeletExtraArgs", reading);
  fields.text("imagePullPolicy", out.image_pull_policy);
  fields.flag("imagePullSerial", out.image_pull_serial);
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

}  // namespace

void read_init(const json::Object& document, InitConfig& out, Reading& reading) {
  FieldReader fields(document, "");
  fields.skip("kind");
  fields.skip("apiVersion");
  fields.text("certificateKey", out.certificate_key);
  read_common(fields, out, reading);
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

namespace {

void read_discovery(const json::Object& object, JoinConfig& out, Reading& reading) {
  FieldReader discovery(object, "discovery");
  if (reading.group_version == kOldApiVersion) {
    discovery.duration("timeout", out.timeouts.discovery);
  }
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

}  // namespace

void read_join(const json::Object& document, JoinConfig& out, Reading& reading) {
  FieldReader fields(document, "");
  fields.skip("kind");
  fields.skip("apiVersion");
  fields.text("caCertPath", out.ca_cert_path);
  read_common(fields, out, reading);
  read_registration(fields, out.node, reading);
  if (const json::Object* const discovery = fields.object("discovery")) {
    read_discovery(*discovery, out, reading);
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

namespace {}  // namespace

void read_reset(const json::Object& document, ResetConfig& out, Reading& reading) {
  FieldReader fields(document, "");
  fields.skip("kind");
  fields.skip("apiVersion");
  fields.skip("unmountFlags");
  fields.flag("cleanupTmpDir", out.cleanup_tmp_dir);
  fields.text("certificatesDir", out.certificates_dir);
  fields.text("criSocket", out.cri_socket);
  fields.flag("dryRun", out.dry_run);
  fields.flag("force", out.force);
  fields.texts("ignorePreflightErrors", out.ignore_preflight_errors);
  fields.texts("skipPhases", out.skip_phases);
  Timeouts timeouts;
  read_timeouts(fields, timeouts, reading);
  reading.end(fields);
}

}  // namespace kpp::kubeadm
