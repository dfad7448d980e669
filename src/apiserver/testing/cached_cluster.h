// A watch cache over objects that a test writes down.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/resources.h"
#include "apiserver/testing/slow_store.h"
#include "apiserver/watch_cache.h"
#include "async/executor.h"
#include "async/scope.h"
#include "base/check.h"

namespace kpp::apiserver::testing {

// Runs on: the test's thread; nothing happens but inside the calls.
class CachedCluster {
 public:
  CachedCluster() {
    scope_.spawn(start());
    executor.run_until_idle();
  }
  ~CachedCluster() {
    scope_.spawn(cache.stop());
    executor.run_until_idle();
  }

  // The key is that in the store without /registry/; show() shows what was done before it.
  void put(std::string_view key, std::string_view json) {
    store.put(cat("/registry/", key), std::string(json));
  }
  void remove(std::string_view key) { store.remove(cat("/registry/", key)); }
  void show() {
    store.show();
    executor.run_until_idle();
  }

  async::ManualExecutor executor;
  SlowStore store{executor};
  LogSink sink{2};
  Logger log{sink, "test"};
  ResourceTable table;
  WatchCache cache{executor, store, table, log};

 private:
  async::Task<void> start() {
    const Status started = co_await cache.start({});
    KPP_CHECK(started.ok(), "the cache did not start");
  }

  async::Scope scope_{executor};
};

}  // namespace kpp::apiserver::testing
