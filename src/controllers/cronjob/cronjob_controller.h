// Starts jobs on their schedules, and keeps as many finished ones as wanted.
#pragma once

#include "api/batchv1.h"
#include "controllers/controller.h"
#include "controllers/cronjob/schedule.h"

namespace kpp::controllers {

class CronJobController final : public Controller {
 public:
  explicit CronJobController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using JobRef = std::shared_ptr<const batchv1::Job>;

  std::vector<JobRef> jobs_of(const batchv1::CronJob& cron) const;
  // Takes what has ended or is gone out of status.active.
  void update_active(batchv1::CronJob& cron, const std::vector<JobRef>& jobs);
  async::Task<Status> start_due(batchv1::CronJob& cron, std::vector<JobRef> jobs,
                                async::StopToken stop);
  // The last due moment that has passed and was not served.
  std::optional<std::int64_t> missed(const batchv1::CronJob& cron, const Schedule& schedule);
  async::Task<Status> create_job(batchv1::CronJob& cron, std::int64_t due, async::StopToken stop);
  async::Task<Status> delete_job(batchv1::CronJob& cron, JobRef job, async::StopToken stop);
  async::Task<Status> clean_up(batchv1::CronJob& cron, std::vector<JobRef> jobs,
                               async::StopToken stop);
  void event(const batchv1::CronJob& cron, const char* type, const char* reason,
             std::string message);

  Lister<batchv1::CronJob> crons_;
  Lister<batchv1::Job> jobs_;
};

}  // namespace kpp::controllers
