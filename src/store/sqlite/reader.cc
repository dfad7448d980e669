#include "store/sqlite/reader.h"

#include <algorithm>
#include <limits>

namespace kpp::store {
namespace {

constexpr std::size_t kKeysAtOnce = 512;
constexpr std::size_t kHistoryRows = 2000;
constexpr std::size_t kHistoryBytes = std::size_t{4} << 20;

}  // namespace

// A session for the length of a call.
class Reader::Lease {
 public:
  explicit Lease(Reader& reader) : reader_(reader) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    if (!session_) return;
    end_snapshot();
    const std::lock_guard lock(reader_.mutex_);
    reader_.idle_.push_back(std::move(*session_));
  }
  Status take() {
    {
      const std::lock_guard lock(reader_.mutex_);
      if (!reader_.idle_.empty()) {
        session_ = std::move(reader_.idle_.back());
        reader_.idle_.pop_back();
      }
    }
    if (!session_) {
      KPP_ASSIGN(session_, reader_.open_session());
    }
    return {};
  }
  // One snapshot for many statements spares taking SQLite's locks for each. It must begin after the
  // index was asked, or it could miss what the index knows; and a long one would keep the log from
  // starting over.
  Status begin_snapshot() { return session_->begin.run(); }
  void end_snapshot() {
    if (session_->connection.in_transaction()) (void)session_->rollback.run();
  }
  Session& session() { return *session_; }

 private:
  Reader& reader_;
  std::optional<Session> session_;
};

Status compacted_error(Revision asked, Revision oldest) {
  return Status(Reason::kExpired, cat("required revision ", asked,
                                      " has been compacted; the oldest kept is ", oldest));
}

Reader::Reader(std::string file, const KeyIndex& index, const std::atomic<Revision>& current,
               const std::atomic<Revision>& compacted)
    : file_(std::move(file)), index_(index), current_(current), compacted_(compacted) {}

Result<Reader::Session> Reader::open_session() {
  Session out;
  KPP_ASSIGN(out.connection, Connection::open(file_, Connection::Use::kRead));
  KPP_ASSIGN(out.begin, out.connection.prepare("BEGIN"));
  KPP_ASSIGN(out.rollback, out.connection.prepare("ROLLBACK"));
  KPP_ASSIGN(out.value, out.connection.prepare("SELECT data FROM value WHERE revision = ?1"));
  KPP_ASSIGN(out.log, out.connection.prepare(
                          "SELECT revision, key, create_revision FROM log"
                          " WHERE revision > ?1 AND revision <= ?2 ORDER BY revision LIMIT ?3"));
  return out;
}

Result<Bytes> Reader::read_value(Session& session, Revision revision) {
  session.value.bind(1, revision);
  auto row = session.value.step();
  Bytes out;
  if (row && *row) out = std::make_shared<const std::string>(session.value.text(0));
  session.value.reset();
  if (!row) return fail(std::move(row).error());
  return out;
}

Result<std::optional<Entry>> Reader::get(std::string_view key) {
  Lease lease(*this);
  KPP_RETURN_IF_ERROR(lease.take());
  while (true) {
    const Revision at = current_.load();
    const auto version = index_.find(key, at);
    if (!version) {
      // A compaction beyond `at` may have taken the version just looked for; a newer one is there.
      if (compacted_.load() > at) continue;
      return std::nullopt;
    }
    KPP_ASSIGN(Bytes value, read_value(lease.session(), version->revision));
    if (value) {
      return Entry{std::string(key), std::move(value), version->create_revision, version->revision};
    }
    if (compacted_.load() <= at) {
      return fail(damaged(file_, cat("revision ", version->revision, " has no value")));
    }
  }
}

Result<RangeResult> Reader::range(const RangeOptions& options) {
  while (true) {
    const Revision current = current_.load();
    const Revision at = options.at_revision == 0 ? current : options.at_revision;
    if (at > current) {
      return fail(Reason::kInvalid,
                  cat("revision ", at, " is in the future; the newest is ", current));
    }
    bool compacted = false;
    auto out = range_at(options, at, compacted);
    if (!compacted) return out;
    if (options.at_revision != 0) return fail(compacted_error(at, compacted_.load()));
  }
}

Result<RangeResult> Reader::range_at(const RangeOptions& options, Revision at, bool& compacted) {
  RangeResult out;
  out.revision = at;
  Lease lease(*this);
  KPP_RETURN_IF_ERROR(lease.take());
  const std::size_t limit =
      options.limit == 0 ? std::numeric_limits<std::size_t>::max() : options.limit;
  std::string after = options.start_after;
  std::optional<Revision> missing;
  while (out.entries.size() < limit && !missing) {
    const std::size_t want = std::min(kKeysAtOnce, limit - out.entries.size());
    auto found = index_.collect(options.prefix, after, at, want);
    KPP_RETURN_IF_ERROR(lease.begin_snapshot());
    const bool last = found.size() < want;
    for (auto& item : found) {
      KPP_ASSIGN(Bytes value, read_value(lease.session(), item.version.revision));
      if (!value) {
        missing = item.version.revision;
        break;
      }
      after = item.key;
      out.entries.push_back({std::move(item.key), std::move(value), item.version.create_revision,
                             item.version.revision});
    }
    lease.end_snapshot();
    if (last) break;
  }
  if (options.limit != 0 && out.entries.size() == limit) {
    out.remaining = index_.count(options.prefix, after, at);
    out.more = out.remaining > 0;
  }
  // Looked at last: nothing of `at` was forgotten before this line if it is not set by now.
  compacted = compacted_.load() > at;
  if (missing && !compacted) {
    return fail(damaged(file_, cat("revision ", *missing, " has no value")));
  }
  return out;
}

Result<Reader::Chunk> Reader::history(std::string_view prefix, Revision from) {
  Chunk out;
  out.scanned = from;
  const Revision upto = current_.load();
  Lease lease(*this);
  KPP_RETURN_IF_ERROR(lease.take());
  KPP_RETURN_IF_ERROR(lease.begin_snapshot());
  Statement& log = lease.session().log;
  log.bind(1, from);
  log.bind(2, upto);
  log.bind(3, static_cast<std::int64_t>(kHistoryRows));
  std::size_t bytes = 0;
  std::size_t rows = 0;
  Status error;
  while (bytes < kHistoryBytes) {
    auto row = log.step();
    if (!row) {
      error = std::move(row).error();
      break;
    }
    if (!*row) {
      // Fewer rows than asked for: everything up to the newest was seen, also across gaps.
      if (rows < kHistoryRows) out.scanned = std::max(out.scanned, upto);
      break;
    }
    ++rows;
    const Revision revision = log.number(0);
    const std::string_view key = log.text(1);
    if (key.starts_with(prefix)) {
      Event event;
      event.entry.key = key;
      event.entry.mod_revision = revision;
      event.entry.create_revision = log.number(2);
      event.type = event.entry.create_revision == 0 ? Event::Type::kDelete : Event::Type::kPut;
      if (event.type == Event::Type::kPut) {
        auto value = read_value(lease.session(), revision);
        if (!value) {
          error = std::move(value).error();
          break;
        }
        if (!*value) {
          error = damaged(file_, cat("revision ", revision, " has no value"));
          break;
        }
        event.entry.value = std::move(*value);
        bytes += event.entry.value->size();
      }
      bytes += event.entry.key.size();
      out.events.push_back(std::move(event));
    }
    out.scanned = revision;
  }
  log.reset();
  if (const Revision oldest = compacted_.load(); oldest > from) {
    return fail(compacted_error(from, oldest));
  }
  if (!error.ok()) return fail(std::move(error));
  return out;
}

void Reader::close() {
  const std::lock_guard lock(mutex_);
  idle_.clear();
}

}  // namespace kpp::store
