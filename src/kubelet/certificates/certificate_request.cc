#include "kubelet/certificates/certificate_request.h"

#include <arpa/inet.h>

#include "api/certificatesv1.h"
#include "async/wait.h"
#include "client/informer.h"

namespace kpp::kubelet {
namespace {

using Request = certificatesv1::CertificateSigningRequest;
constexpr Duration kPatience = std::chrono::minutes(15);

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

// What has become of the request: a certificate, an error, or kUnknown while it waits.
Result<std::string> outcome(const Request& request) {
  for (const auto& condition : request.status.conditions) {
    const bool denied = condition.type == "Denied";
    if (!denied && condition.type != "Failed") continue;
    return fail(Reason::kForbidden,
                cat("certificate signing request ", denied ? "is denied" : "failed",
                    ", reason: ", condition.reason, ", message: ", condition.message));
  }
  if (!request.status.certificate.empty()) return request.status.certificate;
  return fail(Reason::kUnknown, "");
}

async::Task<Result<std::string>> wait_for(async::Executor& executor,
                                          const client::Informer<Request>& informer,
                                          async::Event& changed, std::string name,
                                          async::StopToken stop) {
  const TimePoint deadline = executor.steady() + kPatience;
  while (executor.steady() < deadline) {
    if (const auto request = informer.get({"", name})) {
      auto ended = outcome(*request);
      if (ended || !ended.error().is(Reason::kUnknown)) co_return ended;
    }
    (void)co_await changed.wait_for(deadline - executor.steady(), stop);
    if (stop.stop_requested()) co_return fail(Reason::kCanceled, "stopped");
    changed.reset();
  }
  co_return fail(Reason::kTimeout,
                 cat("certificate signing request ", name, " was not signed within 15 minutes"));
}

}  // namespace

CertificateRequest client_certificate_of(const std::string& node_name) {
  CertificateRequest out;
  out.signer = "kubernetes.io/kube-apiserver-client-kubelet";
  out.subject.common_name = cat("system:node:", node_name);
  out.subject.organizations = {"system:nodes"};
  out.usage.client = true;
  return out;
}

CertificateRequest serving_certificate_of(const std::string& node_name,
                                          const std::vector<std::string>& addresses) {
  CertificateRequest out;
  out.signer = "kubernetes.io/kubelet-serving";
  out.subject.common_name = cat("system:node:", node_name);
  out.subject.organizations = {"system:nodes"};
  for (const std::string& address : addresses)
    (is_address(address) ? out.subject.ip_addresses : out.subject.dns_names).push_back(address);
  out.usage.server = true;
  return out;
}

async::Task<Result<net::x509::KeyPair>> request_certificate(async::Executor& executor,
                                                            client::Client& client, Logger log,
                                                            CertificateRequest request,
                                                            async::StopToken stop) {
  net::x509::KeyPair out;
  KPP_CO_ASSIGN(out.key_pem, net::x509::make_key());
  Request object;
  object.metadata.generate_name = "csr-";
  KPP_CO_ASSIGN(object.spec.request, net::x509::make_request(out.key_pem, request.subject));
  object.spec.signer_name = request.signer;
  object.spec.usages = {"digital signature", request.usage.client ? "client auth" : "server auth"};
  auto made = co_await client.create<Request>(std::move(object), stop);
  if (!made) {
    co_return fail(
        std::move(made).error().with_context("cannot create certificate signing request"));
  }
  const std::string name = made->metadata.name;
  log.info("Waiting for a certificate signing request to be signed", {kv("csr", name)});
  client::ListQuery selectors;
  selectors.field_selector = cat("metadata.name=", name);
  client::Informer<Request> informer(executor, client, log, {}, selectors);
  async::Event changed(executor);
  informer.add_handler([&changed](const auto&, const auto&) { changed.set(); });
  informer.start();
  auto signed_pem = co_await wait_for(executor, informer, changed, name, std::move(stop));
  co_await informer.stop();
  if (!signed_pem) co_return fail(std::move(signed_pem).error());
  log.info("Certificate signing request is signed", {kv("csr", name)});
  out.certificate_pem = std::move(*signed_pem);
  co_return out;
}

}  // namespace kpp::kubelet
