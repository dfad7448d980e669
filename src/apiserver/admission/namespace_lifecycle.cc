#include <algorithm>
#include <array>

#include "api/corev1.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/errors.h"

namespace kpp::apiserver {
namespace {

constexpr std::array<std::string_view, 3> kProtected = {"default", "kube-system", "kube-public"};

Status admit(api::Object&, const AdmissionRequest& request, const Lookup& lookup) {
  if (request.namespace_.empty() || !request.resource->desc->namespaced) return {};
  if (!request.resource->is_stored())
    return {};  // reviews ask about namespaces that need not be there
  const auto ns = lookup.get<corev1::Namespace>("", "namespaces", "", request.namespace_);
  if (!ns) return not_found("", "namespaces", request.namespace_);
  if (request.operation != Operation::kCreate || ns->status.phase != "Terminating") return {};
  Status out = refused(request, cat("unable to create new content in namespace ",
                                    request.namespace_, " because it is being terminated"));
  StatusDetails details = out.details();
  details.causes.push_back({"NamespaceTerminating",
                            cat("namespace ", request.namespace_, " is being terminated"),
                            "metadata.namespace"});
  return Status(Reason::kForbidden, out.message(), std::move(details));
}

Status admit_delete(const AdmissionRequest& request, const Lookup&) {
  if (!is_about(request, "", "namespaces")) return {};
  if (std::find(kProtected.begin(), kProtected.end(), request.name) == kProtected.end()) return {};
  return refused(request, "this namespace may not be deleted");
}

}  // namespace

Plugin namespace_lifecycle_plugin() { return {"NamespaceLifecycle", admit, nullptr, admit_delete}; }

}  // namespace kpp::apiserver
