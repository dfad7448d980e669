#include "client/leader_election.h"

#include <gtest/gtest.h>

#include "client/testing/fake_api.h"

namespace kpp::client {
namespace {

using std::chrono::seconds;

class LeaderElectionTest : public ::testing::Test {
 protected:
  LeaderElector::Options options(const std::string& identity) {
    LeaderElector::Options out;
    out.name = "lock";
    out.identity = identity;
    return out;
  }
  void stop(LeaderElector& elector) {
    scope_.spawn(elector.stop());
    executor_.run_until_idle();
  }

  async::ManualExecutor executor_;
  LogSink sink_{2};
  testing::FakeApi api_{executor_};
  Client client_{api_.transport(), "test"};
  LeaderElector a_{executor_, client_, Logger(sink_, "a"), options("a")};
  LeaderElector b_{executor_, client_, Logger(sink_, "b"), options("b")};
  async::Scope scope_{executor_};
};

TEST_F(LeaderElectionTest, OneLeadsAndTheOtherFollowsWhenItGivesUp) {
  a_.start();
  b_.start();
  executor_.advance(seconds(60));
  EXPECT_TRUE(a_.is_leader());
  EXPECT_FALSE(b_.is_leader());
  stop(a_);
  EXPECT_FALSE(a_.is_leader());
  executor_.advance(seconds(3));
  EXPECT_TRUE(b_.is_leader());
  stop(b_);
}

TEST_F(LeaderElectionTest, WhoCannotRenewGivesUpBeforeAnotherTakesOver) {
  a_.start();
  executor_.advance(seconds(5));
  ASSERT_TRUE(a_.is_leader());
  api_.fail_next("", "/leases", Status(Reason::kInternalError, "no"), 1000);
  executor_.advance(seconds(8));
  EXPECT_TRUE(a_.is_leader());
  executor_.advance(seconds(2));
  EXPECT_FALSE(a_.is_leader());
  stop(a_);
}

}  // namespace
}  // namespace kpp::client
