#include "store/etcd/etcd_store.h"

#include <algorithm>
#include <charconv>

#include "api/etcdserverpb.h"
#include "async/wait.h"
#include "store/etcd/client.h"
#include "store/etcd/errors.h"
#include "store/etcd/etcd_watch.h"
#include "store/etcd/key_space.h"
#include "store/etcd/leases.h"
#include "store/gate.h"

namespace kpp::store {
namespace {

namespace pb = etcdserverpb;
using Kind = EtcdClient::Kind;

// Of a range that is read whole: keys in one answer.
constexpr std::int64_t kPage = 1000;
// Where API servers agree who compacts: the key's version counts the intervals.
constexpr std::string_view kCompactionKey = "compact_rev_key";

std::unexpected<Status> closed_error() { return fail(Reason::kCanceled, "the store is closed"); }

Entry entry_of(const KeySpace& keys, pb::KeyValue&& kv) {
  Entry out;
  out.key = keys.inward(kv.key).value_or(std::string());
  out.value = std::make_shared<const std::string>(std::move(kv.value));
  out.create_revision = kv.create_revision;
  out.mod_revision = kv.mod_revision;
  return out;
}

pb::Compare mod_revision_is(const std::string& key, Revision revision) {
  pb::Compare out;
  out.target = pb::MOD;
  out.key = key;
  out.mod_revision = revision;
  return out;
}

pb::RangeRequest look_at(const std::string& key) {
  pb::RangeRequest out;
  out.key = key;
  out.keys_only = true;
  return out;
}

// The write itself.
pb::RequestOp operation(const std::string& key, const Bytes& value, std::int64_t lease) {
  pb::RequestOp out;
  if (value) {
    auto& put = out.request_put.emplace();
    put.key = key;
    put.value = *value;
    put.lease = lease;
  } else {
    out.request_delete_range.emplace().key = key;
  }
  return out;
}

// Guarded writes look at the key where the guard fails, to say why.
pb::TxnRequest transaction(const std::string& key, const Write& write, std::int64_t lease) {
  pb::TxnRequest out;
  out.success.push_back(operation(key, write.value, lease));
  if (write.expected_revision) {
    out.compare.push_back(mod_revision_is(key, *write.expected_revision));
    out.failure.emplace_back().request_range = look_at(key);
  }
  return out;
}

Status refusal(const Write& write, const pb::TxnResponse& answer) {
  const bool exists = !answer.responses.empty() && answer.responses.front().response_range &&
                      !answer.responses.front().response_range->kvs.empty();
  if (!exists) return Status(Reason::kNotFound, cat("there is no key ", quoted(write.key)));
  if (*write.expected_revision == 0)
    return Status(Reason::kAlreadyExists, cat("the key ", quoted(write.key), " is there already"));
  return Status(Reason::kConflict, cat("the key ", quoted(write.key), " is not at revision ",
                                       *write.expected_revision));
}

class EtcdStore final : public Store {
 public:
  EtcdStore(async::IoExecutor& executor, std::shared_ptr<EtcdClient> client, KeySpace keys)
      : executor_(executor),
        client_(std::move(client)),
        keys_(std::move(keys)),
        leases_(executor, *client_),
        gate_(executor),
        asked_(executor) {}

  async::Task<Status> connect(Duration timeout, async::StopToken stop);

  async::Task<Result<Revision>> write(Write write, async::StopToken stop) override;
  async::Task<Result<std::optional<Entry>>> get(std::string key, async::StopToken stop) override;
  async::Task<Result<RangeResult>> range(RangeOptions options, async::StopToken stop) override;
  Result<std::unique_ptr<Watch>> watch(std::string prefix, Revision from) override;
  bool shared() const override { return true; }
  async::Task<Result<Revision>> newest(async::StopToken stop) override;
  Revision revision() const override { return revision_; }
  Revision compacted_revision() const override { return compacted_; }
  async::Task<Result<bool>> claim_compaction(Revision revision, async::StopToken stop) override;
  async::Task<Status> compact(Revision revision, async::StopToken stop) override;
  async::Task<void> close() override;

 private:
  async::Task<Result<pb::RangeResponse>> read(pb::RangeRequest request, async::StopToken stop);
  async::Task<Result<Revision>> ask_revision(async::StopToken stop);
  void saw(const api::Opt<pb::ResponseHeader>& header) {
    if (header) revision_ = std::max(revision_, header->revision);
  }

  async::IoExecutor& executor_;
  const std::shared_ptr<EtcdClient> client_;  // shared with the watches
  const KeySpace keys_;
  LeaseGranter leases_;
  Gate gate_;
  Revision revision_ = 0;
  Revision compacted_ = 0;
  std::int64_t compactions_ = 0;  // version of kCompactionKey when last seen
  // Readings of the newest revision: callers share the next one that is to begin.
  async::Event asked_;
  std::uint64_t readings_begun_ = 0, readings_done_ = 0;
  bool reading_ = false;
  Result<Revision> last_reading_ = 0;
};

async::Task<Status> EtcdStore::connect(Duration timeout, async::StopToken stop) {
  const TimePoint deadline = executor_.steady() + timeout;
  while (true) {
    auto revision = co_await ask_revision(stop);
    if (revision) co_return Status();
    if (stop.stop_requested()) co_return std::move(revision).error();
    if (executor_.steady() >= deadline) {
      co_return Status(Reason::kTimeout, cat("etcd does not answer: ", revision.error().message()));
    }
    co_await async::sleep_for(executor_, std::chrono::milliseconds(250), stop);
  }
}

async::Task<Result<pb::RangeResponse>> EtcdStore::read(pb::RangeRequest request,
                                                       async::StopToken stop) {
  auto answer = co_await client_->call<pb::RangeResponse>("KV/Range", std::move(request),
                                                          Kind::kRead, std::move(stop));
  if (answer) saw(answer->header);
  co_return answer;
}

async::Task<Result<Revision>> EtcdStore::write(Write write, async::StopToken stop) {
  const Gate::Pass pass(gate_);
  if (!pass) co_return closed_error();
  const auto key = keys_.outward(write.key);
  if (!key || key->empty())
    co_return fail(Reason::kInvalid, cat("no key of this store: ", quoted(write.key)));
  std::int64_t lease = 0;
  if (write.value && write.ttl > std::chrono::seconds(0)) {
    auto granted = co_await leases_.lease_for(write.ttl, stop);
    if (!granted) co_return fail(std::move(granted).error());
    lease = *granted;
  }
  auto answer = co_await client_->call<pb::TxnResponse>("KV/Txn", transaction(*key, write, lease),
                                                        Kind::kWrite, std::move(stop));
  if (!answer) co_return fail(std::move(answer).error());
  saw(answer->header);
  if (!answer->succeeded) co_return fail(refusal(write, *answer));
  if (answer->responses.empty() || !answer->header)
    co_return fail(Reason::kCorrupt, "etcd answered a write without its result");
  const auto& done = answer->responses.front();
  if (done.response_delete_range && done.response_delete_range->deleted == 0)
    co_return fail(Reason::kNotFound, cat("there is no key ", quoted(write.key)));
  co_return answer->header->revision;
}

async::Task<Result<std::optional<Entry>>> EtcdStore::get(std::string key, async::StopToken stop) {
  const Gate::Pass pass(gate_);
  if (!pass) co_return closed_error();
  const auto outward = keys_.outward(key);
  if (!outward || outward->empty()) co_return std::optional<Entry>();
  pb::RangeRequest request;
  request.key = *outward;
  auto answer = co_await read(std::move(request), std::move(stop));
  if (!answer) co_return fail(std::move(answer).error());
  if (answer->kvs.empty()) co_return std::optional<Entry>();
  co_return entry_of(keys_, std::move(answer->kvs.front()));
}

async::Task<Result<RangeResult>> EtcdStore::range(RangeOptions options, async::StopToken stop) {
  const Gate::Pass pass(gate_);
  if (!pass) co_return closed_error();
  RangeResult out;
  const auto prefix = keys_.outward_prefix(options.prefix);
  if (!prefix) co_return fail(Reason::kInvalid, cat("no key of this store: ", options.prefix));
  pb::RangeRequest request;
  request.range_end = end_of_prefix(*prefix);
  request.key = prefix->empty() ? std::string(1, '\0') : *prefix;
  request.revision = options.at_revision;
  if (const auto after = keys_.outward(options.start_after);
      after && !options.start_after.empty()) {
    request.key = std::max(request.key, cat(*after, std::string_view("\0", 1)));
  }
  const bool whole = options.limit == 0;
  request.limit = whole ? kPage : static_cast<std::int64_t>(options.limit);
  while (true) {
    auto answer = co_await read(request, stop);
    if (!answer) co_return fail(std::move(answer).error());
    if (request.revision == 0 && answer->header) request.revision = answer->header->revision;
    out.remaining = answer->count - static_cast<std::int64_t>(answer->kvs.size());
    out.more = answer->more;
    if (!answer->kvs.empty()) request.key = cat(answer->kvs.back().key, std::string_view("\0", 1));
    for (auto& kv : answer->kvs) out.entries.push_back(entry_of(keys_, std::move(kv)));
    if (!whole || !out.more || answer->kvs.empty()) break;
  }
  out.revision = request.revision;
  co_return out;
}

Result<std::unique_ptr<Watch>> EtcdStore::watch(std::string prefix, Revision from) {
  if (gate_.closed()) return closed_error();
  if (from == 0) from = revision_;
  if (from < compacted_) return fail(etcd_compacted(""));
  return std::make_unique<EtcdWatch>(executor_, client_, keys_, std::move(prefix), from);
}

// A linearizable read of next to nothing.
async::Task<Result<Revision>> EtcdStore::ask_revision(async::StopToken stop) {
  pb::RangeRequest request;
  request.key = kCompactionKey;
  auto answer = co_await read(std::move(request), std::move(stop));
  if (!answer) co_return fail(std::move(answer).error());
  if (!answer->kvs.empty()) {
    // Who compacts writes the revision there.
    const std::string& text = answer->kvs.front().value;
    Revision compacted = 0;
    std::from_chars(text.data(), text.data() + text.size(), compacted);
    compacted_ = std::max(compacted_, compacted);
  }
  co_return answer->header ? answer->header->revision : revision_;
}

async::Task<Result<Revision>> EtcdStore::newest(async::StopToken stop) {
  const Gate::Pass pass(gate_);
  if (!pass) co_return closed_error();
  // A reading that has begun may be of before this call.
  const std::uint64_t wanted = readings_begun_ + 1;
  while (readings_done_ < wanted) {
    if (reading_) {
      const bool woken = co_await asked_.wait(stop);
      if (!woken) co_return fail(Reason::kCanceled, "the caller stopped");
      continue;
    }
    reading_ = true;
    const std::uint64_t number = ++readings_begun_;
    // Others wait for this reading too: it is not stopped with the caller.
    last_reading_ = co_await ask_revision({});
    readings_done_ = number;
    reading_ = false;
    asked_.pulse();
  }
  co_return last_reading_;
}

async::Task<Result<bool>> EtcdStore::claim_compaction(Revision revision, async::StopToken stop) {
  const Gate::Pass pass(gate_);
  if (!pass) co_return closed_error();
  const std::string key(kCompactionKey);
  pb::TxnRequest request;
  pb::Compare& unchanged = request.compare.emplace_back();
  unchanged.target = pb::VERSION;
  unchanged.key = key;
  unchanged.version = compactions_;
  auto& put = request.success.emplace_back().request_put.emplace();
  put.key = key;
  put.value = cat(revision);
  request.failure.emplace_back().request_range.emplace().key = key;
  auto answer = co_await client_->call<pb::TxnResponse>("KV/Txn", std::move(request), Kind::kWrite,
                                                        std::move(stop));
  if (!answer) co_return fail(std::move(answer).error());
  saw(answer->header);
  if (answer->succeeded) {
    ++compactions_;
    co_return true;
  }
  // Another server had this interval's turn; the next is for whoever comes first.
  if (!answer->responses.empty()) {
    const auto& seen = answer->responses.front().response_range;
    if (seen && !seen->kvs.empty()) compactions_ = seen->kvs.front().version;
  }
  co_return false;
}

async::Task<Status> EtcdStore::compact(Revision revision, async::StopToken stop) {
  const Gate::Pass pass(gate_);
  if (!pass) co_return closed_error().error();
  pb::CompactionRequest request;
  request.revision = revision;
  auto answer = co_await client_->call<pb::CompactionResponse>("KV/Compact", std::move(request),
                                                               Kind::kRead, std::move(stop));
  // Compacted already, and further.
  if (!answer && answer.error().is(Reason::kExpired)) co_return Status();
  if (!answer) co_return std::move(answer).error();
  saw(answer->header);
  compacted_ = std::max(compacted_, revision);
  co_return Status();
}

async::Task<void> EtcdStore::close() {
  gate_.close();
  co_await client_->close();
  co_await gate_.empty().wait({});
}

Result<std::vector<net::Endpoint>> parse_endpoints(const std::vector<std::string>& urls) {
  std::vector<net::Endpoint> out;
  for (const auto& url : urls) {
    auto endpoint = net::Endpoint::parse(url);
    if (!endpoint)
      return fail(std::move(endpoint).error().with_context(cat("etcd endpoint ", quoted(url))));
    out.push_back(std::move(*endpoint));
  }
  if (out.empty()) return fail(Reason::kInvalid, "no etcd endpoint is given");
  return out;
}

Result<net::DialOptions> dial_options(const EtcdOptions& options) {
  net::DialOptions out;
  out.timeout = std::chrono::seconds(5);
  net::TlsClientOptions tls;
  tls.ca_pem = options.ca_pem;
  tls.certificate_pem = options.certificate_pem;
  tls.key_pem = options.key_pem;
  tls.http2 = true;
  auto context = net::TlsContext::client(tls);
  if (!context) return fail(std::move(context).error().with_context("etcd's certificates"));
  out.tls = std::move(*context);
  return out;
}

}  // namespace

async::Task<Result<std::unique_ptr<Store>>> open_etcd(async::IoExecutor& executor,
                                                      EtcdOptions options, async::StopToken stop) {
  KPP_CO_ASSIGN(const auto endpoints, parse_endpoints(options.endpoints));
  KPP_CO_ASSIGN(const auto dial, dial_options(options));
  auto store =
      std::make_unique<EtcdStore>(executor, std::make_shared<EtcdClient>(executor, endpoints, dial),
                                  KeySpace{options.root, options.prefix});
  Status connected = co_await store->connect(options.connect_timeout, stop);
  if (!connected.ok()) {
    co_await store->close();
    co_return fail(std::move(connected).with_context("opening the store"));
  }
  co_return std::unique_ptr<Store>(std::move(store));
}

}  // namespace kpp::store
