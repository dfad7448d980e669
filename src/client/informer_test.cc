#include "client/informer.h"

#include <gtest/gtest.h>

#include "api/corev1.h"
#include "client/testing/fake_api.h"

namespace kpp::client {
namespace {

using std::chrono::seconds;

class InformerTest : public ::testing::Test {
 protected:
  InformerTest() {
    informer_.add_handler([this](const auto& before, const auto& after) {
      seen_.push_back(
          cat(before ? (after ? "~" : "-") : "+", (after ? after : before)->metadata.name));
    });
  }
  ~InformerTest() override {
    scope_.spawn(informer_.stop());
    executor_.run_until_idle();
  }
  void put(const std::string& name, const std::string& value = {}) {
    corev1::ConfigMap map;
    map.metadata.name = name;
    map.metadata.namespace_ = "default";
    map.data["k"] = value;
    api_.put(map);
    executor_.run_until_idle();
  }
  std::vector<std::string> seen() {
    executor_.run_until_idle();
    return std::exchange(seen_, {});
  }
  using Names = std::vector<std::string>;

  async::ManualExecutor executor_;
  LogSink sink_{2};
  testing::FakeApi api_{executor_};
  Client client_{api_.transport(), "test"};
  Informer<corev1::ConfigMap> informer_{executor_, client_, Logger(sink_, "test")};
  async::Scope scope_{executor_};
  Names seen_;
};

TEST_F(InformerTest, ListsThenFollows) {
  put("a");
  informer_.start();
  EXPECT_EQ(seen(), Names{"+a"});
  EXPECT_TRUE(informer_.synced());
  put("b");
  put("b", "new");
  api_.erase<corev1::ConfigMap>({"default", "a"});
  EXPECT_EQ(seen(), (Names{"+b", "~b", "-a"}));
  EXPECT_EQ(informer_.get({"default", "b"})->data.at("k"), "new");
  EXPECT_EQ(informer_.in_namespace("default").size(), 1u);
  EXPECT_TRUE(informer_.in_namespace("defaul").empty());
}

TEST_F(InformerTest, WhatIsTrimmedIsNotKept) {
  put("a", "listed");
  informer_.set_trim([](corev1::ConfigMap& map) { map.data.clear(); });
  informer_.start();
  EXPECT_EQ(seen(), Names{"+a"});
  put("b", "watched");
  EXPECT_EQ(seen(), Names{"+b"});
  for (const auto& map : informer_.all()) EXPECT_TRUE(map->data.empty()) << map->metadata.name;
}

TEST_F(InformerTest, AWatchThatEndsGoesOnWhereItWas) {
  put("a");
  informer_.start();
  seen();
  api_.forget_requests();
  executor_.advance(seconds(30));
  api_.break_watches();
  put("b");
  executor_.advance(seconds(2));
  EXPECT_EQ(seen(), Names{"+b"});
  for (const auto& request : api_.requests()) EXPECT_EQ(request, "GET /api/v1/configmaps");
}

TEST_F(InformerTest, AfterACompactionItListsAgainAndTellsOnlyWhatChanged) {
  put("a");
  put("b");
  put("c");
  informer_.start();
  seen();
  executor_.advance(seconds(30));
  api_.fail_next("GET", "/configmaps", Status(Reason::kServiceUnavailable, "starting"), 1);
  api_.break_watches();
  executor_.run_until_idle();
  api_.erase<corev1::ConfigMap>({"default", "a"});
  put("b", "new");
  api_.compact();
  executor_.advance(seconds(60));
  EXPECT_EQ(seen(), (Names{"~b", "-a"}));
}

TEST_F(InformerTest, TriesAgainWhenTheFirstListFails) {
  api_.fail_next("GET", "/configmaps", Status(Reason::kForbidden, "no"), 2);
  put("a");
  informer_.start();
  executor_.run_until_idle();
  EXPECT_FALSE(informer_.synced());
  executor_.advance(seconds(3));
  EXPECT_TRUE(informer_.synced());
  EXPECT_EQ(seen(), Names{"+a"});
}

}  // namespace
}  // namespace kpp::client
