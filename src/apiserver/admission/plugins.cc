#include "apiserver/admission/plugins.h"

#include <array>

namespace kpp::apiserver {

std::span<const Plugin> plugins() {
  static const std::array kPlugins = {
      namespace_lifecycle_plugin(),
      limit_ranger_plugin(),
      service_account_plugin(),
      node_restriction_plugin(),
      taint_nodes_plugin(),
      pod_security_plugin(),
      priority_plugin(),
      default_tolerations_plugin(),
      default_storage_class_plugin(),
      storage_in_use_plugin(),
      volume_claim_resize_plugin(),
      runtime_class_plugin(),
      certificate_approval_plugin(),
      certificate_signing_plugin(),
      certificate_subject_plugin(),
      default_ingress_class_plugin(),
      rbac_escalation_plugin(),
      pod_resize_plugin(),
      Plugin{kMutatingPolicies},
      validating_policy_plugin(),
  };
  return kPlugins;
}

}  // namespace kpp::apiserver
