#include "controllers/serviceaccount/serviceaccount_controller.h"

namespace kpp::controllers {

ServiceAccountController::ServiceAccountController(ControllerContext context)
    : Controller(context, "serviceaccount-controller", "serviceaccount-controller", 1),
      namespaces_(watch_keys<corev1::Namespace>()),
      accounts_(watch<corev1::ServiceAccount>([this](const auto& before, const auto& after) {
        if (!after && before->metadata.name == "default")
          queue().add({"", before->metadata.namespace_});
      })) {}

async::Task<Status> ServiceAccountController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto ns = namespaces_.get(key);
  if (!ns || ns->status.phase == "Terminating" || ns->metadata.deletion_timestamp)
    co_return Status();
  if (accounts_.get({key.name, "default"})) co_return Status();
  corev1::ServiceAccount account;
  account.metadata.name = "default";
  account.metadata.namespace_ = key.name;
  auto created = co_await client().create<corev1::ServiceAccount>(std::move(account), stop);
  if (created || created.error().is(Reason::kAlreadyExists)) co_return Status();
  for (const auto& cause : created.error().details().causes) {
    if (cause.type == "NamespaceTerminating") co_return Status();
  }
  co_return std::move(created).error();
}

}  // namespace kpp::controllers
