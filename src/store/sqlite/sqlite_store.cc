#include "store/sqlite/sqlite_store.h"

#include <atomic>

#include "store/gate.h"
#include "store/sqlite/checkpointer.h"
#include "store/sqlite/directory.h"
#include "store/sqlite/expirer.h"
#include "store/sqlite/key_index.h"
#include "store/sqlite/reader.h"
#include "store/sqlite/watch_hub.h"
#include "store/sqlite/writer.h"

namespace kpp::store {
namespace {

std::unexpected<Status> closed_error() { return fail(Reason::kCanceled, "the store is closed"); }

std::unexpected<Status> stopped_error() { return fail(Reason::kCanceled, "the caller stopped"); }

// Hands a call to the writer and resumes when it is answered.
template <class Call>
struct Submission {
  Writer& writer;
  Call& call;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    call.waiting = waiting;
    writer.submit(call);
  }
  void await_resume() const {}
};

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(async::Executor& executor, const SqliteOptions& options)
      : executor_(executor),
        gate_(std::make_shared<Gate>(executor)),
        closed_(executor),
        pool_(options.reader_threads),
        reader_(data_file(options.path), index_, current_, compacted_),
        expirer_(executor, *this),
        scope_(executor) {}
  ~SqliteStore() override {
    KPP_CHECK(writer_ == nullptr || closed_.is_set(), "a store was destroyed that was not closed");
  }

  Status open(const SqliteOptions& options);

  async::Task<Result<Revision>> write(Write write, async::StopToken stop) override;
  async::Task<Result<std::optional<Entry>>> get(std::string key, async::StopToken stop) override;
  async::Task<Result<RangeResult>> range(RangeOptions options, async::StopToken stop) override;
  Result<std::unique_ptr<Watch>> watch(std::string prefix, Revision from) override {
    return hub_->watch(std::move(prefix), from);
  }
  bool shared() const override { return false; }
  async::Task<Result<Revision>> newest(async::StopToken) override { co_return current_.load(); }
  Revision revision() const override { return current_.load(); }
  Revision compacted_revision() const override { return compacted_.load(); }
  async::Task<Result<bool>> claim_compaction(Revision, async::StopToken) override {
    co_return true;  // nobody else has the file
  }
  async::Task<Status> compact(Revision revision, async::StopToken stop) override;
  async::Task<void> close() override;

 private:
  Status load(Connection& connection);
  Status load_leases(Connection& connection);
  void release();

  async::Executor& executor_;
  DirectoryLock lock_;
  const std::shared_ptr<Gate> gate_;  // shared with the hub's watches
  async::Event closed_;
  KeyIndex index_;
  std::atomic<Revision> current_{0};
  std::atomic<Revision> compacted_{0};
  async::ThreadPool pool_;
  Reader reader_;
  std::shared_ptr<WatchHub> hub_;  // shared with its watches
  std::unique_ptr<Checkpointer> checkpointer_;
  std::unique_ptr<Writer> writer_;
  Expirer expirer_;
  async::Scope scope_;  // of the expirer
};

Status SqliteStore::open(const SqliteOptions& options) {
  KPP_ASSIGN(lock_, DirectoryLock::acquire(options.path));
  KPP_ASSIGN(Connection connection, open_data_file(options.path));
  if (options.max_bytes > 0) {
    KPP_ASSIGN(const std::int64_t page, connection.query_number("PRAGMA page_size"));
    KPP_RETURN_IF_ERROR(
        connection.execute(cat("PRAGMA max_page_count=", options.max_bytes / page)));
  }
  KPP_RETURN_IF_ERROR(load(connection));
  KPP_ASSIGN(Connection second, Connection::open(data_file(options.path), Connection::Use::kWrite));
  checkpointer_ = std::make_unique<Checkpointer>(std::move(second), options.log);
  hub_ = std::make_shared<WatchHub>(executor_, gate_, WatchHub::History{reader_, pool_, compacted_},
                                    WatchHub::Bounds{options.recent_events, options.recent_bytes},
                                    current_.load());
  KPP_ASSIGN(writer_, Writer::start(std::move(connection), *checkpointer_,
                                    {executor_, index_, current_, compacted_, hub_}));
  scope_.spawn(expirer_.run(scope_.stop_token()));
  return {};
}

Status SqliteStore::load(Connection& connection) {
  KPP_ASSIGN(const Revision compacted,
             connection.query_number("SELECT number FROM meta WHERE name = 'compacted'"));
  KPP_ASSIGN(
      Statement rows,
      connection.prepare("SELECT revision, key, create_revision FROM log ORDER BY revision"));
  Revision last = compacted;
  std::vector<KeyIndex::Change> changes;
  while (true) {
    KPP_ASSIGN(const bool row, rows.step());
    if (!row) break;
    const Version version{.revision = rows.number(0), .create_revision = rows.number(2)};
    last = std::max(last, version.revision);
    changes.push_back({std::string(rows.text(1)), version});
  }
  index_.apply(std::move(changes));
  current_ = last;
  compacted_ = compacted;
  return load_leases(connection);
}

Status SqliteStore::load_leases(Connection& connection) {
  KPP_ASSIGN(Statement rows,
             connection.prepare("SELECT key, revision, expires FROM lease JOIN log USING(revision)"
                                " WHERE create_revision > 0"));
  while (true) {
    KPP_ASSIGN(const bool row, rows.step());
    if (!row) return {};
    std::string key(rows.text(0));
    const Revision revision = rows.number(1);
    // Others have been written again.
    if (index_.newest(key).revision == revision)
      expirer_.add(std::move(key), revision, rows.number(2));
  }
}

async::Task<Result<Revision>> SqliteStore::write(Write write, async::StopToken stop) {
  if (stop.stop_requested()) co_return stopped_error();
  const Gate::Pass pass(*gate_);
  if (!pass) co_return closed_error();
  WriteCall call{.write = std::move(write)};
  if (call.write.value && call.write.ttl > std::chrono::seconds(0))
    call.expires = expiry(executor_.wall(), call.write.ttl);
  co_await Submission<WriteCall>{*writer_, call};
  if (call.result && call.expires != 0)
    expirer_.add(std::move(call.write.key), *call.result, call.expires);
  co_return std::move(call.result);
}

async::Task<Result<std::optional<Entry>>> SqliteStore::get(std::string key, async::StopToken stop) {
  if (stop.stop_requested()) co_return stopped_error();
  const Gate::Pass pass(*gate_);
  if (!pass) co_return closed_error();
  auto entry = co_await async::offload(executor_, pool_,
                                       [this, key = std::move(key)] { return reader_.get(key); });
  co_return entry;
}

async::Task<Result<RangeResult>> SqliteStore::range(RangeOptions options, async::StopToken stop) {
  if (stop.stop_requested()) co_return stopped_error();
  const Gate::Pass pass(*gate_);
  if (!pass) co_return closed_error();
  auto result = co_await async::offload(
      executor_, pool_, [this, options = std::move(options)] { return reader_.range(options); });
  co_return result;
}

async::Task<Status> SqliteStore::compact(Revision revision, async::StopToken stop) {
  if (stop.stop_requested()) co_return stopped_error().error();
  const Gate::Pass pass(*gate_);
  if (!pass) co_return closed_error().error();
  CompactCall call{.revision = revision};
  co_await Submission<CompactCall>{*writer_, call};
  co_return std::move(call.result);
}

async::Task<void> SqliteStore::close() {
  if (gate_->closed()) {
    co_await closed_.wait({});
    co_return;
  }
  scope_.request_stop();
  gate_->close();
  hub_->close();
  co_await gate_->empty().wait({});
  co_await scope_.join();
  co_await async::offload(executor_, pool_, [this] {
    release();
    return true;
  });
  closed_.set();
}

// The last connection to go copies the log into the data file and removes it.
void SqliteStore::release() {
  writer_->stop();
  checkpointer_.reset();
  reader_.close();
  writer_.reset();
  lock_ = {};
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(async::Executor& executor, SqliteOptions options) {
  auto store = std::make_unique<SqliteStore>(executor, options);
  if (auto status = store->open(options); !status.ok()) {
    return fail(std::move(status).with_context("opening the store"));
  }
  return store;
}

}  // namespace kpp::store
