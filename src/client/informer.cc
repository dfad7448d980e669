#include "client/informer.h"

#include <algorithm>
#include <random>
#include <set>

namespace kpp::client {
namespace {

constexpr Duration kMinBackoff = std::chrono::milliseconds(800);
constexpr Duration kMaxBackoff = std::chrono::seconds(30);
constexpr Duration kHealthyAfter = std::chrono::minutes(2);

// 5 to 10 minutes, so that watches that began together do not end together.
std::int64_t watch_seconds() {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_int_distribution<std::int64_t>(300, 600)(random);
}

// Nobody reads managed fields from a cache, and they are half of many objects.
ListQuery slim(ListQuery query) {
  query.without_managed_fields = true;
  return query;
}

bool is_expired(const Status& status) {
  return status.is(Reason::kExpired) || status.is(Reason::kGone);
}

}  // namespace

InformerBase::InformerBase(async::Executor& executor, Client& client, Logger log,
                           const api::TypeDesc& type, std::string namespace_, ListQuery selectors)
    : executor_(executor),
      client_(client),
      log_(std::move(log)),
      type_(type),
      namespace_(std::move(namespace_)),
      selectors_(slim(std::move(selectors))),
      synced_(executor),
      scope_(executor) {}

InformerBase::~InformerBase() = default;

void InformerBase::add_handler(Handler handler) { handlers_.push_back(std::move(handler)); }

void InformerBase::start() { scope_.spawn(run(scope_.stop_token())); }

async::Task<bool> InformerBase::wait_synced(async::StopToken stop) {
  co_return co_await synced_.wait(std::move(stop));
}

async::Task<bool> InformerBase::wait_synced_for(Duration timeout, async::StopToken stop) {
  co_return co_await synced_.wait_for(timeout, std::move(stop));
}

async::Task<void> InformerBase::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

InformerBase::Ref InformerBase::get(const api::ObjectKey& key) const {
  const auto it = objects_.find(key);
  return it == objects_.end() ? nullptr : it->second;
}

std::vector<InformerBase::Ref> InformerBase::all() const {
  std::vector<Ref> out;
  out.reserve(objects_.size());
  for (const auto& [key, object] : objects_) out.push_back(object);
  return out;
}

std::vector<InformerBase::Ref> InformerBase::in_namespace(const std::string& ns) const {
  std::vector<Ref> out;
  for (auto it = objects_.lower_bound({ns, ""}); it != objects_.end() && it->first.namespace_ == ns;
       ++it) {
    out.push_back(it->second);
  }
  return out;
}

async::Task<void> InformerBase::run(async::StopToken stop) {
  Duration backoff = kMinBackoff;
  while (!stop.stop_requested()) {
    const TimePoint began = executor_.steady();
    const Status status = co_await list_then_watch(stop);
    if (stop.stop_requested()) co_return;
    if (is_expired(status)) {
      resource_version_.clear();
      if (executor_.steady() - began > kMinBackoff) continue;
    } else if (!status.ok()) {
      log_.warning("List or watch failed, trying again",
                   {kv("resource", type_.resource ? type_.resource->plural : type_.name),
                    kv("err", status.to_string())});
    }
    if (executor_.steady() - began > kHealthyAfter) backoff = kMinBackoff;
    const bool slept = co_await async::sleep_for(executor_, backoff, stop);
    if (!slept) co_return;
    backoff = std::min(backoff * 2, kMaxBackoff);
  }
}

async::Task<Status> InformerBase::list_then_watch(async::StopToken stop) {
  if (resource_version_.empty()) {
    auto listed = co_await client_.list(type_, namespace_, selectors_, stop);
    if (!listed) co_return std::move(listed).error();
    replace(std::move(*listed));
  }
  for (;;) {
    ListQuery query = selectors_;
    query.resource_version = resource_version_;
    query.allow_bookmarks = true;
    query.timeout_seconds = watch_seconds();
    auto opened = co_await client_.watch(type_, namespace_, std::move(query), stop);
    if (!opened) co_return std::move(opened).error();
    const TimePoint began = executor_.steady();
    bool any = false;
    Status ended;
    while (ended.ok()) {
      auto event = co_await (*opened)->next(stop);
      if (!event) {
        ended = std::move(event).error();
      } else {
        any = true;
        apply(event->type, std::move(event->object));
      }
    }
    if (!ended.is(Reason::kIo)) co_return ended;
    // A watch that ends at once without an event would make this loop spin.
    if (!any && executor_.steady() - began < std::chrono::seconds(1)) co_return ended;
  }
}

void InformerBase::replace(RawList list) {
  std::set<api::ObjectKey> present;
  for (auto& object : list.items) {
    const auto* meta = api::metadata(object);
    const auto key = api::key_of(*meta);
    present.insert(key);
    const Ref old = get(key);
    if (old && api::metadata(type_, old->data())->resource_version == meta->resource_version)
      continue;
    apply("MODIFIED", std::move(object));
  }
  std::vector<Ref> gone;
  for (auto it = objects_.begin(); it != objects_.end();) {
    if (present.contains(it->first)) {
      ++it;
    } else {
      gone.push_back(std::move(it->second));
      it = objects_.erase(it);
    }
  }
  for (const auto& object : gone) notify(object, nullptr);
  resource_version_ = std::move(list.resource_version);
  synced_.set();
}

void InformerBase::apply(const std::string& type, api::Object object) {
  auto* meta = api::metadata(object);
  if (!meta->resource_version.empty()) resource_version_ = meta->resource_version;
  if (type == "BOOKMARK") return;
  if (metadata_only_) {
    api::Object slim(type_);
    *api::metadata(slim) = std::move(*meta);
    object = std::move(slim);
    meta = api::metadata(object);
  }
  if (trim_) trim_(object);
  const auto key = api::key_of(*meta);
  Ref& slot = objects_[key];
  const Ref old = std::move(slot);
  if (type == "DELETED") {
    objects_.erase(key);
    notify(std::make_shared<const api::Object>(std::move(object)), nullptr);
    return;
  }
  slot = std::make_shared<const api::Object>(std::move(object));
  const Ref now = slot;
  notify(old, now);
}

void InformerBase::notify(const Ref& old_object, const Ref& new_object) {
  for (const auto& handler : handlers_) handler(old_object, new_object);
}

}  // namespace kpp::client
