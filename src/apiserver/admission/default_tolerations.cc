#include "api/corev1.h"
#include "apiserver/admission/plugins.h"

namespace kpp::apiserver {
namespace {

constexpr std::int64_t kSeconds = 300;
constexpr std::string_view kNotReady = "node.kubernetes.io/not-ready";
constexpr std::string_view kUnreachable = "node.kubernetes.io/unreachable";

bool tolerates(const corev1::PodSpec& spec, std::string_view key) {
  for (const auto& t : spec.tolerations) {
    if ((t.key == key || t.key.empty()) && (t.effect == "NoExecute" || t.effect.empty()))
      return true;
  }
  return false;
}

void add(corev1::PodSpec& spec, std::string_view key) {
  auto& t = spec.tolerations.emplace_back();
  t.key = key;
  t.operator_ = "Exists";
  t.effect = "NoExecute";
  t.toleration_seconds = kSeconds;
}

// A pod leaves a node that is not ready or not reachable after five minutes, unless it says
// otherwise.
Status admit(api::Object& object, const AdmissionRequest& request, const Lookup&) {
  if (!is_about(request, "", "pods")) return {};
  auto& spec = object.as<corev1::Pod>()->spec;
  const bool not_ready = tolerates(spec, kNotReady);
  const bool unreachable = tolerates(spec, kUnreachable);
  if (!not_ready) add(spec, kNotReady);
  if (!unreachable) add(spec, kUnreachable);
  return {};
}

}  // namespace

Plugin default_tolerations_plugin() {
  return {"DefaultTolerationSeconds", admit, nullptr, nullptr};
}

}  // namespace kpp::apiserver
