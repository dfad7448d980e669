// Runs the pods of jobs until as many have succeeded as the job wants, or it has failed.
#pragma once

#include "controllers/controller.h"
#include "controllers/job/job_sync.h"

namespace kpp::controllers {

// Jobs that another controller manages (spec.managedBy) are left alone.
class JobController final : public Controller {
 public:
  explicit JobController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using JobRef = std::shared_ptr<const batchv1::Job>;

  void on_job(const JobRef& before, const JobRef& after);
  void on_pod(const PodRef& before, const PodRef& after);
  JobRef job_of(const std::string& namespace_, const metav1::OwnerReference* controller) const;
  // Takes the tracking finalizer from pods of jobs of this name that are no more.
  async::Task<Status> release_orphans(api::ObjectKey key, std::string live_uid,
                                      async::StopToken stop);
  void forget(const api::ObjectKey& key);

  PodControl pod_control_;
  Expectations expectations_;
  std::map<api::ObjectKey, std::set<std::string>> untracked_;
  std::map<api::ObjectKey, BackOffRecord> back_off_;
  Lister<batchv1::Job> jobs_;
  Lister<corev1::Pod> pods_;
};

}  // namespace kpp::controllers
