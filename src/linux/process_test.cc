#include "linux/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/ids.h"

namespace kpp::sys {
namespace {

ProcessSpec shell(std::string script) {
  ProcessSpec spec;
  spec.argv = {"sh", "-c", std::move(script)};
  return spec;
}

TEST(RunProcess, OutputErrorsAndCodeComeBack) {
  const auto result = run_process(shell("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_FALSE(result->ok());
}

TEST(RunProcess, InputLargerThanAPipeArrivesWhole) {
  ProcessSpec spec;
  spec.argv = {"cat"};
  spec.input = std::string(300'000, 'x');
  const auto result = run_process(spec);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, spec.input);
}

TEST(RunProcess, InputMayBeAFile) {
  ProcessSpec spec;
  spec.argv = {"cat"};
  spec.input_file = "/proc/self/comm";
  const auto result = run_process(spec);
  ASSERT_TRUE(result);
  EXPECT_NE(result->out, "");
  spec.input_file = "/no/such/file";
  EXPECT_TRUE(run_process(spec).error().is(Reason::kNotFound));
}

TEST(RunProcess, ChildThatReadsNothingIsNoError) {
  ProcessSpec spec;
  spec.argv = {"true"};
  spec.input = std::string(300'000, 'x');
  const auto result = run_process(spec);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->ok());
}

TEST(RunProcess, OutputBeyondTheLimitIsDropped) {
  ProcessSpec spec = shell("head -c 5000 /dev/zero");
  spec.output_limit = 1000;
  const auto result = run_process(spec);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out.size(), 1000U);
  EXPECT_TRUE(result->truncated);
}

TEST(RunProcess, UnknownProgramIsNotFound) {
  ProcessSpec spec;
  spec.argv = {"no-such-program-here"};
  const auto result = run_process(spec);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(Reason::kNotFound)) << result.error().to_string();
}

TEST(RunProcess, DeadlineEndsTheWholeGroup) {
  ProcessSpec spec = shell("sleep 1000 & echo $!; wait");
  spec.deadline = std::chrono::milliseconds(200);
  const auto result = run_process(spec);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->signal, SIGKILL);
  EXPECT_TRUE(kill_and_wait(std::stoi(result->out), std::chrono::seconds(5)).ok());
}

TEST(RunProcess, DeathBySignalIsReported) {
  const auto result = run_process(shell("kill -TERM $$"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->signal, SIGTERM);
  EXPECT_EQ(result->exit_code, 128 + SIGTERM);
}

TEST(RunProcess, EnvironmentAndDirectoryAreThoseAskedFor) {
  ProcessSpec spec = shell("echo $ONE $HOME; pwd");
  spec.environment = {"ONE=1"};
  spec.place.working_directory = "/usr";
  const auto result = run_process(spec);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "1\n/usr\n");
}

TEST(RunProcess, GrandchildThatKeepsTheOutputOpenIsNotWaitedFor) {
  const auto result = run_process(shell("sleep 1000 & echo $!"));
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->timed_out);
  EXPECT_TRUE(kill_and_wait(std::stoi(result->out), std::chrono::seconds(5)).ok());
}

TEST(RunChecked, FailureCarriesCommandAndReason) {
  const auto result = run_checked(shell("echo no disk >&2; exit 3"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "sh -c echo no disk >&2; exit 3 ended with 3: no disk");
}

TEST(StartDaemon, RunsInItsOwnSessionAndWritesItsLog) {
  const std::string log = cat("/tmp/kpp-daemon-test-", random_suffix(8));
  DaemonSpec spec;
  spec.argv = {"sh", "-c", "echo started; exec sleep 1000"};
  spec.log_file = log;
  const auto pid = start_daemon(spec);
  ASSERT_TRUE(pid) << pid.error().to_string();
  EXPECT_EQ(::getsid(*pid), *pid);
  ASSERT_TRUE(kill_and_wait(*pid, std::chrono::seconds(5)).ok());
  (void)fs::remove_all(log);
}

TEST(ProcessStartTime, NamesTheProcess) {
  const auto own = process_start_time(::getpid());
  ASSERT_TRUE(own);
  EXPECT_GT(*own, 0U);
  EXPECT_FALSE(process_start_time(1 << 30));
}

}  // namespace
}  // namespace kpp::sys
