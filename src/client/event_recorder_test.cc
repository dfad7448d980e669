#include "client/event_recorder.h"

#include <gtest/gtest.h>

#include "client/testing/fake_api.h"

namespace kpp::client {
namespace {

class EventRecorderTest : public ::testing::Test {
 protected:
  EventRecorderTest() { recorder_.start(); }
  ~EventRecorderTest() override {
    scope_.spawn(recorder_.stop());
    executor_.run_until_idle();
  }
  void send(const std::string& message) {
    corev1::ObjectReference about;
    about.kind = "Node";
    about.name = "node1";
    recorder_.event(about, "Normal", "Starting", message);
    executor_.run_until_idle();
  }

  async::ManualExecutor executor_;
  LogSink sink_{2};
  testing::FakeApi api_{executor_};
  Client client_{api_.transport(), "test"};
  EventRecorder recorder_{executor_, client_, Logger(sink_, "test"), "kubelet", "node1"};
  async::Scope scope_{executor_};
};

TEST_F(EventRecorderTest, EqualEventsAreCounted) {
  send("hello");
  executor_.advance(std::chrono::seconds(3));
  send("hello");
  const auto events = api_.all<corev1::Event>();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].count, 2);
  EXPECT_EQ(events[0].metadata.namespace_, "default");
  EXPECT_EQ(events[0].metadata.name.size(), std::string("node1.").size() + 16);
  EXPECT_EQ(events[0].source.component, "kubelet");
  EXPECT_EQ(events[0].source.host, "node1");
  EXPECT_EQ(events[0].reporting_component, "kubelet");
  EXPECT_EQ(events[0].last_timestamp.seconds - events[0].first_timestamp.seconds, 3);
}

TEST_F(EventRecorderTest, ManySimilarEventsBecomeOne) {
  for (int i = 0; i < 15; ++i) send(cat("message ", i));
  const auto events = api_.all<corev1::Event>();
  EXPECT_EQ(events.size(), 10u);
  int combined = 0;
  for (const auto& e : events) {
    if (e.message.starts_with("(combined from similar events): ")) combined = e.count;
  }
  EXPECT_EQ(combined, 6);
}

TEST_F(EventRecorderTest, AFloodIsCutOff) {
  for (int i = 0; i < 60; ++i) send("hello");
  EXPECT_EQ(api_.all<corev1::Event>().at(0).count, 25);
}

}  // namespace
}  // namespace kpp::client
