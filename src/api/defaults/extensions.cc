// The groups apiextensions.k8s.io and apiregistration.k8s.io.
#include "api/apiextensionsv1.h"
#include "api/apiregistrationv1.h"
#include "api/defaults/rules.h"
#include "base/cat.h"

namespace kpp::api::defaults {
namespace {

using namespace apiextensionsv1;

void definition(CustomResourceDefinition& object) {
  auto& stored = object.status.stored_versions;
  if (!stored.empty()) return;
  for (const auto& version : object.spec.versions) {
    if (version.storage) {
      stored.push_back(version.name);
      return;
    }
  }
}

void spec(CustomResourceDefinitionSpec& s) {
  if (s.names.singular.empty()) {
    for (const char c : s.names.kind)
      s.names.singular.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  }
  if (!s.names.kind.empty()) set(s.names.list_kind, cat(s.names.kind, "List"));
  if (!s.conversion) s.conversion.emplace().strategy = "None";
}

template <class R>
void service(R& reference) {
  set(reference.port, 443);
}

constexpr Rule kRules[] = {
    rule<CustomResourceDefinition, definition>(),
    rule<CustomResourceDefinitionSpec, spec>(),
    rule<apiextensionsv1::ServiceReference, service<apiextensionsv1::ServiceReference>>(),
    rule<apiregistrationv1::ServiceReference, service<apiregistrationv1::ServiceReference>>(),
};

}  // namespace

std::span<const Rule> extension_rules() { return kRules; }

}  // namespace kpp::api::defaults
