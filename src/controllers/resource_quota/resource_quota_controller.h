// Counts what namespaces use of their resource quotas.
#pragma once

#include <string>
#include <vector>

#include "api/quota.h"
#include "controllers/controller.h"

namespace kpp::controllers {

// The API server adds what is created; this takes away what is gone, and counts anew now and then.
//
// Guarantees: a quota is counted when it is new or its limits change, when something that it counts
// is deleted or ends, and every
//   five minutes. status.used names what the quota limits and the cluster can count.
class ResourceQuotaController final : public Controller {
 public:
  explicit ResourceQuotaController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;
  async::Task<void> run_beside(async::StopToken stop) override;

 private:
  // Objects of which there may be a limited number.
  struct Counted {
    const api::TypeDesc* type;
    client::InformerBase* informer;
    bool whole;  // the amount depends on more than there being an object
  };
  void add_source(const api::TypeDesc& type);
  void on_change(const Counted& counted, const client::InformerBase::Ref& before,
                 const client::InformerBase::Ref& after);
  // Puts the quotas of the namespace that limit what `counted` uses into the queue.
  void enqueue_quotas(const std::string& namespace_, const Counted& counted, Duration after);
  api::QuotaUsage used(const corev1::ResourceQuota& quota) const;

  Lister<corev1::ResourceQuota> quotas_;
  std::vector<Counted> sources_;
};

}  // namespace kpp::controllers
