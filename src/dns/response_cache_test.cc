#include "dns/response_cache.h"

#include <gtest/gtest.h>

namespace kpp::dns {
namespace {

using std::chrono::seconds;

struct Harness {
  explicit Harness(CacheOptions options) : cache(options) {}
  static Query query(const std::string& name) { return *parse_query(encode_question(1, name, kA)); }
  void put(const std::string& name, std::uint32_t ttl) {
    const Query q = query(name);
    Answer answer;
    answer.answers.push_back({name, kA, ttl, AddressData{"\x0a\x01\x01\x01"}});
    const std::string message = encode(q, answer, 512);
    cache.put(ResponseCache::key(q), message, *parse_answer(message), now);
  }
  std::optional<std::string> find(const std::string& name) {
    const Query q = query(name);
    return cache.find(ResponseCache::key(q), q, now);
  }
  ResponseCache cache;
  TimePoint now{};
};

TEST(ResponseCache, TimesToLiveCountDownAndEnd) {
  Harness h({});
  h.put("a.example", 20);
  h.now += seconds(5);
  ASSERT_TRUE(h.find("a.example"));
  EXPECT_EQ(parse_answer(*h.find("a.example"))->ttl, 15u);
  h.now += seconds(15);
  EXPECT_FALSE(h.find("a.example"));
  EXPECT_EQ(h.cache.size(), 0u);
}

TEST(ResponseCache, NothingIsKeptLongerThanAllowed) {
  CacheOptions options;
  options.success_ttl = 30;
  Harness h(options);
  h.put("a.example", 3600);
  EXPECT_EQ(parse_answer(*h.find("a.example"))->ttl, 30u);
  h.now += seconds(30);
  EXPECT_FALSE(h.find("a.example"));
}

TEST(ResponseCache, TheLeastRecentlyUsedGoesWhenItIsFull) {
  CacheOptions options;
  options.success_capacity = 2;
  Harness h(options);
  h.put("a.example", 60);
  h.put("b.example", 60);
  EXPECT_TRUE(h.find("a.example"));
  h.put("c.example", 60);
  EXPECT_TRUE(h.find("a.example"));
  EXPECT_FALSE(h.find("b.example"));
}

TEST(ResponseCache, AnAskersOwnIdAndSpellingStandInTheAnswer) {
  Harness h({});
  h.put("a.example", 60);
  const auto query = parse_query(encode_question(77, "A.eXample", kA));
  const auto answer = h.cache.find(ResponseCache::key(*query), *query, h.now);
  ASSERT_TRUE(answer);
  EXPECT_EQ(parse_answer(*answer)->id, 77);
  EXPECT_NE(answer->find("eXample"), std::string::npos);
}

TEST(ResponseCache, AnswersWithoutALifeAreNotKept) {
  Harness h({});
  h.put("a.example", 0);
  EXPECT_FALSE(h.find("a.example"));
}

}  // namespace
}  // namespace kpp::dns
