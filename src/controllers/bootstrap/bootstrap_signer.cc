#include "controllers/bootstrap/bootstrap_signer.h"

#include "controllers/bootstrap/bootstrap_tokens.h"

namespace kpp::controllers {
namespace {

constexpr const char* kSignaturePrefix = "jws-kubeconfig-";
const api::ObjectKey kClusterInfo{"kube-public", "cluster-info"};

client::ListQuery bootstrap_tokens() {
  client::ListQuery query;
  query.field_selector = cat("type=", kBootstrapTokenType);
  return query;
}
client::ListQuery named(const std::string& name) {
  client::ListQuery query;
  query.field_selector = cat("metadata.name=", name);
  return query;
}

}  // namespace

BootstrapSigner::BootstrapSigner(ControllerContext context)
    : Controller(context, "bootstrap-signer-controller", "bootstrap-signer", 1),
      tokens_(watch_some<corev1::Secret>(
          "kube-system", bootstrap_tokens(),
          [this](const auto&, const auto&) { queue().add(kClusterInfo); })),
      maps_(watch_some<corev1::ConfigMap>(
          kClusterInfo.namespace_, named(kClusterInfo.name),
          [this](const auto&, const auto&) { queue().add(kClusterInfo); })) {}

async::Task<Status> BootstrapSigner::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto map = maps_.get(key);
  if (!map) co_return Status();
  const auto kubeconfig = map->data.find("kubeconfig");
  if (kubeconfig == map->data.end()) {
    log().warning("No kubeconfig key in the cluster-info ConfigMap");
    co_return Status();
  }
  corev1::ConfigMap next = *map;
  std::erase_if(next.data, [](const auto& e) { return e.first.starts_with(kSignaturePrefix); });
  for (const auto& secret : tokens_.in_namespace("kube-system")) {
    if (const auto end = token_expiry(*secret); end && *end > now()) {
      queue().add_after(key, std::chrono::duration_cast<Duration>(*end - now()));
    }
    const auto token = signing_token(*secret, now());
    if (!token) continue;
    next.data[kSignaturePrefix + token->id] = detached_signature(kubeconfig->second, *token);
  }
  if (next.data == map->data) co_return Status();
  auto written = co_await client().update<corev1::ConfigMap>(std::move(next), stop);
  if (!written) co_return std::move(written).error();
  co_return Status();
}

TokenCleaner::TokenCleaner(ControllerContext context)
    : Controller(context, "token-cleaner-controller", "token-cleaner", 1),
      tokens_(watch_some<corev1::Secret>("kube-system", bootstrap_tokens(),
                                         [this](const auto&, const auto& after) {
                                           if (after) queue().add(api::key_of(*after));
                                         })) {}

async::Task<Status> TokenCleaner::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto secret = tokens_.get(key);
  if (!secret) co_return Status();
  const auto end = token_expiry(*secret);
  if (!end) co_return Status();
  if (*end > now()) {
    queue().add_after(key, std::chrono::duration_cast<Duration>(*end - now()));
    co_return Status();
  }
  client::DeleteQuery query;
  query.uid = secret->metadata.uid;
  Status status = co_await client().remove<corev1::Secret>(key, query, stop);
  co_return status.is(Reason::kNotFound) ? Status() : status;
}

}  // namespace kpp::controllers
