#include "controllers/pod_control.h"

namespace kpp::controllers {
namespace {

// Names made from it must not be too long.
constexpr std::size_t kMaxPrefix = 253 - 5;

bool namespace_is_terminating(const Status& status) {
  for (const auto& cause : status.details().causes) {
    if (cause.type == "NamespaceTerminating") return true;
  }
  return false;
}

}  // namespace

corev1::Pod pod_from_template(const corev1::PodTemplateSpec& pod_template, const PodOwner& owner) {
  corev1::Pod pod;
  pod.metadata.labels = pod_template.metadata.labels;
  pod.metadata.annotations = pod_template.metadata.annotations;
  pod.metadata.finalizers = pod_template.metadata.finalizers;
  pod.metadata.namespace_ = owner.meta.namespace_;
  pod.metadata.generate_name = cat(owner.meta.name.substr(0, kMaxPrefix), "-");
  pod.metadata.owner_references.push_back(api::controller_reference(*owner.type, owner.meta));
  pod.spec = pod_template.spec;
  return pod;
}

async::Task<Status> PodControl::create(corev1::Pod pod, PodOwner owner, async::StopToken stop) {
  auto created = co_await client_.create<corev1::Pod>(std::move(pod), stop);
  const auto about = client::reference_to(*owner.type, owner.meta);
  if (!created) {
    Status status = std::move(created).error();
    if (!namespace_is_terminating(status)) {
      events_.event(about, "Warning", "FailedCreate", cat("Error creating: ", status.message()));
    }
    co_return status;
  }
  events_.event(about, "Normal", "SuccessfulCreate", cat("Created pod: ", created->metadata.name));
  co_return Status();
}

async::Task<Status> PodControl::remove(api::ObjectKey pod, PodOwner owner, async::StopToken stop) {
  Status status = co_await client_.remove<corev1::Pod>(pod, {}, stop);
  const auto about = client::reference_to(*owner.type, owner.meta);
  if (status.is(Reason::kNotFound)) co_return status;
  if (!status.ok()) {
    events_.event(about, "Warning", "FailedDelete", cat("Error deleting: ", status.message()));
    co_return status;
  }
  events_.event(about, "Normal", "SuccessfulDelete", cat("Deleted pod: ", pod.name));
  co_return status;
}

}  // namespace kpp::controllers
