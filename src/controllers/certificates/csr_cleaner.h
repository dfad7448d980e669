// Deletes requests that nobody needs any more: pending ones after a day, decided ones after an
// hour.
#pragma once

#include "controllers/certificates/signers.h"
#include "controllers/controller.h"

namespace kpp::controllers {

class CsrCleaner final : public Controller {
 public:
  explicit CsrCleaner(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Lister<Csr> requests_;
};

}  // namespace kpp::controllers
