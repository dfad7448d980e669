#include "controllers/job/ttl_after_finished_controller.h"

#include "controllers/job/job_pods.h"

namespace kpp::controllers {
namespace {

// Until the job's time is over; nothing if it is not to be deleted.
std::optional<Duration> time_left(const batchv1::Job& job, WallTime now) {
  if (!job.spec.ttl_seconds_after_finished || job.metadata.deletion_timestamp) return std::nullopt;
  for (const auto& condition : job.status.conditions) {
    if (condition.status != "True" ||
        (condition.type != "Complete" && condition.type != "Failed")) {
      continue;
    }
    const auto end = condition.last_transition_time.wall() +
                     std::chrono::seconds(*job.spec.ttl_seconds_after_finished);
    return std::chrono::duration_cast<Duration>(end - now);
  }
  return std::nullopt;
}

}  // namespace

TtlAfterFinishedController::TtlAfterFinishedController(ControllerContext context)
    : Controller(context, "ttl-after-finished-controller", "ttl-after-finished-controller"),
      jobs_(watch<batchv1::Job>([this](const auto&, const auto& after) {
        if (after && after->spec.ttl_seconds_after_finished) queue().add(api::key_of(*after));
      })) {}

async::Task<Status> TtlAfterFinishedController::reconcile(api::ObjectKey key,
                                                          async::StopToken stop) {
  const auto cached = jobs_.get(key);
  if (!cached) co_return Status();
  const auto left = time_left(*cached, now());
  if (!left) co_return Status();
  if (*left > Duration::zero()) {
    queue().add_after(key, *left);
    co_return Status();
  }
  // Its time may have been lengthened since.
  auto fresh = co_await client().get<batchv1::Job>(key, stop);
  if (!fresh) {
    if (fresh.error().is(Reason::kNotFound)) co_return Status();
    co_return std::move(fresh).error();
  }
  const auto still = time_left(*fresh, now());
  if (!still) co_return Status();
  if (*still > Duration::zero()) {
    queue().add_after(key, *still);
    co_return Status();
  }
  client::DeleteQuery query;
  query.propagation_policy = "Foreground";
  query.uid = fresh->metadata.uid;
  query.resource_version = fresh->metadata.resource_version;
  Status status = co_await client().remove<batchv1::Job>(key, std::move(query), stop);
  if (status.is(Reason::kNotFound)) co_return Status();
  co_return status;
}

}  // namespace kpp::controllers
