// Reads the documents of a --config file.
#include <algorithm>
#include <optional>

#include "codec/yaml.h"
#include "kubeadm/config.h"
#include "kubeadm/config_kinds.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kKubeletKind = "KubeletConfiguration";
constexpr std::string_view kProxyKind = "KubeProxyConfiguration";

struct Document {
  std::string group_version, kind;
  json::Object fields;
};

// Versions that kubeadm could read once, and the last kubeadm that could.
constexpr std::pair<std::string_view, std::string_view> kForgotten[] = {
    {"kubeadm.k8s.io/v1alpha1", "v1.11"},
    {"kubeadm.k8s.io/v1alpha2", "v1.12"},
    {"kubeadm.k8s.io/v1alpha3", "v1.14"},
    {"kubeadm.k8s.io/v1beta1", "v1.15"},
    {"kubeadm.k8s.io/v1beta2", "v1.22"}};
constexpr std::string_view kMigrate =
    "'kubeadm config migrate --old-config old.yaml --new-config new.yaml', which will write the "
    "new, similar spec using a newer API version.";

Status check_version(const Document& document, std::vector<std::string>& warnings) {
  if (!document.group_version.starts_with("kubeadm.k8s.io/") ||
      document.group_version == kApiVersion) {
    return {};
  }
  if (document.group_version == kOldApiVersion) {
    warnings.push_back(
        cat("your configuration file uses a deprecated API spec: ", quoted(document.group_version),
            " (kind: ", quoted(document.kind), "). Please use ", kMigrate));
    return {};
  }
  for (const auto& [version, program] : kForgotten) {
    if (version != document.group_version) continue;
    return {Reason::kInvalid, cat("your configuration file uses an old API spec: ", quoted(version),
                                  " (kind: ", quoted(document.kind), "). Please use kubeadm ",
                                  program, " instead and run ", kMigrate)};
  }
  return {Reason::kInvalid, cat("no kind ", quoted(document.kind), " is registered for version ",
                                quoted(document.group_version), " in scheme \"kubeadm\"")};
}

Result<std::vector<Document>> documents_of(std::string_view text,
                                           std::vector<std::string>& warnings) {
  KPP_ASSIGN(std::vector<json::Value> values, yaml::parse_all(text));
  std::vector<Document> out;
  for (json::Value& value : values) {
    Document document{std::string(json::text_at(value, "apiVersion")),
                      std::string(json::text_at(value, "kind")),
                      {}};
    if (document.kind.empty() || document.group_version.empty()) {
      return fail(Reason::kInvalid,
                  cat("invalid configuration for GroupVersionKind ", document.group_version,
                      document.group_version.empty() ? "/" : "", ", Kind=", document.kind,
                      ": kind and apiVersion is mandatory information that must be specified"));
    }
    KPP_RETURN_IF_ERROR(check_version(document, warnings));
    for (const Document& other : out) {
      if (other.kind == document.kind && other.group_version == document.group_version) {
        return fail(Reason::kInvalid, cat("invalid configuration: kind ", quoted(document.kind),
                                          " is specified twice in YAML file"));
      }
    }
    document.fields = std::move(value.get_object());
    out.push_back(std::move(document));
  }
  return out;
}

bool is_known(const Document& document) {
  if (document.group_version.starts_with("kubeadm.k8s.io/")) {
    for (const std::string_view kind :
         {"InitConfiguration", "ClusterConfiguration", "JoinConfiguration", "ResetConfiguration",
          "UpgradeConfiguration"}) {
      if (document.kind == kind) return true;
    }
    return false;
  }
  return (document.kind == kKubeletKind &&
          document.group_version == "kubelet.config.k8s.io/v1beta1") ||
         (document.kind == kProxyKind &&
          document.group_version == "kubeproxy.config.k8s.io/v1alpha1");
}

// One kind among the documents, with a reader of its own.
template <class Config>
Status read_kind(std::string_view text, std::string_view kind, Config& config,
                 void (*read)(const json::Object&, Config&, Reading&),
                 std::vector<std::string>& warnings) {
  KPP_ASSIGN(const std::vector<Document> documents, documents_of(text, warnings));
  for (const Document& document : documents) {
    if (document.kind != kind) continue;
    Reading reading{document.group_version, document.kind, {}, {}};
    read(document.fields, config, reading);
    if (const std::string complaint = reading.complaint(); !complaint.empty()) {
      warnings.push_back(complaint);
    }
    return reading.status;
  }
  return {Reason::kInvalid, cat("no ", kind, " found in the supplied config")};
}

bool has(const std::vector<Document>& documents, std::string_view kind) {
  return std::ranges::find(documents, kind, &Document::kind) != documents.end();
}

// All documents of a file, for validate and migrate.
struct WholeFile {
  std::optional<InitConfig> init;
  std::optional<JoinConfig> join;
  std::optional<ResetConfig> reset;
};

Result<WholeFile> read_whole(std::string_view text, std::vector<std::string>& warnings) {
  KPP_ASSIGN(const std::vector<Document> documents, documents_of(text, warnings));
  std::vector<std::string> unknown;
  for (const Document& document : documents) {
    if (is_known(document)) continue;
    const std::size_t slash = document.group_version.find('/');
    const bool core = slash == std::string::npos;
    unknown.push_back(
        cat("schema.GroupVersionKind{Group:",
            quoted(core ? "" : document.group_version.substr(0, slash)), ", Version:",
            quoted(core ? document.group_version : document.group_version.substr(slash + 1)),
            ", Kind:", quoted(document.kind), "}"));
  }
  if (!unknown.empty()) {
    return fail(Reason::kInvalid, cat("unknown configuration APIs: []schema.GroupVersionKind{",
                                      join(unknown, ", "), "}"));
  }
  WholeFile out;
  std::vector<std::string> complaints;
  if (has(documents, "InitConfiguration") || has(documents, "ClusterConfiguration")) {
    KPP_RETURN_IF_ERROR(read_init_config(text, out.init.emplace(), complaints));
  }
  if (has(documents, "JoinConfiguration")) {
    KPP_RETURN_IF_ERROR(read_join_config(text, out.join.emplace(), complaints));
  }
  if (has(documents, "ResetConfiguration")) {
    KPP_RETURN_IF_ERROR(read_reset_config(text, out.reset.emplace(), complaints));
  }
  for (std::string& complaint : complaints) {
    if (complaint.starts_with("error unmarshaling")) {
      return fail(Reason::kInvalid, std::move(complaint));
    }
  }
  return out;
}

}  // namespace

Status read_init_config(std::string_view text, InitConfig& config,
                        std::vector<std::string>& warnings) {
  KPP_ASSIGN(const std::vector<Document> documents, documents_of(text, warnings));
  bool found = false;
  for (const Document& document : documents) {
    Reading reading{document.group_version, document.kind, {}, {}};
    found =
        found || document.kind == "InitConfiguration" || document.kind == "ClusterConfiguration";
    if (document.kind == "InitConfiguration") {
      read_init(document.fields, config, reading);
    } else if (document.kind == "ClusterConfiguration") {
      read_cluster(document.fields, config.cluster, config.timeouts, reading);
    } else if (document.kind == kKubeletKind) {
      config.kubelet = document.fields;
    } else if (document.kind == kProxyKind) {
      config.proxy = document.fields;
    } else if (!document.group_version.starts_with("kubeadm.k8s.io/")) {
      warnings.push_back(
          cat("[config] WARNING: Ignored configuration document with GroupVersionKind ",
              document.group_version, ", Kind=", document.kind));
    }
    KPP_RETURN_IF_ERROR(reading.status);
    if (const std::string complaint = reading.complaint(); !complaint.empty()) {
      warnings.push_back(complaint);
    }
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
  return read_kind(text, "JoinConfiguration", config, read_join, warnings);
}

Status read_reset_config(std::string_view text, ResetConfig& config,
                         std::vector<std::string>& warnings) {
  return read_kind(text, "ResetConfiguration", config, read_reset, warnings);
}

Status check_config(std::string_view text, std::vector<std::string>& warnings) {
  KPP_ASSIGN(WholeFile file, read_whole(text, warnings));
  if (file.init) {
    // The address of this machine is as good as any.
    if (file.init->advertise_address.empty()) file.init->advertise_address = "1.2.3.4";
    std::erase_if(file.init->tokens,
                  [](const BootstrapToken& token) { return token.token.empty(); });
    KPP_RETURN_IF_ERROR(validate(*file.init));
  }
  return file.join ? validate(*file.join) : Status();
}

Result<std::string> migrate_config(std::string_view text, std::vector<std::string>& warnings) {
  KPP_ASSIGN(const WholeFile file, read_whole(text, warnings));
  std::vector<std::string> out;
  if (file.init) {
    out.push_back(yaml::write(to_document(*file.init)));
    out.push_back(yaml::write(to_document(file.init->cluster)));
  }
  if (file.join) out.push_back(yaml::write(to_document(*file.join)));
  if (file.reset) out.push_back(yaml::write(to_document(*file.reset)));
  return join(out, "---\n");
}

}  // namespace kpp::kubeadm
