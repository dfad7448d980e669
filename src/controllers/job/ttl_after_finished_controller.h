// Deletes finished jobs when their spec.ttlSecondsAfterFinished is over.
#pragma once

#include "api/batchv1.h"
#include "controllers/controller.h"

namespace kpp::controllers {

class TtlAfterFinishedController final : public Controller {
 public:
  explicit TtlAfterFinishedController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Lister<batchv1::Job> jobs_;
};

}  // namespace kpp::controllers
