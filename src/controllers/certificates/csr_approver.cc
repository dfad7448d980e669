#include "controllers/certificates/csr_approver.h"

#include "api/authorizationv1.h"

namespace kpp::controllers {

CsrApprover::CsrApprover(ControllerContext context)
    : Controller(context, "certificatesigningrequest-approving-controller", "csrapproving"),
      requests_(watch_keys<Csr>()) {}

async::Task<Status> CsrApprover::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto csr = requests_.get(key);
  if (!csr || !csr->status.certificate.empty() || has_condition(*csr, "Approved") ||
      has_condition(*csr, "Denied")) {
    co_return Status();
  }
  const auto subject = net::x509::read_request(csr->spec.request);
  if (!subject || !is_node_client(*csr, *subject)) co_return Status();
  if (csr->spec.username == subject->common_name) {
    auto allowed = co_await may(csr, "selfnodeclient", stop);
    if (!allowed) co_return std::move(allowed).error();
    if (*allowed) {
      co_return co_await approve(
          *csr, "Auto approving self kubelet client certificate after SubjectAccessReview.", stop);
    }
  }
  auto allowed = co_await may(csr, "nodeclient", stop);
  if (!allowed) co_return std::move(allowed).error();
  if (*allowed) {
    co_return co_await approve(
        *csr, "Auto approving kubelet client certificate after SubjectAccessReview.", stop);
  }
  log().info("Request is recognized, but its asker may not have it approved", {kv("csr", key)});
  co_return Status();
}

async::Task<Result<bool>> CsrApprover::may(std::shared_ptr<const Csr> csr, std::string subresource,
                                           async::StopToken stop) {
  authorizationv1::SubjectAccessReview review;
  review.spec.user = csr->spec.username;
  review.spec.uid = csr->spec.uid;
  review.spec.groups = csr->spec.groups;
  review.spec.extra = csr->spec.extra;
  auto& what = review.spec.resource_attributes.ensure();
  what.group = "certificates.k8s.io";
  what.resource = "certificatesigningrequests";
  what.verb = "create";
  what.version = "*";
  what.subresource = std::move(subresource);
  auto answer = co_await client().create<authorizationv1::SubjectAccessReview>(review, stop);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return answer->status.allowed;
}

async::Task<Status> CsrApprover::approve(Csr csr, std::string message, async::StopToken stop) {
  auto& condition = csr.status.conditions.emplace_back();
  condition.type = "Approved";
  condition.status = "True";
  condition.reason = "AutoApproved";
  condition.message = std::move(message);
  auto written = co_await client().update(api::Object::of(csr), "approval", stop);
  if (!written) co_return std::move(written).error();
  co_return Status();
}

}  // namespace kpp::controllers
