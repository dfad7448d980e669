// The groups storage.k8s.io and scheduling.k8s.io, and token requests.
#include "api/authenticationv1.h"
#include "api/defaults/rules.h"
#include "api/schedulingv1.h"
#include "api/storagev1.h"

namespace kpp::api::defaults {
namespace {

void storage_class(storagev1::StorageClass& object) {
  set(object.reclaim_policy, "Delete");
  set(object.volume_binding_mode, "Immediate");
}

void driver(storagev1::CSIDriver& object) {
  auto& spec = object.spec;
  set(spec.attach_required, true);
  set(spec.pod_info_on_mount, false);
  set(spec.storage_capacity, false);
  set(spec.fs_group_policy, "ReadWriteOnceWithFSType");
  if (spec.volume_lifecycle_modes.empty()) spec.volume_lifecycle_modes = {"Persistent"};
  set(spec.requires_republish, false);
  set(spec.se_linux_mount, false);
}

void priority_class(schedulingv1::PriorityClass& object) {
  set(object.preemption_policy, "PreemptLowerPriority");
}

void token_request(authenticationv1::TokenRequestSpec& spec) { set(spec.expiration_seconds, 3600); }

constexpr Rule kRules[] = {
    rule<storagev1::StorageClass, storage_class>(),
    rule<storagev1::CSIDriver, driver>(),
    rule<schedulingv1::PriorityClass, priority_class>(),
    rule<authenticationv1::TokenRequestSpec, token_request>(),
};

}  // namespace

std::span<const Rule> storage_rules() { return kRules; }

}  // namespace kpp::api::defaults
