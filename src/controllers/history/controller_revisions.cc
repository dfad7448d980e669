#include "controllers/history/controller_revisions.h"

#include <algorithm>
#include <tuple>

#include "api/json_codec.h"
#include "codec/json.h"
#include "controllers/deployment/template_hash.h"

namespace kpp::controllers {

api::RawJson revision_data(const corev1::PodTemplateSpec& pod_template) {
  json::Value body = api::to_document(pod_template, {.type_meta = false});
  body.as_object()["$patch"] = "replace";
  api::RawJson out;
  out.json = json::write(json::Object{{"spec", json::Object{{"template", std::move(body)}}}});
  return out;
}

appsv1::ControllerRevision make_revision(const api::TypeDesc& owner_type,
                                         const metav1::ObjectMeta& owner,
                                         const corev1::PodTemplateSpec& pod_template,
                                         std::optional<std::int32_t> collisions,
                                         std::int64_t number, const std::string& label) {
  const std::string hash = template_hash(pod_template, collisions);
  appsv1::ControllerRevision out;
  out.metadata.name = cat(owner.name, "-", hash);
  out.metadata.namespace_ = owner.namespace_;
  out.metadata.labels = pod_template.metadata.labels;
  out.metadata.labels[label] = hash;
  out.metadata.annotations = owner.annotations;
  out.metadata.owner_references.push_back(api::controller_reference(owner_type, owner));
  out.data = revision_data(pod_template);
  out.revision = number;
  return out;
}

bool same_data(const api::RawJson& a, const api::RawJson& b) {
  if (a.json == b.json) return true;
  const auto x = json::parse(a.json);
  const auto y = json::parse(b.json);
  return x && y && *x == *y;
}

Result<corev1::PodTemplateSpec> template_of(const appsv1::ControllerRevision& revision) {
  KPP_ASSIGN(const json::Value document, json::parse(revision.data.json));
  const json::Value* body = json::find(document, "spec.template");
  if (!body || !body->is_object()) {
    return fail(Reason::kInvalid,
                cat("revision ", revision.metadata.name, " holds no pod template"));
  }
  json::Value plain = *body;
  plain.as_object().erase("$patch");
  corev1::PodTemplateSpec out;
  KPP_RETURN_IF_ERROR(api::from_json(plain, corev1::PodTemplateSpec::desc(), &out));
  return out;
}

void sort_by_revision(std::vector<RevisionRef>& revisions) {
  std::sort(revisions.begin(), revisions.end(), [](const auto& a, const auto& b) {
    return std::tie(a->revision, a->metadata.creation_timestamp, a->metadata.name) <
           std::tie(b->revision, b->metadata.creation_timestamp, b->metadata.name);
  });
}

std::int64_t newest_revision(const std::vector<RevisionRef>& revisions) {
  std::int64_t newest = 0;
  for (const auto& r : revisions) newest = std::max(newest, r->revision);
  return newest;
}

}  // namespace kpp::controllers
