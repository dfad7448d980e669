#include "kubeadm/patches.h"

#include <algorithm>
#include <utility>

#include "api/patch/patch.h"
#include "base/fs.h"
#include "codec/yaml.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kTargets[] = {
    "etcd",           "kube-apiserver",       "kube-controller-manager",
    "kube-scheduler", "kubeletconfiguration", "corednsdeployment"};

// A file's name says what it is for: kube-apiserver0+merge.yaml.
struct FileName {
  std::string_view target, type;
};

FileName read_name(std::string_view name) {
  FileName out;
  for (const std::string_view target : kTargets) {
    if (name.starts_with(target)) out.target = target;
  }
  if (out.target.empty()) return out;
  const std::string_view stem = name.substr(0, name.rfind('.'));
  const std::size_t plus = stem.find('+');
  out.type = plus == std::string_view::npos ? "strategic" : stem.substr(plus + 1);
  return out;
}

Result<PatchType> type_of(std::string_view name, std::string_view file) {
  if (name == "strategic") return PatchType::kStrategic;
  if (name == "merge") return PatchType::kMerge;
  if (name == "json") return PatchType::kJson;
  return fail(Reason::kInvalid, cat("unknown patch type ", quoted(name), " from filename ",
                                    quoted(file), ", supported types: json merge strategic"));
}

std::string_view media_type(PatchType type) {
  switch (type) {
    case PatchType::kStrategic:
      return "application/strategic-merge-patch+json";
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kJson:
      return "application/json-patch+json";
  }
  std::unreachable();
}

}  // namespace

Result<std::vector<Patch>> read_patches(const std::string& directory, std::string_view target) {
  std::vector<Patch> out;
  if (directory.empty()) return out;
  KPP_ASSIGN(std::vector<std::string> names, fs::list(directory));
  std::ranges::sort(names);
  for (const std::string& name : names) {
    if (!name.ends_with(".yaml") && !name.ends_with(".json")) continue;
    const FileName parts = read_name(name);
    if (parts.target != target) continue;
    Patch patch;
    patch.file = cat(directory, "/", name);
    KPP_ASSIGN(patch.type, type_of(parts.type, name));
    KPP_ASSIGN(const std::string text, fs::read_file(patch.file, 1U << 20));
    auto contents = yaml::parse_all(text);
    if (!contents) {
      return fail(std::move(contents).error().with_context(cat("reading patch ", patch.file)));
    }
    for (json::Value& content : *contents) {
      patch.content = std::move(content);
      out.push_back(patch);
    }
  }
  return out;
}

Result<json::Value> patched(json::Value document, const std::string& directory,
                            std::string_view target, const api::TypeDesc* type,
                            const Printer& print) {
  KPP_ASSIGN(const std::vector<Patch> patches, read_patches(directory, target));
  for (const Patch& patch : patches) {
    Result<json::Value> next = document;
    if (patch.type == PatchType::kJson) {
      next = api::apply_json_patch(std::move(document), patch.content);
    } else if (patch.type == PatchType::kMerge || type == nullptr) {
      next = api::apply_merge_patch(std::move(document), patch.content);
    } else {
      next = api::apply_strategic_patch(std::move(document), patch.content, *type);
    }
    if (!next) {
      return fail(Reason::kInvalid,
                  cat("could not apply the patch ", patch.file, ": ", next.error().message()));
    }
    document = std::move(*next);
    print(cat("[patches] Applied patch of type ", quoted(media_type(patch.type)), " to target ",
              quoted(target)));
  }
  return document;
}

}  // namespace kpp::kubeadm
