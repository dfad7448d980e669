#include "apiserver/watch_cache.h"

#include <algorithm>
#include <utility>

#include "api/json_codec.h"
#include "apiserver/errors.h"
#include "apiserver/registry/strategy.h"
#include "apiserver/stored_object.h"

namespace kpp::apiserver {
namespace {

constexpr std::chrono::seconds kRetry{1};
constexpr std::size_t kWindowEvents = 1024;
constexpr std::size_t kWindowBytes = 4u << 20;
constexpr std::size_t kWatcherBacklog = 4096;
constexpr std::size_t kWatcherBacklogBytes = 32u << 20;
// So many events may wait whatever their size: a window that is handed to a new watcher has them.
constexpr std::size_t kKeptEvents = 64;

std::size_t bytes_of(const CacheEvent& event) {
  return 128 + (event.object ? event.object->json->size() : 0) +
         (event.previous ? event.previous->json->size() : 0);
}

// The stored bytes with metadata.resourceVersion in them; our encoder writes kind, apiVersion and
// metadata first.
std::string with_revision(const std::string& stored, store::Revision revision) {
  static constexpr std::string_view kMetadata = "\"metadata\":{";
  const auto at = stored.find(kMetadata);
  if (at == std::string::npos) return stored;
  const auto insert_at = at + kMetadata.size();
  std::string out;
  out.reserve(stored.size() + 40);
  out.append(stored, 0, insert_at);
  out += cat("\"resourceVersion\":\"", revision, "\"");
  if (stored[insert_at] != '}') out += ',';
  out.append(stored, insert_at);
  return out;
}

}  // namespace

std::size_t item_begin(std::string_view json) {
  const auto at = json.find("\"metadata\":");
  return at == std::string_view::npos ? 1 : at;
}

async::Task<CacheEventRef> CacheWatcher::next(TimePoint deadline, async::Executor& executor,
                                              async::StopToken stop) {
  while (queue_.empty() && !overflowed_) {
    const TimePoint now = executor.steady();
    if (now >= deadline) co_return nullptr;
    const bool woken = co_await ready_.wait_for(deadline - now, stop);
    if (!woken && queue_.empty()) co_return nullptr;
  }
  if (queue_.empty()) co_return nullptr;
  CacheEventRef out = std::move(queue_.front());
  queue_.pop_front();
  bytes_ -= bytes_of(*out);
  co_return out;
}

void CacheWatcher::push(const CacheEventRef& event) {
  if (overflowed_) return;
  if (queue_.size() >= kWatcherBacklog ||
      (bytes_ > kWatcherBacklogBytes && queue_.size() >= kKeptEvents)) {
    cut_off();
    return;
  }
  queue_.push_back(event);
  bytes_ += bytes_of(*event);
  ready_.pulse();
}

void CacheWatcher::cut_off() {
  overflowed_ = true;
  queue_.clear();
  bytes_ = 0;
  ready_.pulse();
}

CachedRef ResourceCache::find(std::string_view store_key) const {
  const auto it = objects_.find(store_key);
  return it == objects_.end() ? nullptr : it->second;
}

WatchCache::WatchCache(async::Executor& executor, store::Store& store, const ResourceTable& table,
                       Logger log)
    : executor_(executor),
      store_(store),
      log_(std::move(log)),
      advanced_(executor),
      scope_(executor) {
  for (const auto& resource : table.all()) {
    if (!resource->is_stored() || resource->storage != resource.get()) continue;
    auto cache = std::make_unique<ResourceCache>();
    cache->resource_ = resource.get();
    by_prefix_.emplace(std::string(resource->desc->etcd_prefix), std::move(cache));
  }
}

WatchCache::~WatchCache() = default;

CachedRef WatchCache::make_object(const ServedResource& resource, const std::string& stored,
                                  store::Revision revision) {
  auto read = read_stored(resource, stored);
  if (!read) return nullptr;
  return make_object(resource, read->object, read->json.empty() ? stored : read->json, revision);
}

CachedRef WatchCache::make_object(const ServedResource& resource, const api::Object& object,
                                  const std::string& stored, store::Revision revision) {
  const auto* meta = api::metadata(object.desc(), object.data());
  if (meta == nullptr) return nullptr;
  auto out = std::make_shared<CachedObject>();
  out->json = std::make_shared<const std::string>(with_revision(stored, revision));
  out->item_at = item_begin(*out->json);
  out->revision = revision;
  out->namespace_ = meta->namespace_;
  out->name = meta->name;
  out->labels = meta->labels;
  if (resource.strategy->selectable != nullptr) out->fields = resource.strategy->selectable(object);
  return out;
}

void WatchCache::offer(std::string store_key, CachedRef object) {
  const store::Revision revision = object->revision;
  if (revision > revision_)
    offers_.insert_or_assign(revision, Offer{std::move(store_key), std::move(object)});
}

CachedRef WatchCache::take_offer(const std::string& store_key, store::Revision revision) {
  CachedRef out;
  while (!offers_.empty() && offers_.begin()->first <= revision) {
    auto& [of, offer] = *offers_.begin();
    if (of == revision && offer.store_key == store_key) out = std::move(offer.object);
    offers_.erase(offers_.begin());
  }
  return out;
}

ResourceCache* WatchCache::cache_for(std::string_view store_key) {
  auto it = by_prefix_.upper_bound(store_key);
  while (it != by_prefix_.begin()) {
    --it;
    if (store_key.starts_with(it->first)) return it->second.get();
    // Prefixes that are a prefix of one another (services/, services/endpoints/) sort close to each
    // other.
    if (it->first.substr(0, 11) != store_key.substr(0, 11)) break;
  }
  return nullptr;
}

async::Task<Status> WatchCache::load(async::StopToken stop) {
  store::RangeOptions options;
  options.prefix = "/registry/";
  auto range = co_await store_.range(options, stop);
  if (!range) co_return std::move(range).error();
  std::map<ResourceCache*, std::map<std::string, CachedRef, std::less<>>> now;
  for (const auto& entry : range->entries) {
    ResourceCache* cache = cache_for(entry.key);
    if (cache == nullptr) continue;
    auto object = make_object(*cache->resource_, *entry.value, entry.mod_revision);
    if (!object) {
      log_.error("Stored object cannot be read; it is left out", {kv("key", entry.key)});
      continue;
    }
    now[cache].emplace(entry.key, std::move(object));
  }
  revision_ = range->revision;
  for (auto& [prefix, cache] : by_prefix_) replace(*cache, std::move(now[cache.get()]));
  co_return Status();
}

void WatchCache::replace(ResourceCache& cache,
                         std::map<std::string, CachedRef, std::less<>> objects) {
  const auto before = std::exchange(cache.objects_, std::move(objects));
  cache.window_.clear();
  cache.window_bytes_ = 0;
  cache.window_start_ = revision_;
  for (CacheWatcher* watcher : cache.watchers_) watcher->cut_off();
  const auto found = listeners_.find(&cache);
  if (found == listeners_.end()) return;
  const auto tell = [&](CachedRef object, CachedRef previous) {
    const CacheEvent event{revision_, std::move(object), std::move(previous)};
    for (const auto& listener : found->second) listener(event);
  };
  for (const auto& [key, object] : before) {
    if (!cache.objects_.contains(key)) tell(nullptr, object);
  }
  for (const auto& [key, object] : cache.objects_) {
    const auto old = before.find(key);
    if (old == before.end()) {
      tell(object, nullptr);
    } else if (old->second->revision != object->revision) {
      tell(object, old->second);
    }
  }
}

async::Task<Status> WatchCache::start(async::StopToken stop) {
  KPP_CO_RETURN_IF_ERROR(co_await load(stop));
  scope_.spawn(follow(scope_.stop_token()));
  co_return Status();
}

async::Task<void> WatchCache::follow(async::StopToken stop) {
  auto watch = store_.watch("/registry/", revision_);
  while (!stop.stop_requested()) {
    if (!watch) {
      log_.warning("The store forgot what the cache has not seen; reading everything anew",
                   {kv("err", watch.error())});
      const Status read = co_await load(stop);
      if (!read.ok()) {
        log_.error("Reading the store failed, will try again", {kv("err", read)});
        const bool slept = co_await async::sleep_for(executor_, kRetry, stop);
        if (!slept) co_return;
      }
      watch = store_.watch("/registry/", revision_);
      advanced_.pulse();
      continue;
    }
    auto batch = co_await (*watch)->next(stop);
    if (!batch) {
      if (batch.error().is(Reason::kCanceled)) co_return;
      log_.warning("Store watch ended; following again", {kv("err", batch.error())});
      watch = store_.watch("/registry/", revision_);
      continue;
    }
    for (const auto& event : batch->events) apply(event);
    revision_ = std::max(revision_, batch->revision);
    advanced_.pulse();
  }
}

void WatchCache::apply(const store::Event& event) {
  revision_ = event.entry.mod_revision;
  CachedRef offered = take_offer(event.entry.key, revision_);
  ResourceCache* cache = cache_for(event.entry.key);
  if (cache == nullptr) return;
  auto out = std::make_shared<CacheEvent>();
  out->revision = revision_;
  const auto it = cache->objects_.find(event.entry.key);
  if (it != cache->objects_.end()) out->previous = it->second;
  if (event.type == store::Event::Type::kPut) {
    out->object = offered ? std::move(offered)
                          : make_object(*cache->resource_, *event.entry.value, revision_);
    if (!out->object) {
      log_.error("Stored object cannot be read; it is left out", {kv("key", event.entry.key)});
      return;
    }
    cache->objects_.insert_or_assign(event.entry.key, out->object);
  } else {
    if (it == cache->objects_.end()) return;
    cache->objects_.erase(it);
  }
  cache->window_.push_back(out);
  cache->window_bytes_ += bytes_of(*out);
  while (cache->window_.size() > kWindowEvents ||
         (cache->window_bytes_ > kWindowBytes && cache->window_.size() > kKeptEvents)) {
    cache->window_start_ = cache->window_.front()->revision;
    cache->window_bytes_ -= bytes_of(*cache->window_.front());
    cache->window_.pop_front();
  }
  for (CacheWatcher* watcher : cache->watchers_) watcher->push(out);
  if (const auto found = listeners_.find(cache); found != listeners_.end()) {
    for (const auto& listener : found->second) listener(*out);
  }
}

async::Task<void> WatchCache::stop() {
  scope_.request_stop();
  advanced_.pulse();
  co_await scope_.join();
}

const ResourceCache& WatchCache::cache(const ServedResource& resource) const {
  return *by_prefix_.find(resource.storage->desc->etcd_prefix)->second;
}

async::Task<bool> WatchCache::wait_for(store::Revision revision, Duration timeout,
                                       async::StopToken stop) {
  const TimePoint deadline = executor_.steady() + timeout;
  while (revision_ < revision) {
    const TimePoint now = executor_.steady();
    if (now >= deadline || stop.stop_requested()) co_return false;
    co_await advanced_.wait_for(deadline - now, stop);
  }
  co_return true;
}

WatchCache::Subscription::Subscription(ResourceCache& cache, std::unique_ptr<CacheWatcher> watcher)
    : cache_(cache), watcher_(std::move(watcher)) {
  position_ = cache_.watchers_.insert(cache_.watchers_.end(), watcher_.get());
}

WatchCache::Subscription::~Subscription() { cache_.watchers_.erase(position_); }

Result<std::unique_ptr<WatchCache::Subscription>> WatchCache::subscribe(
    const ServedResource& resource, store::Revision from) {
  ResourceCache& cache = *by_prefix_.find(resource.storage->desc->etcd_prefix)->second;
  if (from < cache.window_start_) return fail(too_old_version(from, cache.window_start_));
  auto watcher = std::make_unique<CacheWatcher>(executor_);
  for (const auto& event : cache.window_) {
    if (event->revision > from) watcher->push(event);
  }
  return std::make_unique<Subscription>(cache, std::move(watcher));
}

void WatchCache::add_listener(const ServedResource& resource,
                              std::function<void(const CacheEvent&)> listener) {
  listeners_[&cache(resource)].push_back(std::move(listener));
}

}  // namespace kpp::apiserver
