// Gives cluster roles with an aggregation rule the rules of the roles that it selects.
#pragma once

#include "api/rbacv1.h"
#include "controllers/controller.h"

namespace kpp::controllers {

class ClusterRoleAggregation final : public Controller {
 public:
  explicit ClusterRoleAggregation(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Lister<rbacv1::ClusterRole> roles_;
};

}  // namespace kpp::controllers
