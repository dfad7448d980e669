#include <algorithm>

#include "api/corev1.h"
#include "apiserver/registry/strategies.h"

namespace kpp::apiserver {

Strategy namespace_strategy() {
  Strategy s;
  s.prepare_create = [](api::Object& object, const StrategyContext&) {
    auto& ns = *object.as<corev1::Namespace>();
    ns.metadata.generation = 0;
    ns.status = {};
    ns.status.phase = "Active";
    // The namespace controller empties the namespace before this goes.
    if (std::find(ns.spec.finalizers.begin(), ns.spec.finalizers.end(), "kubernetes") ==
        ns.spec.finalizers.end()) {
      ns.spec.finalizers.emplace_back("kubernetes");
    }
  };
  s.prepare_update = [](api::Object& object, const api::Object& old_object,
                        const StrategyContext& context) {
    auto& ns = *object.as<corev1::Namespace>();
    const auto& old = *old_object.as<corev1::Namespace>();
    ns.status = old.status;
    if (context.subresource != "finalize") ns.spec.finalizers = old.spec.finalizers;
  };
  s.prepare_status_update = [](api::Object& object, const api::Object& old_object,
                               const StrategyContext&) {
    auto& ns = *object.as<corev1::Namespace>();
    ns.spec = old_object.as<corev1::Namespace>()->spec;
  };
  s.answers_deleted_object = false;
  s.selectable = [](const api::Object& object) -> std::vector<std::pair<std::string, std::string>> {
    return {{"status.phase", object.as<corev1::Namespace>()->status.phase}};
  };
  return s;
}

}  // namespace kpp::apiserver
