#include "controllers/namespaces/namespace_controller.h"

#include "api/json_codec.h"
#include "controllers/namespaces/namespace_content.h"

namespace kpp::controllers {
namespace {

// Time for the API servers to refuse new content.
constexpr Duration kGrace = std::chrono::seconds(5);
constexpr int kWorkers = 10;

}  // namespace

NamespaceController::NamespaceController(ControllerContext context)
    : Controller(context, "namespace-controller", "namespace-controller", kWorkers),
      namespaces_(watch<corev1::Namespace>([this](const auto& before, const auto& after) {
        if (!after || !after->metadata.deletion_timestamp) return;
        if (before && before->metadata.deletion_timestamp) return;  // under way
        queue().add_after(api::key_of(*after), kGrace);
      })) {}

async::Task<Status> NamespaceController::reconcile(api::ObjectKey key, async::StopToken stop) {
  auto ns = co_await client().get<corev1::Namespace>(key, stop);
  if (!ns) {
    if (ns.error().is(Reason::kNotFound)) co_return Status();
    co_return std::move(ns).error();
  }
  if (!ns->metadata.deletion_timestamp || ns->spec.finalizers.empty()) co_return Status();
  if (ns->status.phase != "Terminating") {
    ns->status.phase = "Terminating";
    ns = co_await client().update_status<corev1::Namespace>(std::move(*ns), stop);
    if (!ns) co_return std::move(ns).error();
  }
  const ContentLeft left = co_await delete_content(client(), key.name, stop);
  if (stop.stop_requested()) co_return Status(Reason::kCanceled, "stopped");
  const corev1::NamespaceStatus before = ns->status;
  set_deletion_conditions(ns->status, left, now());
  if (!api::equal(before, ns->status)) {
    ns = co_await client().update_status<corev1::Namespace>(std::move(*ns), stop);
    if (!ns) co_return std::move(ns).error();
  }
  if (!left.errors.empty()) co_return Status(Reason::kInternalError, join(left.errors, ", "));
  if (!left.empty()) {
    queue().add_after(key, std::chrono::seconds(left.wait_seconds / 2 + 1));
    co_return Status();
  }
  co_return co_await finalize(std::move(*ns), stop);
}

async::Task<Status> NamespaceController::finalize(corev1::Namespace ns, async::StopToken stop) {
  std::erase(ns.spec.finalizers, "kubernetes");
  auto done = co_await client().update(api::Object::of(ns), "finalize", stop);
  if (done || done.error().is(Reason::kNotFound)) co_return Status();
  co_return std::move(done).error();
}

}  // namespace kpp::controllers
