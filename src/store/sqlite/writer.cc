#include "store/sqlite/writer.h"

#include <sqlite3.h>

#include <algorithm>
#include <unordered_map>

namespace kpp::store {
namespace {

constexpr std::size_t kBatch = 256;
constexpr std::size_t kPruneKeys = 2000;
constexpr std::size_t kDeleteRows = 256;
constexpr int kCheckpointPages = 4096;  // 16 MiB

Status guard(const Write& write, const Version& present) {
  const bool exists = present.revision != 0 && !present.deleted();
  if (write.expected_revision) {
    const Revision expected = *write.expected_revision;
    if (expected == 0 && exists) {
      return Status(Reason::kAlreadyExists, cat("key ", write.key, " already exists"));
    }
    if (expected != 0 && !exists) {
      return Status(Reason::kNotFound, cat("key ", write.key, " was not found"));
    }
    if (expected != 0 && present.revision != expected) {
      return Status(Reason::kConflict, cat("key ", write.key, ": stored revision is ",
                                           present.revision, ", caller had ", expected));
    }
  }
  if (!write.value && !exists) {
    return Status(Reason::kNotFound, cat("key ", write.key, " was not found"));
  }
  return {};
}

}  // namespace

struct Writer::Batch {
  Revision last = 0;
  std::vector<KeyIndex::Change> changes;
  std::vector<Event> events;
  std::unordered_map<std::string_view, Version> newest;  // keys point into the calls
};

Result<Writer::Statements> Writer::prepare(Connection& connection) {
  Statements out;
  KPP_ASSIGN(out.begin, connection.prepare("BEGIN IMMEDIATE"));
  KPP_ASSIGN(out.commit, connection.prepare("COMMIT"));
  KPP_ASSIGN(out.rollback, connection.prepare("ROLLBACK"));
  KPP_ASSIGN(out.log, connection.prepare("INSERT INTO log VALUES(?1, ?2, ?3, ?4)"));
  KPP_ASSIGN(out.value, connection.prepare("INSERT INTO value VALUES(?1, ?2)"));
  KPP_ASSIGN(out.lease, connection.prepare("INSERT INTO lease VALUES(?1, ?2)"));
  KPP_ASSIGN(out.delete_log, connection.prepare("DELETE FROM log WHERE revision = ?1"));
  KPP_ASSIGN(out.delete_value, connection.prepare("DELETE FROM value WHERE revision = ?1"));
  KPP_ASSIGN(out.delete_lease, connection.prepare("DELETE FROM lease WHERE revision = ?1"));
  KPP_ASSIGN(out.compacted,
             connection.prepare("UPDATE meta SET number = ?1 WHERE name = 'compacted'"));
  return out;
}

Result<std::unique_ptr<Writer>> Writer::start(Connection connection, Checkpointer& checkpointer,
                                              Shared shared) {
  KPP_ASSIGN(Statements statements, prepare(connection));
  std::unique_ptr<Writer> out(
      new Writer(std::move(connection), checkpointer, std::move(shared), std::move(statements)));
  if (const Revision upto = out->shared_.compacted.load(); upto != 0) {
    out->compaction_.emplace(Compaction{.upto = upto});
  }
  sqlite3_wal_hook(
      out->connection_.raw(),
      [](void* writer, sqlite3*, const char*, int pages) {
        static_cast<Writer*>(writer)->log_pages_ = pages;
        return SQLITE_OK;
      },
      out.get());
  out->thread_ = std::thread([writer = out.get()] { writer->loop(); });
  return out;
}

Writer::Writer(Connection connection, Checkpointer& checkpointer, Shared shared,
               Statements statements)
    : connection_(std::move(connection)),
      checkpointer_(checkpointer),
      shared_(std::move(shared)),
      statements_(std::move(statements)) {}

Writer::~Writer() { stop(); }

void Writer::submit(WriteCall& call) {
  {
    const std::lock_guard lock(mutex_);
    writes_.push_back(&call);
  }
  notify_later();
}

void Writer::submit(CompactCall& call) {
  {
    const std::lock_guard lock(mutex_);
    compacts_.push_back(&call);
  }
  notify_later();
}

void Writer::notify_later() {
  if (notifying_) return;
  notifying_ = true;
  shared_.executor.post([this] {
    notifying_ = false;
    changed_.notify_one();
  });
}

void Writer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Writer::loop() {
  std::vector<WriteCall*> calls;
  while (true) {
    CompactCall* compact = nullptr;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] {
        return stopping_ || compaction_ || !writes_.empty() || !compacts_.empty();
      });
      const auto end =
          writes_.begin() + static_cast<std::ptrdiff_t>(std::min(writes_.size(), kBatch));
      calls.assign(writes_.begin(), end);
      writes_.erase(writes_.begin(), end);
      if (!compaction_ && !compacts_.empty()) {
        compact = compacts_.front();
        compacts_.pop_front();
      }
      // Only what an earlier process left may be cut short: callers of compact() are waited for.
      const bool owed = compaction_ && compaction_->call != nullptr;
      if (stopping_ && calls.empty() && compact == nullptr && !owed && compacts_.empty()) return;
    }
    if (!calls.empty()) commit(calls);
    if (compact != nullptr) {
      compaction_.emplace(Compaction{.upto = compact->revision, .call = compact});
      if (auto status = begin_compaction(compact); !status.ok()) {
        finish_compaction(std::move(status));
      }
    } else if (compaction_) {
      compact_slice();
    }
  }
}

template <class F>
Status Writer::transact(F body) {
  Status status = statements_.begin.run();
  if (status.ok()) status = body();
  if (status.ok()) status = statements_.commit.run();
  if (status.ok()) {
    after_commit();
  } else if (connection_.in_transaction()) {
    // Some errors roll back by themselves; where this one fails too, SQLite is out of the
    // transaction all the same.
    (void)statements_.rollback.run();
  }
  return status;
}

void Writer::after_commit() {
  if (log_pages_ < kCheckpointPages) return;
  if (!checkpoint_requested_) {
    checkpoint_requested_ = true;
    checkpointer_.request();
  } else if (checkpointer_.idle()) {
    // The log starts over only when all of it is copied, and with writes without a pause the
    // checkpointer always finds new pages at the end of its work. Those few are copied here, while
    // nobody writes.
    checkpoint_requested_ = false;
    (void)checkpoint(connection_);
  }
}

void Writer::commit(const std::vector<WriteCall*>& calls) {
  Batch batch;
  batch.last = shared_.current.load();
  const Status status = transact([&] {
    for (WriteCall* call : calls) {
      call->result = add(*call, batch);
      // A guard that does not hold is the call's own affair; a failing statement is everyone's.
      if (!call->result &&
          (call->result.error().is(Reason::kIo) || call->result.error().is(Reason::kCorrupt))) {
        return call->result.error();
      }
    }
    return Status();
  });
  if (status.ok()) {
    shared_.index.apply(std::move(batch.changes));
    shared_.current.store(batch.last);
  } else {
    batch.events.clear();
    for (WriteCall* call : calls) call->result = fail(status);
  }
  shared_.executor.post([hub = shared_.hub, events = std::move(batch.events), calls]() mutable {
    hub->publish(std::move(events));
    for (WriteCall* call : calls) call->waiting.resume();
  });
}

Result<Revision> Writer::add(const WriteCall& call, Batch& batch) {
  const Write& write = call.write;
  if (write.key.empty()) return fail(Reason::kInvalid, "the key is empty");
  const auto in_batch = batch.newest.find(write.key);
  const Version present =
      in_batch == batch.newest.end() ? shared_.index.newest(write.key) : in_batch->second;
  KPP_RETURN_IF_ERROR(guard(write, present));

  const bool exists = present.revision != 0 && !present.deleted();
  KeyIndex::Change change{write.key, {.revision = batch.last + 1}};
  if (write.value) {
    change.version.create_revision = exists ? present.create_revision : change.version.revision;
  }
  const Revision previous = exists ? present.revision : 0;
  KPP_RETURN_IF_ERROR(insert(write, change, previous));
  if (call.expires != 0) {
    statements_.lease.bind(1, change.version.revision);
    statements_.lease.bind(2, call.expires);
    KPP_RETURN_IF_ERROR(statements_.lease.run());
  }

  Event event;
  event.type = write.value ? Event::Type::kPut : Event::Type::kDelete;
  event.entry = {write.key, write.value, change.version.create_revision, change.version.revision};
  batch.events.push_back(std::move(event));
  batch.newest[write.key] = change.version;
  batch.last = change.version.revision;
  batch.changes.push_back(std::move(change));
  return batch.last;
}

Status Writer::insert(const Write& write, const KeyIndex::Change& change, Revision previous) {
  Statement& log = statements_.log;
  log.bind(1, change.version.revision);
  log.bind_text(2, write.key);
  log.bind(3, change.version.create_revision);
  log.bind(4, previous);
  KPP_RETURN_IF_ERROR(log.run());
  if (!write.value) return {};
  statements_.value.bind(1, change.version.revision);
  statements_.value.bind_blob(2, *write.value);
  return statements_.value.run();
}

Status Writer::begin_compaction(CompactCall* call) {
  const Revision current = shared_.current.load();
  if (call->revision > current) {
    return Status(Reason::kInvalid, cat("required revision ", call->revision,
                                        " is a future revision; the newest is ", current));
  }
  if (call->revision <= shared_.compacted.load()) return {};
  KPP_RETURN_IF_ERROR(transact([&] {
    statements_.compacted.bind(1, call->revision);
    return statements_.compacted.run();
  }));
  shared_.compacted.store(call->revision);
  return {};
}

void Writer::compact_slice() {
  Compaction& work = *compaction_;
  if (!work.index_done) {
    const auto gone = shared_.index.prune(work.upto, work.cursor, kPruneKeys);
    work.doomed.insert(work.doomed.end(), gone.begin(), gone.end());
    work.index_done = !work.cursor;
    return;
  }
  if (work.doomed.empty()) {
    finish_compaction({});
    return;
  }
  // Older revisions of a key go first: a deletion must not be forgotten while what it deleted is
  // still there.
  const std::size_t rows = std::min(work.doomed.size(), kDeleteRows);
  const Status status = transact([&]() -> Status {
    for (std::size_t i = 0; i < rows; ++i) {
      statements_.delete_log.bind(1, work.doomed[i]);
      KPP_RETURN_IF_ERROR(statements_.delete_log.run());
      statements_.delete_value.bind(1, work.doomed[i]);
      KPP_RETURN_IF_ERROR(statements_.delete_value.run());
      statements_.delete_lease.bind(1, work.doomed[i]);
      KPP_RETURN_IF_ERROR(statements_.delete_lease.run());
    }
    return {};
  });
  if (!status.ok()) {
    finish_compaction(status);
    return;
  }
  work.doomed.erase(work.doomed.begin(), work.doomed.begin() + static_cast<std::ptrdiff_t>(rows));
}

void Writer::finish_compaction(Status status) {
  CompactCall* call = compaction_->call;
  compaction_.reset();
  if (call == nullptr) return;
  call->result = std::move(status);
  shared_.executor.post([call] { call->waiting.resume(); });
}

}  // namespace kpp::store
