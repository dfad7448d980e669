// Every object in memory as its encoded bytes, kept up to date by one watch on the store; answers
// reads and watches.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/meta.h"
#include "api/schema.h"
#include "apiserver/resources.h"
#include "async/executor.h"
#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"
#include "net/http.h"
#include "store/store.h"

namespace kpp::apiserver {

// One version of one object. Immutable; shared by the cache, its event window and answers in
// flight.
struct CachedObject {
  net::SharedBytes json;    // whole, with kind, apiVersion and resourceVersion
  std::size_t item_at = 0;  // where its text as a list's item begins: behind kind and apiVersion
  store::Revision revision = 0;
  std::string namespace_, name;
  std::map<std::string, std::string> labels;
  std::vector<std::pair<std::string, std::string>> fields;  // selectable ones beside metadata.*
};
// Items of lists carry no kind and apiVersion. Our bytes begin with both: what follows is the item,
// less its brace.
std::size_t item_begin(std::string_view json);
using CachedRef = std::shared_ptr<const CachedObject>;

struct CacheEvent {
  store::Revision revision = 0;
  CachedRef object;    // nullptr: deleted
  CachedRef previous;  // nullptr: created
};
using CacheEventRef = std::shared_ptr<const CacheEvent>;

// Receives a resource's events. A watcher that is not drained is cut off when too many events, or
// events of too many bytes, wait for it: overflowed() turns true and no more come.
class CacheWatcher {
 public:
  explicit CacheWatcher(async::Executor& executor) : ready_(executor) {}
  // The next event; nullptr when stopped, the time is over, or the watcher was cut off.
  async::Task<CacheEventRef> next(TimePoint deadline, async::Executor& executor,
                                  async::StopToken stop);
  bool overflowed() const { return overflowed_; }
  void push(const CacheEventRef& event);
  void cut_off();

 private:
  std::deque<CacheEventRef> queue_;
  std::size_t bytes_ = 0;  // of what is in the queue
  async::Event ready_;
  bool overflowed_ = false;
};

// The objects of one resource.
class ResourceCache {
 public:
  const std::map<std::string, CachedRef, std::less<>>& objects() const { return objects_; }
  CachedRef find(std::string_view store_key) const;
  // Objects whose store key begins with the prefix, in the order of keys.
  template <class F>
  void each(std::string_view prefix, std::string_view after, F call) const {
    auto it = after.empty() ? objects_.lower_bound(prefix) : objects_.upper_bound(after);
    for (; it != objects_.end() && it->first.starts_with(prefix); ++it) {
      if (!call(it->first, it->second)) return;
    }
  }

 private:
  friend class WatchCache;
  const ServedResource* resource_ = nullptr;
  std::map<std::string, CachedRef, std::less<>> objects_;
  std::deque<CacheEventRef> window_;  // recent events, oldest first
  std::size_t window_bytes_ = 0;
  store::Revision window_start_ = 0;  // events after this revision are all in the window
  std::list<CacheWatcher*> watchers_;
};

// Guarantees: events of the store are applied in order; after wait_for(r) all resources are at
// revision r or later; an
//   object's bytes are made once.
// Ownership: store and table outlive it.
// Runs on: its executor only.
class WatchCache {
 public:
  WatchCache(async::Executor& executor, store::Store& store, const ResourceTable& table,
             Logger log);
  ~WatchCache();

  // Loads everything, then follows the store.
  async::Task<Status> start(async::StopToken stop);
  async::Task<void> stop();

  const ResourceCache& cache(const ServedResource& resource) const;
  store::Revision revision() const { return revision_; }
  // Waits until the cache has seen a revision; false if stopped or the time passed.
  async::Task<bool> wait_for(store::Revision revision, Duration timeout, async::StopToken stop);

  // A watch's subscription; ends with its destruction. Events after `from` (which must not be older
  // than the window: kExpired) are queued at once.
  class Subscription {
   public:
    Subscription(ResourceCache& cache, std::unique_ptr<CacheWatcher> watcher);
    ~Subscription();
    CacheWatcher& watcher() { return *watcher_; }

   private:
    ResourceCache& cache_;
    std::unique_ptr<CacheWatcher> watcher_;
    std::list<CacheWatcher*>::iterator position_;
  };
  Result<std::unique_ptr<Subscription>> subscribe(const ServedResource& resource,
                                                  store::Revision from);

  // Called on the executor after each change of a resource that it was added for (authorization
  // caches and the like).
  void add_listener(const ServedResource& resource,
                    std::function<void(const CacheEvent&)> listener);

  // What a stored value looks like in the cache. Used for reads of old revisions too.
  static CachedRef make_object(const ServedResource& resource, const std::string& stored,
                               store::Revision revision);
  // The same for an object that is at hand in the storage version: its stored bytes are not
  // decoded.
  static CachedRef make_object(const ServedResource& resource, const api::Object& object,
                               const std::string& stored, store::Revision revision);
  // Takes what a handler has just written under the key, so that the store's event of this revision
  // need not be decoded. Without effect once the cache has seen the revision.
  void offer(std::string store_key, CachedRef object);

 private:
  async::Task<void> follow(async::StopToken stop);
  async::Task<Status> load(async::StopToken stop);
  void apply(const store::Event& event);
  // Puts what a load found in the place of all objects; watchers that saw the earlier ones are cut
  // off.
  void replace(ResourceCache& cache, std::map<std::string, CachedRef, std::less<>> objects);
  ResourceCache* cache_for(std::string_view store_key);
  // What was offered for the key at this revision, or nullptr; forgets the offers of it and of
  // older revisions.
  CachedRef take_offer(const std::string& store_key, store::Revision revision);

  struct Offer {
    std::string store_key;
    CachedRef object;
  };

  async::Executor& executor_;
  store::Store& store_;
  Logger log_;
  std::map<std::string, std::unique_ptr<ResourceCache>, std::less<>> by_prefix_;
  std::map<const ResourceCache*, std::vector<std::function<void(const CacheEvent&)>>> listeners_;
  std::map<store::Revision, Offer> offers_;  // of revisions that are still to come
  store::Revision revision_ = 0;
  async::Event advanced_;
  async::Scope scope_;
};

}  // namespace kpp::apiserver
