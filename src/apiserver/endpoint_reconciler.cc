#include "apiserver/endpoint_reconciler.h"

#include "api/corev1.h"
#include "api/discoveryv1.h"
#include "api/json_codec.h"
#include "apiserver/own_objects.h"

namespace kpp::apiserver {
namespace {

corev1::Endpoints endpoints_of(const std::vector<std::string>& addresses, int port) {
  corev1::Endpoints out;
  out.metadata.namespace_ = "default";
  out.metadata.name = "kubernetes";
  out.metadata.labels = {{"endpointslice.kubernetes.io/skip-mirror", "true"}};
  auto& subset = out.subsets.emplace_back();
  for (const auto& address : addresses) subset.addresses.emplace_back().ip = address;
  auto& https = subset.ports.emplace_back();
  https.name = "https";
  https.port = port;
  https.protocol = "TCP";
  return out;
}

discoveryv1::EndpointSlice slice_of(const std::vector<std::string>& addresses, int port) {
  discoveryv1::EndpointSlice out;
  out.metadata.namespace_ = "default";
  out.metadata.name = "kubernetes";
  out.metadata.generation = 1;
  out.metadata.labels = {{"kubernetes.io/service-name", "kubernetes"}};
  out.address_type = "IPv4";
  for (const auto& address : addresses) {
    auto& endpoint = out.endpoints.emplace_back();
    endpoint.addresses = {address};
    endpoint.conditions.ready = true;
  }
  auto& https = out.ports.emplace_back();
  https.name = "https";
  https.protocol = "TCP";
  https.port = port;
  return out;
}

std::string lease_key(std::string_view address) { return cat(kMasterLeases, address); }

}  // namespace

async::Task<Status> EndpointReconciler::renew(async::StopToken stop) {
  corev1::Endpoints lease;
  lease.metadata.generation = ++renewals_;  // each renewal differs from the last
  lease.subsets.emplace_back().addresses.emplace_back().ip = address_;
  store::Write write;
  write.key = lease_key(address_);
  write.value = std::make_shared<const std::string>(api::to_json(lease));
  write.ttl = kTimeToLive;
  const auto written = co_await core_.store.write(std::move(write), std::move(stop));
  co_return written ? Status() : written.error();
}

async::Task<Result<std::vector<std::string>>> EndpointReconciler::living(async::StopToken stop) {
  store::RangeOptions options;
  options.prefix = kMasterLeases;
  auto range = co_await core_.store.range(std::move(options), std::move(stop));
  if (!range) co_return fail(std::move(range).error());
  std::vector<std::string> out;
  for (const auto& entry : range->entries) out.push_back(entry.key.substr(kMasterLeases.size()));
  co_return out;
}

async::Task<Status> EndpointReconciler::write_endpoints(std::vector<std::string> addresses,
                                                        async::StopToken stop) {
  KPP_CO_RETURN_IF_ERROR(co_await keep_object(
      core_, api::Object::of(endpoints_of(addresses, port_)), IfThere::kReplace, stop));
  co_return co_await keep_object(core_, api::Object::of(slice_of(addresses, port_)),
                                 IfThere::kReplace, stop);
}

async::Task<Status> EndpointReconciler::reconcile(async::StopToken stop) {
  if (!core_.store.shared()) {
    std::vector<std::string> alone = {address_};
    co_return co_await write_endpoints(std::move(alone), std::move(stop));
  }
  KPP_CO_RETURN_IF_ERROR(co_await renew(stop));
  auto addresses = co_await living(stop);
  if (!addresses) co_return std::move(addresses).error();
  co_return co_await write_endpoints(std::move(*addresses), std::move(stop));
}

async::Task<void> EndpointReconciler::run(async::StopToken stop) {
  while (core_.store.shared()) {
    const bool slept = co_await async::sleep_for(core_.executor, kInterval, stop);
    if (!slept) co_return;
    const Status done = co_await reconcile(stop);
    if (!done.ok() && !done.is(Reason::kCanceled))
      core_.log.error("Unable to reconcile the kubernetes service", {kv("err", done)});
  }
}

async::Task<void> EndpointReconciler::stop() {
  scope_.request_stop();
  co_await scope_.join();
  if (!core_.store.shared() || renewals_ == 0) co_return;
  store::Write write;
  write.key = lease_key(address_);
  const auto removed = co_await core_.store.write(std::move(write), {});
  if (!removed) co_return;  // ends by itself
  auto others = co_await living({});
  // A service that leads to where a server was is found again by clients sooner than none.
  if (others && !others->empty()) (void)co_await write_endpoints(std::move(*others), {});
}

}  // namespace kpp::apiserver
