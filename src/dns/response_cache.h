// Answers of upstream servers, kept for as long as their records live.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "dns/corefile.h"
#include "dns/message.h"

namespace kpp::dns {

// Guarantees: an answer is given out no longer than its shortest record lives, nor longer than the
// options say, with its TTLs
//   counted down; the least recently used goes when it is full. Failures and truncated answers are
//   never kept.
// Runs on: one thread at a time.
class ResponseCache {
 public:
  explicit ResponseCache(CacheOptions options) : options_(options) {}

  // What answers differ by.
  static std::string key(const Query& query);
  // The message with the query's id and flags in it.
  std::optional<std::string> find(const std::string& key, const Query& query, TimePoint now);
  void put(const std::string& key, std::string_view message, const AnswerFacts& facts,
           TimePoint now);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key, message;
    std::vector<std::size_t> ttl_offsets;
    TimePoint stored, expires;
    bool negative;
  };
  void erase(std::list<Entry>::iterator entry);

  const CacheOptions options_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
  std::size_t negative_ = 0;
};

}  // namespace kpp::dns
