#include "scheduler/queue.h"

#include <gtest/gtest.h>

namespace kpp::scheduler {
namespace {

using std::chrono::seconds;

PodInfoRef pod(const std::string& name, int priority = 0, bool gated = false) {
  corev1::Pod out;
  out.metadata.namespace_ = "default";
  out.metadata.name = name;
  out.spec.priority = priority;
  if (gated) out.spec.scheduling_gates.emplace_back().name = "g";
  return std::make_shared<const PodInfo>(std::make_shared<const corev1::Pod>(std::move(out)));
}

class QueueTest : public testing::Test {
 protected:
  std::string next() {
    auto out = queue_.pop();
    return out ? out->pod->pod->metadata.name : std::string();
  }
  async::ManualExecutor executor_;
  Queue queue_{executor_, {}};
};

TEST_F(QueueTest, GivesByPriorityThenByArrival) {
  queue_.put(pod("a"));
  queue_.put(pod("b"));
  queue_.put(pod("urgent", 1000));
  EXPECT_EQ(next(), "urgent");
  EXPECT_EQ(next(), "a");
  EXPECT_EQ(next(), "b");
  EXPECT_EQ(next(), "");
}

TEST_F(QueueTest, HoldsAGatedPodUntilItsGatesAreGone) {
  queue_.put(pod("p", 0, true));
  EXPECT_EQ(next(), "");
  queue_.move(kAllPluginBits);
  EXPECT_EQ(next(), "");
  queue_.put(pod("p"));
  EXPECT_EQ(next(), "p");
}

TEST_F(QueueTest, AnEventThatHelpsMovesThePodAfterItsBackoff) {
  queue_.put(pod("p"));
  auto taken = queue_.pop();
  taken->refused_by = kNodeResourcesFitBit;
  queue_.unschedulable(std::move(*taken));
  queue_.move(kTaintTolerationBit);
  executor_.advance(seconds(2));
  EXPECT_EQ(next(), "");
  queue_.move(kNodeResourcesFitBit);
  EXPECT_EQ(next(), "p");
}

TEST_F(QueueTest, BackoffDoublesUpToItsLimit) {
  EXPECT_EQ(queue_.backoff_of(1), seconds(1));
  EXPECT_EQ(queue_.backoff_of(2), seconds(2));
  EXPECT_EQ(queue_.backoff_of(4), seconds(8));
  EXPECT_EQ(queue_.backoff_of(5), seconds(10));
  EXPECT_EQ(queue_.backoff_of(50), seconds(10));
}

TEST_F(QueueTest, AnEventDuringBackoffWaitsForItsEnd) {
  queue_.put(pod("p"));
  auto taken = queue_.pop();
  taken->refused_by = kNodePortsBit;
  queue_.unschedulable(std::move(*taken));
  queue_.move(kNodePortsBit);
  EXPECT_EQ(next(), "");
  executor_.advance(seconds(1));
  EXPECT_EQ(next(), "p");
}

TEST_F(QueueTest, APodThatWaitsForNothingIsTriedAgainInTime) {
  queue_.put(pod("p"));
  auto taken = queue_.pop();
  queue_.unschedulable(std::move(*taken));
  executor_.advance(std::chrono::minutes(4));
  EXPECT_EQ(next(), "");
  executor_.advance(std::chrono::minutes(1));
  EXPECT_EQ(next(), "p");
}

TEST_F(QueueTest, ARemovedPodIsGone) {
  queue_.put(pod("p"));
  queue_.remove({"default", "p"});
  EXPECT_EQ(next(), "");
  EXPECT_EQ(queue_.waiting(), 0U);
}

}  // namespace
}  // namespace kpp::scheduler
