#include "dns/response_cache.h"

#include <algorithm>

#include "base/cat.h"
#include "dns/wire_numbers.h"

namespace kpp::dns {

std::string ResponseCache::key(const Query& query) {
  return cat(query.folded, "/", query.type, "/", query.klass, query.dnssec_ok ? "/do" : "",
             query.checking_disabled ? "/cd" : "", query.edns ? "/edns" : "");
}

void ResponseCache::erase(std::list<Entry>::iterator entry) {
  if (entry->negative) --negative_;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

std::optional<std::string> ResponseCache::find(const std::string& key, const Query& query,
                                               TimePoint now) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  const auto entry = found->second;
  if (now >= entry->expires) {
    erase(entry);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  std::string out = entry->message;
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  put16(query.id, bytes);
  // RD, CD and the name's case as the asker wrote them; the rest is the upstream's.
  bytes[2] = static_cast<unsigned char>((bytes[2] & ~1U) | (query.recursion_desired ? 1U : 0U));
  bytes[3] =
      static_cast<unsigned char>((bytes[3] & ~0x10U) | (query.checking_disabled ? 0x10U : 0U));
  if (out.size() >= 12 + query.wire_name.size())
    out.replace(12, query.wire_name.size(), query.wire_name);
  const auto left = static_cast<std::uint32_t>(
      std::chrono::ceil<std::chrono::seconds>(entry->expires - now).count());
  const auto age = static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::seconds>(now - entry->stored).count());
  for (const std::size_t at : entry->ttl_offsets) {
    const auto ttl = static_cast<std::uint32_t>(get32(bytes + at));
    put32(std::min(ttl > age ? ttl - age : 0, left), bytes + at);
  }
  return out;
}

void ResponseCache::put(const std::string& key, std::string_view message, const AnswerFacts& facts,
                        TimePoint now) {
  const bool good = facts.rcode == Rcode::kNoError || facts.rcode == Rcode::kNxDomain;
  if (!good || facts.truncated || !facts.ttl || *facts.ttl == 0) return;
  if (const auto old = by_key_.find(key); old != by_key_.end()) erase(old->second);
  const std::uint32_t ttl =
      std::min(*facts.ttl, facts.negative ? options_.denial_ttl : options_.success_ttl);
  entries_.push_front({key, std::string(message), facts.ttl_offsets, now,
                       now + std::chrono::seconds(ttl), facts.negative});
  by_key_.emplace(entries_.front().key, entries_.begin());
  if (facts.negative) ++negative_;
  const std::size_t capacity =
      facts.negative ? options_.denial_capacity : options_.success_capacity;
  if ((facts.negative ? negative_ : entries_.size() - negative_) <= capacity) return;
  const auto oldest = std::find_if(entries_.rbegin(), entries_.rend(),
                                   [&](const Entry& e) { return e.negative == facts.negative; });
  erase(std::prev(oldest.base()));
}

}  // namespace kpp::dns
