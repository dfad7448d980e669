#include "client/work_queue.h"

#include <gtest/gtest.h>

#include "async/scope.h"

namespace kpp::client {
namespace {

using std::chrono::milliseconds;

class WorkQueueTest : public ::testing::Test {
 protected:
  ~WorkQueueTest() override {
    queue_.close();
    executor_.run_until_idle();
  }
  static async::Task<void> take(WorkQueue* queue, std::vector<std::string>* out) {
    auto key = co_await queue->next({});
    out->push_back(key ? key->name : "end");
  }
  std::vector<std::string> taken(int n) {
    std::vector<std::string> out;
    for (int i = 0; i < n; ++i) scope_.spawn(take(&queue_, &out));
    executor_.run_until_idle();
    return out;
  }

  async::ManualExecutor executor_;
  WorkQueue queue_{executor_};
  async::Scope scope_{executor_};
};

TEST_F(WorkQueueTest, AKeyAddedTwiceIsHandedOutOnce) {
  queue_.add({"", "a"});
  queue_.add({"", "a"});
  queue_.add({"", "b"});
  EXPECT_EQ(taken(2), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(WorkQueueTest, AKeyAddedWhileWorkedOnComesAgainAfterDone) {
  queue_.add({"", "a"});
  EXPECT_EQ(taken(1), std::vector<std::string>{"a"});
  queue_.add({"", "a"});
  EXPECT_EQ(queue_.size(), 0u);
  queue_.done({"", "a"});
  EXPECT_EQ(taken(1), std::vector<std::string>{"a"});
}

TEST_F(WorkQueueTest, FailuresDoubleTheDelayUntilForgotten) {
  queue_.add_rate_limited({"", "a"});
  executor_.advance(milliseconds(5));
  EXPECT_EQ(taken(1), std::vector<std::string>{"a"});
  queue_.done({"", "a"});
  queue_.add_rate_limited({"", "a"});
  executor_.advance(milliseconds(9));
  EXPECT_EQ(queue_.size(), 0u);
  executor_.advance(milliseconds(1));
  EXPECT_EQ(queue_.size(), 1u);
  EXPECT_EQ(queue_.failures({"", "a"}), 2);
  queue_.forget({"", "a"});
  EXPECT_EQ(queue_.failures({"", "a"}), 0);
}

TEST_F(WorkQueueTest, TheEarlierOfTwoDelaysCounts) {
  queue_.add_after({"", "a"}, milliseconds(100));
  queue_.add_after({"", "a"}, milliseconds(10));
  queue_.add_after({"", "a"}, milliseconds(50));
  executor_.advance(milliseconds(10));
  EXPECT_EQ(taken(1), std::vector<std::string>{"a"});
  queue_.done({"", "a"});
  executor_.advance(milliseconds(200));
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(WorkQueueTest, CloseLetsQueuedKeysDrain) {
  queue_.add({"", "a"});
  queue_.close();
  EXPECT_EQ(taken(2), (std::vector<std::string>{"a", "end"}));
}

}  // namespace
}  // namespace kpp::client
