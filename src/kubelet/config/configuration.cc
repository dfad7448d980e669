#include "kubelet/config/configuration.h"

#include <filesystem>

#include "api/json_codec.h"
#include "base/fs.h"
#include "codec/yaml.h"

namespace kpp::kubelet {
namespace {

constexpr std::string_view kApiVersion = "kubelet.config.k8s.io/v1beta1";
constexpr std::string_view kKind = "KubeletConfiguration";
constexpr std::size_t kLargestFile = 4u << 20;

// Fields that hold paths, which count from the folder of the file.
constexpr const char* kPaths[] = {"staticPodPath", "tlsCertFile", "tlsPrivateKeyFile",
                                  "authentication.x509.clientCAFile", "resolvConf"};

json::Value* find(json::Object& object, std::string_view path) {
  json::Object* at = &object;
  while (true) {
    const auto dot = path.find('.');
    json::Value* const value = at->if_contains(path.substr(0, dot));
    if (value == nullptr || dot == std::string_view::npos) return value;
    if (!value->is_object()) return nullptr;
    at = &value->get_object();
    path.remove_prefix(dot + 1);
  }
}

Status strict_error(const std::vector<std::string>& faults) {
  return {Reason::kBadRequest, cat("strict decoding error: ", join(faults, ", "))};
}

}  // namespace

Result<json::Object> parse_configuration(std::string_view text) {
  std::vector<std::string> duplicates;
  yaml::ParseOptions options;
  options.duplicates = &duplicates;
  KPP_ASSIGN(json::Value document, yaml::parse(text, options));
  if (!document.is_object())
    return fail(Reason::kBadRequest, "couldn't get version/kind; json parse error: no object");
  auto& object = document.get_object();
  const std::string kind(json::text_at(document, "kind"));
  const std::string version(json::text_at(document, "apiVersion"));
  if (kind.empty())
    return fail(Reason::kBadRequest,
                cat("Object 'Kind' is missing in '", json::write(document), "'"));
  if (version.empty())
    return fail(Reason::kBadRequest,
                cat("Object 'apiVersion' is missing in '", json::write(document), "'"));
  if (kind != kKind || version != kApiVersion)
    return fail(Reason::kBadRequest, cat("no kind ", kpp::quoted(kind),
                                         " is registered for version ", kpp::quoted(version)));
  if (!duplicates.empty()) {
    for (auto& line : duplicates) line = cat("yaml: unmarshal errors:\n  ", line);
    return fail(strict_error(duplicates));
  }
  return std::move(object);
}

Result<json::Object> load_configuration(const std::string& path) {
  const std::string absolute = std::filesystem::absolute(path).lexically_normal().string();
  const auto refuse = [&](std::string_view why) {
    return fail(Reason::kInvalid,
                cat("failed to load kubelet config file, path: ", path,
                    ", error: failed to load Kubelet config file ", absolute, ", error ", why));
  };
  const auto text = fs::read_file(absolute, kLargestFile);
  if (!text) {
    return refuse(cat("failed to read kubelet config file ", kpp::quoted(absolute),
                      ", error: ", text.error().message()));
  }
  if (text->empty())
    return refuse(cat("kubelet config file ", kpp::quoted(absolute), " was empty"));
  auto document = parse_configuration(*text);
  if (!document) return refuse(cat("failed to decode: ", document.error().message()));
  const auto decoded = decode_configuration(*document);
  if (!decoded) return refuse(cat("failed to decode: ", decoded.error().message()));
  const std::filesystem::path folder = std::filesystem::path(absolute).parent_path();
  for (const char* field : kPaths) {
    json::Value* const value = find(*document, field);
    if (value == nullptr || !value->is_string() || value->get_string().empty()) continue;
    const std::string given(value->get_string());
    if (!given.starts_with('/')) *value = (folder / given).lexically_normal().string();
  }
  return document;
}

Result<Configuration> decode_configuration(const json::Object& document) {
  Configuration out;
  std::vector<std::string> unknown;
  api::DecodeOptions options;
  options.unknown_fields = &unknown;
  KPP_RETURN_IF_ERROR(api::from_json(json::Value(document), Configuration::desc(), &out, options));
  if (!unknown.empty()) {
    for (auto& field : unknown) field = cat("unknown field ", kpp::quoted(field));
    return fail(strict_error(unknown));
  }
  return out;
}

}  // namespace kpp::kubelet
