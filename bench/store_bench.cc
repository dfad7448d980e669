// Durable writes a second of the embedded store, by number of writers; and the time to open it and
// to list it.
//   store_bench [DIRECTORY]   (a new directory below it is used; /tmp by default)
#include <stdlib.h>

#include <chrono>
#include <cstdio>

#include "base/fs.h"
#include "store/sqlite/sqlite_store.h"
#include "store/testing/pump_executor.h"

namespace kpp::store {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kValueSize = 1024;
constexpr std::chrono::seconds kTime{3};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

async::Task<int> write_on(Store* store, int writer, Clock::time_point end) {
  int count = 0;
  while (Clock::now() < end) {
    const auto done = co_await store->write(
        {.key = cat("/registry/configmaps/default/object-", writer, "-", count % 5000),
         .value = std::make_shared<const std::string>(kValueSize, 'x')},
        {});
    if (!done) {
      std::fprintf(stderr, "%s\n", done.error().to_string().c_str());
      co_return count;
    }
    ++count;
  }
  co_return count;
}

async::Task<int> read_on(Store* store, int reader, Clock::time_point end) {
  int count = 0;
  while (Clock::now() < end) {
    const auto got =
        co_await store->get(cat("/registry/configmaps/default/object-", reader, "-0"), {});
    if (!got || !*got) co_return count;
    ++count;
  }
  co_return count;
}

int run(const std::string& directory) {
  for (const int writers : {1, 16, 64, 256}) {
    testing::PumpExecutor executor;
    auto store = open_sqlite(executor, {.path = cat(directory, "/", writers)});
    if (!store) {
      std::fprintf(stderr, "%s\n", store.error().to_string().c_str());
      return 1;
    }
    const auto start = Clock::now();
    std::vector<testing::PumpExecutor::Started<int>> tasks;
    for (int i = 0; i < writers; ++i) {
      tasks.push_back(executor.start(write_on(store->get(), i, start + kTime)));
    }
    int count = 0;
    for (auto& task : tasks) count += executor.wait(task);
    std::printf("%4d writers: %8.0f writes/s of %d bytes\n", writers, count / seconds_since(start),
                kValueSize);
    executor.run((*store)->close());
    store->reset();

    const auto opening = Clock::now();
    store = open_sqlite(executor, {.path = cat(directory, "/", writers)});
    if (!store) return 1;
    const auto listing = Clock::now();
    const auto all = executor.run((*store)->range({.prefix = "/registry/"}, {}));
    std::printf("              open with %d revisions: %.1f ms; list %zu keys: %.1f ms\n", count,
                std::chrono::duration<double, std::milli>(listing - opening).count(),
                all ? all->entries.size() : 0, seconds_since(listing) * 1000);
    const auto reading = Clock::now();
    std::vector<testing::PumpExecutor::Started<int>> readers;
    for (int i = 0; i < writers; ++i) {
      readers.push_back(
          executor.start(read_on(store->get(), i, reading + std::chrono::seconds{1})));
    }
    int reads = 0;
    for (auto& task : readers) reads += executor.wait(task);
    std::printf("              %.0f gets/s\n", reads / seconds_since(reading));
    executor.run((*store)->close());
  }
  return 0;
}

}  // namespace
}  // namespace kpp::store

int main(int argc, char** argv) {
  std::string directory = kpp::cat(argc > 1 ? argv[1] : "/tmp", "/store-bench-XXXXXX");
  if (::mkdtemp(directory.data()) == nullptr) return 1;
  const int result = kpp::store::run(directory);
  (void)kpp::fs::remove_all(directory);
  return result;
}
