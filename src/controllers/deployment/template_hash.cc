#include "controllers/deployment/template_hash.h"

#include "api/json_codec.h"

namespace kpp::controllers {

std::string template_hash(const corev1::PodTemplateSpec& pod_template,
                          std::optional<std::int32_t> collisions) {
  constexpr std::uint32_t kOffset = 2166136261u;
  constexpr std::uint32_t kPrime = 16777619u;
  constexpr std::string_view kSafe = "bcdfghjklmnpqrstvwxz2456789";
  std::string text = api::to_json(pod_template, {.type_meta = false});
  if (collisions) text += cat("#", *collisions);
  std::uint32_t hash = kOffset;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= kPrime;
  }
  std::string out = std::to_string(hash);
  for (char& c : out) c = kSafe[static_cast<unsigned char>(c) % kSafe.size()];
  return out;
}

bool same_template(const corev1::PodTemplateSpec& a, const corev1::PodTemplateSpec& b) {
  corev1::PodTemplateSpec x = a;
  corev1::PodTemplateSpec y = b;
  x.metadata.labels.erase(kPodTemplateHash);
  y.metadata.labels.erase(kPodTemplateHash);
  return api::equal(x, y);
}

}  // namespace kpp::controllers
