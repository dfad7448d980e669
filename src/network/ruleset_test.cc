#include "network/ruleset.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "async/scope.h"
#include "network/rule_table.h"

namespace kpp::network {
namespace {

Ruleset with_set(std::map<std::string, std::string> elements) {
  Ruleset out;
  out.sets["pods"] = {"ipv4_addr", false, false, std::move(elements)};
  out.chains["forward"] = {"type filter hook forward priority -5; policy accept;",
                           {"ip saddr @pods accept"}};
  return out;
}

TEST(TableChanges, TheWholeTableReplacesWhatStoodThere) {
  EXPECT_EQ(
      whole_table(with_set({{"10.0.0.1", ""}})),
      "add table ip kpp-net\n"
      "delete table ip kpp-net\n"
      "add table ip kpp-net\n"
      "add set ip kpp-net pods { type ipv4_addr; }\n"
      "add chain ip kpp-net forward { type filter hook forward priority -5; policy accept; }\n"
      "add element ip kpp-net pods { 10.0.0.1 }\n"
      "add rule ip kpp-net forward ip saddr @pods accept\n");
}

TEST(TableChanges, NothingIsSaidOfWhatIsTheSame) {
  const Ruleset rules = with_set({{"10.0.0.1", ""}});
  EXPECT_EQ(table_changes(rules, rules), "");
}

TEST(TableChanges, OnlyElementsThatCameOrWentAreNamed) {
  EXPECT_EQ(table_changes(with_set({{"10.0.0.1", ""}, {"10.0.0.2", ""}}),
                          with_set({{"10.0.0.2", ""}, {"10.0.0.3", ""}})),
            "delete element ip kpp-net pods { 10.0.0.1 }\n"
            "add element ip kpp-net pods { 10.0.0.3 }\n");
}

TEST(TableChanges, ASetOfIntervalsIsWrittenWhole) {
  Ruleset before;
  before.sets["nets"] = {"ipv4_addr", true, false, {{"10.0.0.0/24", ""}}};
  Ruleset after = before;
  after.sets["nets"].elements["10.0.1.0/24"];
  EXPECT_EQ(table_changes(before, after),
            "flush set ip kpp-net nets\n"
            "add element ip kpp-net nets { 10.0.0.0/24, 10.0.1.0/24 }\n");
}

TEST(TableChanges, AMapLetsGoOfAChainBeforeItIsDeleted) {
  Ruleset before;
  before.sets["ways"] = {"ipv4_addr", false, true, {{"10.0.0.1", "goto a"}}};
  before.chains["a"] = {"", {"drop"}};
  Ruleset after;
  after.sets["ways"] = {"ipv4_addr", false, true, {{"10.0.0.1", "goto b"}}};
  after.chains["b"] = {"", {"accept"}};
  EXPECT_EQ(table_changes(before, after),
            "add chain ip kpp-net b\n"
            "flush chain ip kpp-net a\n"
            "delete element ip kpp-net ways { 10.0.0.1 : goto a }\n"
            "add element ip kpp-net ways { 10.0.0.1 : goto b }\n"
            "add rule ip kpp-net b accept\n"
            "delete chain ip kpp-net a\n");
}

TEST(TableChanges, ASetOfAnotherTypeMakesTheTableAnew) {
  Ruleset before = with_set({});
  Ruleset after = before;
  after.sets["pods"].type = "inet_service";
  EXPECT_TRUE(table_changes(before, after).starts_with("add table ip kpp-net\ndelete table"));
}

class FakeNft final : public sys::Commands {
 public:
  async::Task<Result<std::string>> run(std::vector<std::string> argv, std::string input) override {
    EXPECT_EQ(argv, (std::vector<std::string>{"nft", "-f", "-"}));
    inputs.push_back(std::move(input));
    if (fails) co_return fail(Reason::kIo, "nft: no");
    co_return std::string();
  }
  std::vector<std::string> inputs;
  bool fails = false;
};

class RuleTableTest : public testing::Test {
 protected:
  Status apply(const Ruleset& rules) {
    Status out;
    async::Scope scope(executor_);
    scope.spawn(keep(table_.apply(rules), &out));
    executor_.run_until_idle();
    return out;
  }
  static async::Task<void> keep(async::Task<Status> task, Status* out) {
    *out = co_await std::move(task);
  }
  async::ManualExecutor executor_;
  FakeNft nft_;
  RuleTable table_{nft_};
};

TEST_F(RuleTableTest, RunsNothingWhileNothingChanges) {
  EXPECT_TRUE(apply(with_set({})).ok());
  EXPECT_TRUE(apply(with_set({})).ok());
  EXPECT_EQ(nft_.inputs.size(), 1U);
}

TEST_F(RuleTableTest, AfterAFailureTheTableIsMadeAnew) {
  EXPECT_TRUE(apply(with_set({})).ok());
  nft_.fails = true;
  EXPECT_FALSE(apply(with_set({{"10.0.0.1", ""}})).ok());
  nft_.fails = false;
  EXPECT_TRUE(apply(with_set({{"10.0.0.1", ""}})).ok());
  ASSERT_EQ(nft_.inputs.size(), 3U);
  EXPECT_EQ(nft_.inputs[1], "add element ip kpp-net pods { 10.0.0.1 }\n");
  EXPECT_TRUE(nft_.inputs[2].starts_with("add table ip kpp-net\ndelete table"));
}

}  // namespace
}  // namespace kpp::network
