#include "apiserver/identity_lease.h"

#include <openssl/sha.h>

#include "api/json_codec.h"
#include "base/ids.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kNamespace = "kube-system";
constexpr std::string_view kIdentityLabel = "apiserver.kubernetes.io/identity";
constexpr std::string_view kIdentity = "kube-apiserver";
constexpr std::size_t kHashBytes = 16;

// RFC 4648 in lower case, without padding.
std::string base32(std::string_view bytes) {
  static constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (count += 8; count >= 5; count -= 5) out += kDigits[bits >> (count - 5) & 31];
    bits &= 0xff;
  }
  if (count > 0) out += kDigits[bits << (5 - count) & 31];
  return out;
}

}  // namespace

std::string IdentityLease::name_for(std::string_view hostname) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(hostname.data()), hostname.size(), digest);
  return cat("apiserver-", base32({reinterpret_cast<const char*>(digest), kHashBytes}));
}

IdentityLease::IdentityLease(Core& core, std::string hostname)
    : core_(core),
      leases_(*core.table.find("coordination.k8s.io", "v1", "leases")),
      hostname_(std::move(hostname)),
      name_(name_for(hostname_)),
      holder_(cat(name_, "_", new_uuid())),
      scope_(core.executor) {}

async::Task<void> IdentityLease::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

coordinationv1::Lease IdentityLease::renewed(const CachedRef& present) const {
  const WallTime now = core_.executor.wall();
  coordinationv1::Lease out;
  if (present) {
    if (auto parsed = api::parse_json<coordinationv1::Lease>(*present->json))
      out = std::move(*parsed);
    out.metadata.resource_version.clear();
  } else {
    out.metadata.namespace_ = kNamespace;
    out.metadata.name = name_;
    out.metadata.uid = new_uuid();
    out.metadata.creation_timestamp = api::Time::from(now);
  }
  out.metadata.labels[std::string(kIdentityLabel)] = kIdentity;
  out.metadata.labels["kubernetes.io/hostname"] = hostname_;
  out.spec.holder_identity = holder_;
  out.spec.lease_duration_seconds = static_cast<std::int32_t>(kDuration.count());
  out.spec.renew_time = api::MicroTime::from(now);
  return out;
}

async::Task<Status> IdentityLease::renew(async::StopToken stop) {
  store::Write write;
  write.key = leases_.store_key(kNamespace, name_);
  const CachedRef present = core_.cache.cache(leases_).find(write.key);
  write.expected_revision = present ? present->revision : 0;
  write.value = std::make_shared<const std::string>(api::to_json(renewed(present)));
  const auto written = co_await core_.store.write(std::move(write), std::move(stop));
  co_return written ? Status() : written.error();
}

async::Task<void> IdentityLease::remove_expired(async::StopToken stop) {
  std::vector<store::Write> expired;
  core_.cache.cache(leases_).each(
      leases_.store_key(kNamespace, ""), {}, [&](const std::string& key, const CachedRef& object) {
        const auto label = object->labels.find(std::string(kIdentityLabel));
        if (label == object->labels.end() || label->second != kIdentity) return true;
        const auto lease = api::parse_json<coordinationv1::Lease>(*object->json);
        if (lease && is_expired(*lease, core_.executor.wall()))
          expired.push_back({.key = key, .expected_revision = object->revision});
        return true;
      });
  for (auto& write : expired) (void)co_await core_.store.write(std::move(write), stop);
}

async::Task<void> IdentityLease::run(async::StopToken stop) {
  TimePoint next_removal = core_.executor.steady();
  while (!stop.stop_requested()) {
    const Status done = co_await renew(stop);
    // A conflict: the cache did not show the last one yet.
    if (!done.ok() && !done.is(Reason::kCanceled) && !done.is(Reason::kConflict))
      core_.log.error("Failed to update lease, will try again", {kv("err", done)});
    if (core_.executor.steady() >= next_removal) {
      next_removal = core_.executor.steady() + kDuration;
      co_await remove_expired(stop);
    }
    co_await async::sleep_for(core_.executor, kRenewal, stop);
  }
}

bool is_expired(const coordinationv1::Lease& lease, WallTime now) {
  if (!lease.spec.renew_time || !lease.spec.lease_duration_seconds) return true;
  const std::int64_t ends = lease.spec.renew_time->seconds + *lease.spec.lease_duration_seconds;
  return ends < api::Time::from(now).seconds;
}

}  // namespace kpp::apiserver
