#include "controllers/cronjob/cronjob_controller.h"

#include <algorithm>

#include "api/json_codec.h"
#include "controllers/job/job_pods.h"

namespace kpp::controllers {
namespace {

constexpr const char* kScheduledAt = "batch.kubernetes.io/cronjob-scheduled-timestamp";
constexpr int kMostMissed = 100;

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}
bool succeeded(const batchv1::Job& job) {
  const auto* complete = job_condition(job.status, "Complete");
  return complete && complete->status == "True";
}

}  // namespace

CronJobController::CronJobController(ControllerContext context)
    : Controller(context, "cronjob-controller", "cronjob-controller"),
      crons_(watch_keys<batchv1::CronJob>()),
      jobs_(watch<batchv1::Job>([this](const auto& before, const auto& after) {
        const auto& job = after ? *after : *before;
        const auto* owner = api::controller_of(job.metadata);
        if (owner && owner->kind == "CronJob") queue().add({job.metadata.namespace_, owner->name});
      })) {}

void CronJobController::event(const batchv1::CronJob& cron, const char* type, const char* reason,
                              std::string message) {
  events().event(client::reference_to(batchv1::CronJob::desc(), cron.metadata), type, reason,
                 std::move(message));
}

std::vector<CronJobController::JobRef> CronJobController::jobs_of(
    const batchv1::CronJob& cron) const {
  std::vector<JobRef> out;
  for (const auto& job : jobs_.in_namespace(cron.metadata.namespace_)) {
    if (api::is_controlled_by(job->metadata, cron.metadata.uid)) out.push_back(job);
  }
  return out;
}

async::Task<Status> CronJobController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto cached = crons_.get(key);
  if (!cached) co_return Status();
  batchv1::CronJob cron = *cached;
  const auto jobs = jobs_of(cron);
  KPP_CO_RETURN_IF_ERROR(co_await clean_up(cron, jobs, stop));
  update_active(cron, jobs);
  Status started;
  if (!cron.metadata.deletion_timestamp && !cron.spec.suspend.value_or(false))
    started = co_await start_due(cron, jobs, stop);
  if (!api::equal(cron.status, cached->status)) {
    auto written = co_await client().update_status<batchv1::CronJob>(std::move(cron), stop);
    if (!written && !written.error().is(Reason::kNotFound)) co_return std::move(written).error();
  }
  co_return started;
}

void CronJobController::update_active(batchv1::CronJob& cron, const std::vector<JobRef>& jobs) {
  auto& active = cron.status.active;
  for (const auto& job : jobs) {
    const auto it = std::find_if(active.begin(), active.end(),
                                 [&](const auto& r) { return r.uid == job->metadata.uid; });
    const bool finished = is_finished(*job);
    if (it == active.end() && !finished) {
      event(cron, "Warning", "UnexpectedJob",
            cat("Saw a job that the controller did not create or forgot: ", job->metadata.name));
    } else if (it != active.end() && finished) {
      active.erase(it);
      event(cron, "Normal", "SawCompletedJob",
            cat("Saw completed job: ", job->metadata.name,
                ", condition: ", succeeded(*job) ? "Complete" : "Failed"));
    }
    if (finished && succeeded(*job) && job->status.completion_time &&
        (!cron.status.last_successful_time ||
         *cron.status.last_successful_time < *job->status.completion_time)) {
      cron.status.last_successful_time = job->status.completion_time;
    }
  }
  for (std::size_t i = 0; i < active.size();) {
    const bool there = std::any_of(jobs.begin(), jobs.end(), [&](const auto& job) {
      return job->metadata.uid == active[i].uid;
    });
    if (there) {
      ++i;
      continue;
    }
    event(cron, "Normal", "MissingJob", cat("Active job went missing: ", active[i].name));
    active.erase(active.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

std::optional<std::int64_t> CronJobController::missed(const batchv1::CronJob& cron,
                                                      const Schedule& schedule) {
  const std::int64_t time = unix_seconds(now());
  std::int64_t earliest = cron.status.last_schedule_time ? cron.status.last_schedule_time->seconds
                                                         : cron.metadata.creation_timestamp.seconds;
  if (cron.spec.starting_deadline_seconds)
    earliest = std::max(earliest, time - *cron.spec.starting_deadline_seconds);
  std::optional<std::int64_t> last;
  int count = 0;
  for (auto at = schedule.next(earliest); at && *at <= time; at = schedule.next(*at)) {
    last = at;
    if (++count <= kMostMissed) continue;
    event(cron, "Warning", "TooManyMissedTimes",
          "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check "
          "clock skew");
    // Only the last counts: it is at most one distance before now.
    const auto second = schedule.next(*at);
    const std::int64_t distance = second ? *second - *at : 60;
    for (auto near = schedule.next(std::max(*at, time - 2 * distance)); near && *near <= time;
         near = schedule.next(*near)) {
      last = near;
    }
    break;
  }
  return last;
}

async::Task<Status> CronJobController::start_due(batchv1::CronJob& cron, std::vector<JobRef> jobs,
                                                 async::StopToken stop) {
  const auto zone = TimeZone::load(cron.spec.time_zone.value_or(""));
  if (!zone) {
    event(cron, "Warning", "UnknownTimeZone",
          cat("invalid timeZone: ", quoted(*cron.spec.time_zone), ": ", zone.error().message()));
    co_return Status();
  }
  const auto schedule = Schedule::parse(cron.spec.schedule, *zone);
  if (!schedule) {
    event(cron, "Warning", "UnparseableSchedule",
          cat("unparseable schedule: ", quoted(cron.spec.schedule), " : ",
              schedule.error().message()));
    co_return Status();
  }
  const std::int64_t time = unix_seconds(now());
  if (const auto next = schedule->next(time)) {
    queue().add_after(api::key_of(cron),
                      std::chrono::seconds(*next - time) + std::chrono::milliseconds(100));
  }
  const auto due = missed(cron, *schedule);
  if (!due) co_return Status();
  if (cron.status.last_schedule_time && cron.status.last_schedule_time->seconds == *due)
    co_return Status();
  if (cron.spec.starting_deadline_seconds && *due + *cron.spec.starting_deadline_seconds < time) {
    event(cron, "Warning", "MissSchedule",
          cat("Missed scheduled time to start a job: ", api::Time(*due, 0).to_string()));
    co_return Status();
  }
  if (cron.spec.concurrency_policy == "Forbid" && !cron.status.active.empty()) {
    event(cron, "Normal", "JobAlreadyActive",
          "Not starting job because prior execution is running and concurrency policy is Forbid");
    co_return Status();
  }
  if (cron.spec.concurrency_policy == "Replace") {
    for (const auto& job : jobs) {
      if (!is_finished(*job)) KPP_CO_RETURN_IF_ERROR(co_await delete_job(cron, job, stop));
    }
  }
  co_return co_await create_job(cron, *due, stop);
}

async::Task<Status> CronJobController::create_job(batchv1::CronJob& cron, std::int64_t due,
                                                  async::StopToken stop) {
  batchv1::Job job;
  job.metadata.name = cat(cron.metadata.name, "-", due / 60);
  job.metadata.namespace_ = cron.metadata.namespace_;
  job.metadata.labels = cron.spec.job_template.metadata.labels;
  job.metadata.annotations = cron.spec.job_template.metadata.annotations;
  job.metadata.annotations[kScheduledAt] = api::Time(due, 0).to_string();
  job.metadata.owner_references.push_back(
      api::controller_reference(batchv1::CronJob::desc(), cron.metadata));
  job.spec = cron.spec.job_template.spec;
  const api::ObjectKey key = api::key_of(job);
  auto created = co_await client().create<batchv1::Job>(std::move(job), stop);
  if (!created && created.error().is(Reason::kAlreadyExists)) {
    created = co_await client().get<batchv1::Job>(key, stop);
    const bool ours = created && api::is_controlled_by(created->metadata, cron.metadata.uid);
    if (!ours) co_return Status();  // somebody else's of this name
  } else if (created) {
    event(cron, "Normal", "SuccessfulCreate", cat("Created job ", key.name));
  } else {
    for (const auto& cause : created.error().details().causes) {
      if (cause.type == "NamespaceTerminating") co_return std::move(created).error();
    }
    event(cron, "Warning", "FailedCreate", cat("Error creating job: ", created.error().message()));
    co_return std::move(created).error();
  }
  auto reference = client::reference_to(batchv1::Job::desc(), created->metadata);
  const bool noted = std::any_of(cron.status.active.begin(), cron.status.active.end(),
                                 [&](const auto& r) { return r.uid == reference.uid; });
  if (!noted && !is_finished(*created)) cron.status.active.push_back(std::move(reference));
  cron.status.last_schedule_time = api::Time(due, 0);
  co_return Status();
}

async::Task<Status> CronJobController::delete_job(batchv1::CronJob& cron, JobRef job,
                                                  async::StopToken stop) {
  client::DeleteQuery query;
  query.propagation_policy = "Background";
  Status status = co_await client().remove<batchv1::Job>(api::key_of(*job), query, stop);
  if (!status.ok() && !status.is(Reason::kNotFound)) {
    event(cron, "Warning", "FailedDelete", cat("Deleted job: ", status.message()));
    co_return status;
  }
  std::erase_if(cron.status.active, [&](const auto& r) { return r.uid == job->metadata.uid; });
  event(cron, "Normal", "SuccessfulDelete", cat("Deleted job ", job->metadata.name));
  co_return Status();
}

async::Task<Status> CronJobController::clean_up(batchv1::CronJob& cron, std::vector<JobRef> jobs,
                                                async::StopToken stop) {
  std::erase_if(
      jobs, [](const auto& job) { return !is_finished(*job) || job->metadata.deletion_timestamp; });
  std::sort(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) {
    const auto x = a->status.start_time.value_or(api::Time());
    const auto y = b->status.start_time.value_or(api::Time());
    return x != y ? x < y : a->metadata.name < b->metadata.name;
  });
  for (const bool good : {true, false}) {
    const auto limit =
        good ? cron.spec.successful_jobs_history_limit : cron.spec.failed_jobs_history_limit;
    if (!limit) continue;
    std::vector<JobRef> kind;
    for (const auto& job : jobs) {
      if (succeeded(*job) == good) kind.push_back(job);
    }
    for (std::size_t i = 0; i + static_cast<std::size_t>(std::max(0, *limit)) < kind.size(); ++i)
      KPP_CO_RETURN_IF_ERROR(co_await delete_job(cron, kind[i], stop));
  }
  co_return Status();
}

}  // namespace kpp::controllers
