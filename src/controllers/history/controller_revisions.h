// The past of a daemon set or a stateful set: pod templates in ControllerRevision objects.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "api/appsv1.h"
#include "api/meta.h"
#include "base/status.h"

namespace kpp::controllers {

using RevisionRef = std::shared_ptr<const appsv1::ControllerRevision>;

inline constexpr const char* kControllerRevisionHash = "controller-revision-hash";

// What a revision holds: a strategic patch that puts the template in the place of the object's.
api::RawJson revision_data(const corev1::PodTemplateSpec& pod_template);
// The revision of an owner's template, named after the owner and the template's hash; `collisions`
// makes another hash.
appsv1::ControllerRevision make_revision(const api::TypeDesc& owner_type,
                                         const metav1::ObjectMeta& owner,
                                         const corev1::PodTemplateSpec& pod_template,
                                         std::optional<std::int32_t> collisions,
                                         std::int64_t number, const std::string& label);
bool same_data(const api::RawJson& a, const api::RawJson& b);
// The template that a revision holds.
Result<corev1::PodTemplateSpec> template_of(const appsv1::ControllerRevision& revision);
// By revision, then age, then name.
void sort_by_revision(std::vector<RevisionRef>& revisions);
std::int64_t newest_revision(const std::vector<RevisionRef>& revisions);  // 0: none

}  // namespace kpp::controllers
