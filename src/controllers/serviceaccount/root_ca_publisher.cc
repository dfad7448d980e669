#include "controllers/serviceaccount/root_ca_publisher.h"

namespace kpp::controllers {
namespace {

constexpr const char* kMapName = "kube-root-ca.crt";
constexpr const char* kDescription =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across "
    "distributions of Kubernetes "
    "clusters.";

}  // namespace

RootCaPublisher::RootCaPublisher(ControllerContext context, std::string ca_pem)
    : Controller(context, "root-ca-certificate-publisher-controller", "root-ca-cert-publisher", 1),
      ca_pem_(std::move(ca_pem)),
      namespaces_(watch_keys<corev1::Namespace>()),
      maps_(watch<corev1::ConfigMap>([this](const auto& before, const auto& after) {
        const auto& meta = after ? after->metadata : before->metadata;
        if (before && meta.name == kMapName) queue().add({"", meta.namespace_});
      })) {}

async::Task<Status> RootCaPublisher::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto ns = namespaces_.get(key);
  if (!ns || ns->status.phase != "Active") co_return Status();
  const auto there = maps_.get({key.name, kMapName});
  corev1::ConfigMap map;
  if (there) map = *there;
  map.metadata.name = kMapName;
  map.metadata.namespace_ = key.name;
  std::string& description = map.metadata.annotations["kubernetes.io/description"];
  const bool right =
      there && map.data.size() == 1 && map.data["ca.crt"] == ca_pem_ && description == kDescription;
  if (right) co_return Status();
  map.data = {{"ca.crt", ca_pem_}};
  description = kDescription;
  Result<corev1::ConfigMap> written;
  if (there) {
    written = co_await client().update<corev1::ConfigMap>(std::move(map), stop);
  } else {
    written = co_await client().create<corev1::ConfigMap>(std::move(map), stop);
  }
  if (written || written.error().is(Reason::kAlreadyExists)) co_return Status();
  for (const auto& cause : written.error().details().causes) {
    if (cause.type == "NamespaceTerminating") co_return Status();
  }
  co_return std::move(written).error();
}

}  // namespace kpp::controllers
