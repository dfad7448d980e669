#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "async/scope.h"
#include "async/wait.h"

namespace kpp::async {
namespace {

using std::chrono::seconds;

Task<void> append_after(Executor& executor, Duration time, std::string* out, char c,
                        StopToken stop) {
  const bool slept = co_await sleep_for(executor, time, stop);
  *out += slept ? c : '!';
}

TEST(Scope, JoinWaitsForAllTasks) {
  ManualExecutor executor;
  Scope scope(executor);
  Scope outer(executor);
  std::string out;
  scope.spawn(append_after(executor, seconds(2), &out, 'b', scope.stop_token()));
  scope.spawn(append_after(executor, seconds(1), &out, 'a', scope.stop_token()));
  outer.spawn(scope.join());
  executor.advance(seconds(1));
  EXPECT_EQ(out, "a");
  EXPECT_EQ(outer.running(), 1);
  executor.advance(seconds(1));
  EXPECT_EQ(out, "ab");
  EXPECT_EQ(outer.running(), 0);
}

TEST(Scope, RequestStopWakesSleepers) {
  ManualExecutor executor;
  Scope scope(executor);
  std::string out;
  scope.spawn(append_after(executor, seconds(100), &out, 'a', scope.stop_token()));
  executor.run_until_idle();
  scope.request_stop();
  executor.run_until_idle();
  EXPECT_EQ(out, "!");
  EXPECT_EQ(scope.running(), 0);
}

Task<void> receive_all(Channel<int>& channel, std::vector<int>* out) {
  while (true) {
    const auto value = co_await channel.receive({});
    if (!value) co_return;
    out->push_back(*value);
  }
}

TEST(Channel, DeliversInOrderAndEndsWhenClosed) {
  ManualExecutor executor;
  Scope scope(executor);
  Channel<int> channel(executor, 2);
  std::vector<int> got;
  scope.spawn(receive_all(channel, &got));
  EXPECT_TRUE(channel.try_send(1));
  EXPECT_TRUE(channel.try_send(2));
  EXPECT_FALSE(channel.try_send(3));
  executor.run_until_idle();
  EXPECT_TRUE(channel.try_send(3));
  channel.close();
  executor.run_until_idle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(scope.running(), 0);
}

Task<void> hold(Semaphore& semaphore, Executor& executor, int* most, int* now) {
  const bool have = co_await semaphore.acquire({});
  EXPECT_TRUE(have);
  *most = std::max(*most, ++*now);
  co_await sleep_for(executor, seconds(1), {});
  --*now;
  semaphore.release();
}

TEST(Semaphore, NeverLetsMoreInThanItsPermits) {
  ManualExecutor executor;
  Scope scope(executor);
  Semaphore semaphore(executor, 2);
  int most = 0;
  int now = 0;
  for (int i = 0; i < 7; ++i) scope.spawn(hold(semaphore, executor, &most, &now));
  executor.advance(seconds(10));
  EXPECT_EQ(scope.running(), 0);
  EXPECT_EQ(most, 2);
}

Task<void> compute(IoExecutor& executor, ThreadPool& pool, std::thread::id* ran_on, int* out) {
  const int value = co_await offload(executor, pool, [ran_on] {
    *ran_on = std::this_thread::get_id();
    return 42;
  });
  *out = value;
  executor.stop();
}

TEST(Offload, RunsOnAnotherThreadAndComesBack) {
  IoExecutor executor;
  ThreadPool pool(2);
  Scope scope(executor);
  std::thread::id ran_on;
  int out = 0;
  scope.spawn(compute(executor, pool, &ran_on, &out));
  executor.run();
  EXPECT_EQ(out, 42);
  EXPECT_NE(ran_on, std::this_thread::get_id());
  EXPECT_EQ(scope.running(), 0);
}

TEST(Executor, TimersRunInOrderOfTimeAndCancelledOnesNot) {
  ManualExecutor executor;
  std::string out;
  executor.call_at(executor.steady() + seconds(2), [&] { out += 'b'; });
  executor.call_at(executor.steady() + seconds(1), [&] { out += 'a'; });
  const TimerId gone = executor.call_at(executor.steady() + seconds(1), [&] { out += 'x'; });
  executor.cancel(gone);
  executor.advance(seconds(3));
  EXPECT_EQ(out, "ab");
}

TEST(IoExecutor, EarlierTimerMadeLaterRunsFirst) {
  IoExecutor executor;
  std::string out;
  executor.post([&] {
    executor.call_at(executor.steady() + std::chrono::milliseconds(20), [&] {
      out += 'b';
      executor.stop();
    });
    executor.call_at(executor.steady() + std::chrono::milliseconds(1), [&] { out += 'a'; });
  });
  executor.run();
  EXPECT_EQ(out, "ab");
}

}  // namespace
}  // namespace kpp::async
