#include "dns/resolver.h"

#include <algorithm>

#include "base/fs.h"

namespace kpp::dns {
namespace {

constexpr int kMaxAliases = 8;
constexpr std::size_t kMaxResolvConf = 1u << 20;

Answer failure() {
  Answer out;
  out.rcode = Rcode::kServFail;
  return out;
}

Result<std::vector<Upstream>> upstreams_of(const ForwardOptions& options) {
  std::vector<Upstream> out;
  for (const auto& to : options.to) {
    std::vector<std::string> addresses{to};
    if (to.starts_with('/')) {
      KPP_ASSIGN(const std::string file, fs::read_file(to, kMaxResolvConf));
      addresses = nameservers(file);
    }
    for (const auto& address : addresses) {
      KPP_ASSIGN(auto upstream, Upstream::parse(address));
      out.push_back(std::move(upstream));
    }
  }
  return out;
}

}  // namespace

Resolver::Resolver(async::IoExecutor& executor, const ServerBlock& block, Logger log)
    : executor_(executor), block_(block), log_(std::move(log)) {
  if (block.kubernetes) zone_.emplace(*block.kubernetes);
  if (block.cache) cache_.emplace(*block.cache);
}

Result<std::unique_ptr<Resolver>> Resolver::make(async::IoExecutor& executor,
                                                 const ServerBlock& block, Logger log) {
  std::unique_ptr<Resolver> out(new Resolver(executor, block, std::move(log)));
  if (block.forward) {
    KPP_ASSIGN(auto upstreams, upstreams_of(*block.forward));
    out->forwarder_ = std::make_unique<Forwarder>(executor, std::move(upstreams), *block.forward);
  }
  return out;
}

std::optional<std::size_t> Resolver::match(std::string_view folded) const {
  std::optional<std::size_t> best;
  for (const std::string_view zone : block_.zones) {
    const bool inside = zone.empty() || folded == zone ||
                        (folded.size() > zone.size() && folded.ends_with(zone) &&
                         folded[folded.size() - zone.size() - 1] == '.');
    if (inside) best = std::max(best.value_or(0), zone.size());
  }
  return best;
}

void Resolver::balance(Answer& answer) {
  auto& records = answer.answers;
  const auto first = std::find_if(records.begin(), records.end(),
                                  [](const Record& r) { return r.type == kA || r.type == kAaaa; });
  const auto count = static_cast<std::size_t>(records.end() - first);
  if (!block_.loadbalance || count < 2) return;
  std::rotate(first, first + static_cast<std::ptrdiff_t>(turn_++ % count), records.end());
}

std::optional<std::string> Resolver::resolve_now(const Query& query, std::size_t limit) {
  if (zone_ && zone_->holds(query.folded)) {
    if (!synced_) return encode(query, failure(), limit);
    auto found = zone_->lookup(query.name, query.folded, query.type);
    using Kind = ClusterZone::Found::Kind;
    if (found.kind == Kind::kFallthrough && !forwarder_) {
      found.answer.rcode = Rcode::kNxDomain;
      found.kind = Kind::kAnswer;
    }
    if (found.kind == Kind::kAnswer) {
      balance(found.answer);
      return encode(query, found.answer, limit);
    }
    if (found.kind == Kind::kAlias) return std::nullopt;
  }
  if (!forwarder_) {
    Answer refused;
    refused.rcode = Rcode::kRefused;
    return encode(query, refused, limit);
  }
  if (!cache_) return std::nullopt;
  auto kept = cache_->find(ResponseCache::key(query), query, executor_.steady());
  // One that does not fit the asker's datagram is asked for anew: the upstream truncates it as it
  // should be.
  if (!kept || kept->size() > limit) {
    ++counts_.misses;
    return std::nullopt;
  }
  ++counts_.hits;
  return kept;
}

async::Task<std::string> Resolver::resolve(Query query, std::string message, std::size_t limit,
                                           bool tcp, async::StopToken stop) {
  if (zone_ && synced_ && zone_->holds(query.folded)) {
    auto found = zone_->lookup(query.name, query.folded, query.type);
    if (found.kind == ClusterZone::Found::Kind::kAlias) {
      Answer answer = std::move(found.answer);
      co_await follow_alias(query, std::move(found.alias), &answer, stop);
      co_return encode(query, answer, limit);
    }
  }
  std::string out =
      co_await forward(std::move(query), std::move(message), limit, tcp, std::move(stop));
  co_return out;
}

async::Task<std::string> Resolver::forward(Query query, std::string message, std::size_t limit,
                                           bool tcp, async::StopToken stop) {
  auto answer = co_await forwarder_->ask(std::move(message), query, tcp, std::move(stop));
  if (!answer) {
    if (block_.errors && !answer.error().is(Reason::kCanceled)) {
      log_.warning("A question was not answered upstream",
                   {kv("name", query.name), kv("type", query.type), kv("err", answer.error())});
    }
    co_return encode(query, failure(), limit);
  }
  if (cache_) {
    if (const auto facts = parse_answer(*answer))
      cache_->put(ResponseCache::key(query), *answer, *facts, executor_.steady());
  }
  if (answer->size() <= limit) co_return std::move(*answer);
  Answer records;  // an upstream that ignored the asker's limit
  records.answers = parse_records(*answer);
  co_return encode(query, records, limit);
}

async::Task<void> Resolver::follow_alias(Query query, std::string target, Answer* answer,
                                         async::StopToken stop) {
  for (int i = 0; i < kMaxAliases && !target.empty(); ++i) {
    const std::string folded = fold(target);
    if (zone_->holds(folded)) {
      auto found = zone_->lookup(target, folded, query.type);
      for (auto& record : found.answer.answers) answer->answers.push_back(std::move(record));
      target = std::move(found.alias);
      continue;
    }
    if (!forwarder_) co_return;
    Query onward = query;
    onward.name = target;
    onward.folded = folded;
    const std::string question = encode_question(query.id, target, query.type);
    const auto parsed = parse_query(question);
    if (!parsed) co_return;  // the service's external name is no name
    const auto reply = co_await forwarder_->ask(question, *parsed, false, stop);
    if (!reply) {
      answer->rcode = Rcode::kServFail;
      co_return;
    }
    for (auto& record : parse_records(*reply)) answer->answers.push_back(std::move(record));
    co_return;
  }
}

}  // namespace kpp::dns
