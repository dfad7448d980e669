// Approves the requests of kubelets for their client certificates, if the asker may have them.
#pragma once

#include "controllers/certificates/signers.h"
#include "controllers/controller.h"

namespace kpp::controllers {

class CsrApprover final : public Controller {
 public:
  explicit CsrApprover(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  // Whether the asker may create certificatesigningrequests/`subresource`.
  async::Task<Result<bool>> may(std::shared_ptr<const Csr> csr, std::string subresource,
                                async::StopToken stop);
  async::Task<Status> approve(Csr csr, std::string message, async::StopToken stop);

  Lister<Csr> requests_;
};

}  // namespace kpp::controllers
