#include "images/archive.h"

#include <openssl/evp.h>

#include <set>

#include "base/check.h"
#include "codec/json.h"
#include "images/tar.h"

namespace kpp::images {
namespace {

constexpr std::string_view kLayerType = "application/vnd.oci.image.layer.v1.tar";
constexpr std::string_view kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr std::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kIndexType = "application/vnd.oci.image.index.v1+json";

#if defined(__x86_64__)
constexpr std::string_view kArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#endif

json::Array to_array(const std::vector<std::string>& texts) {
  json::Array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

// Digests of layers, which images share: each is computed once.
class LayerDigests {
 public:
  const std::string& of(std::string_view layer) {
    for (const auto& [known, digest] : known_) {
      if (known == layer) return digest;
    }
    return known_.emplace_back(layer, digest_of(layer)).second;
  }

 private:
  std::vector<std::pair<std::string_view, std::string>> known_;
};

json::Object descriptor(std::string_view type, std::string_view data, std::string_view digest) {
  json::Object object;
  object["mediaType"] = type;
  object["digest"] = digest;
  object["size"] = static_cast<std::int64_t>(data.size());
  return object;
}

std::string config_json(const Image& image, LayerDigests& digests) {
  json::Object config;
  const ImageConfig& from = image.config;
  if (!from.user.empty()) config["User"] = from.user;
  if (!from.entrypoint.empty()) config["Entrypoint"] = to_array(from.entrypoint);
  if (!from.command.empty()) config["Cmd"] = to_array(from.command);
  if (!from.environment.empty()) config["Env"] = to_array(from.environment);
  if (!from.working_directory.empty()) config["WorkingDir"] = from.working_directory;
  if (!from.ports.empty()) {
    json::Object ports;
    for (const std::string& port : from.ports) ports[port] = json::Object();
    config["ExposedPorts"] = std::move(ports);
  }
  if (!from.labels.empty()) {
    json::Object labels;
    for (const auto& [key, value] : from.labels) labels[key] = value;
    config["Labels"] = std::move(labels);
  }
  json::Array diff_ids;
  for (const std::string& layer : image.layers) diff_ids.emplace_back(digests.of(layer));
  json::Object root;
  root["architecture"] = kArchitecture;
  root["os"] = "linux";
  root["config"] = std::move(config);
  root["rootfs"] = json::Object{{"type", "layers"}, {"diff_ids", std::move(diff_ids)}};
  return json::write(root);
}

std::string blob_path(std::string_view digest) {
  return cat("blobs/sha256/", digest.substr(digest.find(':') + 1));
}

// Adds content-addressed bytes, each once.
class Blobs {
 public:
  explicit Blobs(TarWriter& tar) : tar_(tar) {}
  Status add(std::string_view data, std::string_view digest) {
    const std::string path = blob_path(digest);
    if (!written_.insert(path).second) return {};
    return tar_.add_file(path, data);
  }

 private:
  TarWriter& tar_;
  std::set<std::string> written_;
};

}  // namespace

std::string digest_of(std::string_view data) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  const int ok = EVP_Digest(data.data(), data.size(), hash, &length, EVP_sha256(), nullptr);
  KPP_CHECK(ok == 1, "SHA-256 is not available");
  std::string out = "sha256:";
  for (unsigned i = 0; i < length; ++i) {
    out += "0123456789abcdef"[hash[i] >> 4];
    out += "0123456789abcdef"[hash[i] & 15];
  }
  return out;
}

Result<std::string> write_archive(const std::vector<Image>& images) {
  TarWriter tar;
  KPP_RETURN_IF_ERROR(tar.add_directory("blobs"));
  KPP_RETURN_IF_ERROR(tar.add_directory("blobs/sha256"));
  Blobs blobs(tar);
  LayerDigests digests;
  json::Array manifests;
  json::Array docker_manifest;
  for (const Image& image : images) {
    const std::string config = config_json(image, digests);
    const std::string config_digest = digest_of(config);
    json::Array layers;
    json::Array layer_paths;
    for (const std::string& layer : image.layers) {
      const std::string& digest = digests.of(layer);
      layers.emplace_back(descriptor(kLayerType, layer, digest));
      layer_paths.emplace_back(blob_path(digest));
      KPP_RETURN_IF_ERROR(blobs.add(layer, digest));
    }
    KPP_RETURN_IF_ERROR(blobs.add(config, config_digest));
    json::Object manifest;
    manifest["schemaVersion"] = 2;
    manifest["mediaType"] = kManifestType;
    manifest["config"] = descriptor(kConfigType, config, config_digest);
    manifest["layers"] = std::move(layers);
    const std::string manifest_text = json::write(manifest);
    const std::string digest = digest_of(manifest_text);
    KPP_RETURN_IF_ERROR(blobs.add(manifest_text, digest));
    json::Object entry = descriptor(kManifestType, manifest_text, digest);
    const std::size_t colon = image.name.rfind(':');
    entry["platform"] = json::Object{{"architecture", kArchitecture}, {"os", "linux"}};
    entry["annotations"] =
        json::Object{{"io.containerd.image.name", image.name},
                     {"org.opencontainers.image.ref.name", image.name.substr(colon + 1)}};
    manifests.emplace_back(std::move(entry));
    docker_manifest.emplace_back(json::Object{{"Config", blob_path(config_digest)},
                                              {"RepoTags", json::Array{image.name}},
                                              {"Layers", std::move(layer_paths)}});
  }
  json::Object index;
  index["schemaVersion"] = 2;
  index["mediaType"] = kIndexType;
  index["manifests"] = std::move(manifests);
  KPP_RETURN_IF_ERROR(tar.add_file("index.json", json::write(index)));
  KPP_RETURN_IF_ERROR(tar.add_file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
  // Docker before 25 knows no layouts: what it reads names the same blobs.
  KPP_RETURN_IF_ERROR(tar.add_file("manifest.json", json::write(docker_manifest)));
  return tar.finish();
}

}  // namespace kpp::images
