#include "controllers/certificates/csr_cleaner.h"

#include <algorithm>

namespace kpp::controllers {
namespace {

constexpr auto kDecidedStays = std::chrono::hours(1);
constexpr auto kPendingStays = std::chrono::hours(24);

WallTime due(const Csr& csr) {
  WallTime out = csr.metadata.creation_timestamp.wall() + kPendingStays;
  for (const auto& condition : csr.status.conditions) {
    const auto& at = condition.last_update_time.is_zero() ? condition.last_transition_time
                                                          : condition.last_update_time;
    if (!at.is_zero()) out = std::min<WallTime>(out, at.wall() + kDecidedStays);
  }
  if (csr.status.certificate.empty()) return out;
  const auto certificate = net::x509::read_certificate(csr.status.certificate);
  return certificate ? std::min(out, certificate->validity.not_after) : out;
}

}  // namespace

CsrCleaner::CsrCleaner(ControllerContext context)
    : Controller(context, "certificatesigningrequest-cleaner-controller", "csrcleaner", 1),
      requests_(watch_keys<Csr>()) {}

async::Task<Status> CsrCleaner::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto csr = requests_.get(key);
  if (!csr) co_return Status();
  const auto left = due(*csr) - now();
  if (left > left.zero()) {
    queue().add_after(key, std::chrono::duration_cast<Duration>(left));
    co_return Status();
  }
  client::DeleteQuery query;
  query.uid = csr->metadata.uid;
  Status status = co_await client().remove<Csr>(key, query, stop);
  co_return status.is(Reason::kNotFound) ? Status() : status;
}

}  // namespace kpp::controllers
