#include "store/etcd/leases.h"

#include <algorithm>

#include "api/etcdserverpb.h"

namespace kpp::store {
namespace {

constexpr std::chrono::seconds kServes{60};
constexpr int kMaxKeys = 1000;

std::chrono::seconds serving_time(std::chrono::seconds ttl) { return std::min(kServes, ttl / 10); }

}  // namespace

async::Task<Result<std::int64_t>> LeaseGranter::lease_for(std::chrono::seconds ttl,
                                                          async::StopToken stop) {
  const bool turn = co_await turn_.acquire(stop);
  if (!turn) co_return fail(Reason::kCanceled, "the caller stopped");
  auto id = co_await grant(ttl, std::move(stop));
  turn_.release();
  co_return id;
}

async::Task<Result<std::int64_t>> LeaseGranter::grant(std::chrono::seconds ttl,
                                                      async::StopToken stop) {
  const TimePoint now = executor_.steady();
  if (Lease& lease = newest_[ttl]; lease.keys < kMaxKeys && now < lease.serves_until) {
    ++lease.keys;
    co_return lease.id;
  }
  etcdserverpb::LeaseGrantRequest request;
  request.ttl = (ttl + serving_time(ttl)).count();
  // A lease that nobody uses ends by itself: asking again does no harm.
  auto granted = co_await client_.call<etcdserverpb::LeaseGrantResponse>(
      "Lease/LeaseGrant", std::move(request), EtcdClient::Kind::kRead, std::move(stop));
  if (!granted) co_return fail(std::move(granted).error());
  if (!granted->error.empty()) co_return fail(Reason::kUnknown, granted->error);
  newest_[ttl] = {granted->id, 1, now + serving_time(ttl)};
  co_return granted->id;
}

}  // namespace kpp::store
