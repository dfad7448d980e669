#include "controllers/cronjob/cronjob_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

using std::chrono::seconds;

std::int64_t at(int y, unsigned m, unsigned d, int hour, int minute) {
  const auto day =
      std::chrono::sys_days(std::chrono::year(y) / static_cast<int>(m) / static_cast<int>(d));
  return std::chrono::duration_cast<seconds>(day.time_since_epoch()).count() + hour * 3600 +
         minute * 60;
}

TEST(Schedule, NextFollowsTheFields) {
  struct Case {
    const char* text;
    std::int64_t next;
  };
  const std::int64_t from = at(2026, 3, 4, 10, 20);  // a Wednesday
  for (const auto& [text, next] : std::vector<Case>{{"* * * * *", at(2026, 3, 4, 10, 21)},
                                                    {"*/15 * * * *", at(2026, 3, 4, 10, 30)},
                                                    {"0 9 * * *", at(2026, 3, 5, 9, 0)},
                                                    {"0 0 1 * *", at(2026, 4, 1, 0, 0)},
                                                    {"30 6 * * mon-fri", at(2026, 3, 5, 6, 30)},
                                                    {"0 12 * * SUN", at(2026, 3, 8, 12, 0)},
                                                    {"0 0 29 2 *", at(2028, 2, 29, 0, 0)},
                                                    {"0 0 13 * 5", at(2026, 3, 6, 0, 0)},
                                                    {"@hourly", at(2026, 3, 4, 11, 0)},
                                                    {"@weekly", at(2026, 3, 8, 0, 0)},
                                                    {"@every 90m", from + 5400},
                                                    {"5,50-52 10 * * *", at(2026, 3, 4, 10, 50)}}) {
    const auto schedule = Schedule::parse(text);
    ASSERT_TRUE(schedule) << text;
    EXPECT_EQ(schedule->next(from), next) << text;
  }
}

TEST(Schedule, RefusesWhatIsNone) {
  for (const auto* text : {"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "x * * * *",
                           "*/0 * * * *", "5-1 * * * *", "@never", "@every x", "* * * * 7"}) {
    EXPECT_FALSE(Schedule::parse(text)) << text;
  }
}

TEST(Schedule, FollowsTheZonesClock) {
  const auto berlin = TimeZone::load("Europe/Berlin");
  if (!berlin) GTEST_SKIP() << "no zone files on this machine";
  const auto schedule = Schedule::parse("0 9 * * *", *berlin);
  ASSERT_TRUE(schedule);
  EXPECT_EQ(schedule->next(at(2026, 1, 10, 12, 0)), at(2026, 1, 11, 8, 0));
  EXPECT_EQ(schedule->next(at(2026, 7, 10, 12, 0)), at(2026, 7, 11, 7, 0));
}

TEST(TimeZone, NamesThatAreNoneAndFilesThatAreNoneAreRefused) {
  for (const auto* name : {"Nowhere/City", "../passwd", "/etc/passwd"})
    EXPECT_FALSE(TimeZone::load(name)) << name;
  EXPECT_FALSE(TimeZone::parse("TZif2"));
}

class CronJobTest : public testing::ControllerTest {
 protected:
  batchv1::CronJob make_cron() {
    batchv1::CronJob cron;
    cron.metadata.name = "c";
    cron.metadata.namespace_ = "default";
    cron.metadata.creation_timestamp = api::Time::from(executor_.wall());
    cron.spec.schedule = "* * * * *";
    cron.spec.concurrency_policy = "Allow";
    cron.spec.successful_jobs_history_limit = 1;
    cron.spec.failed_jobs_history_limit = 1;
    return cron;
  }
  batchv1::CronJob cron() { return *api_.get<batchv1::CronJob>({"default", "c"}); }
  std::vector<batchv1::Job> jobs() { return api_.all<batchv1::Job>(); }
  void finish(const batchv1::Job& job) {
    api_.edit<batchv1::Job>(api::key_of(job), [this](batchv1::Job& j) {
      auto& c = j.status.conditions.emplace_back();
      c.type = "Complete";
      c.status = "True";
      j.status.start_time = j.status.completion_time = api::Time::from(executor_.wall());
    });
    run();
  }
};

TEST_F(CronJobTest, StartsAJobEachMinute) {
  api_.put(make_cron());
  start<CronJobController>();
  EXPECT_TRUE(jobs().empty());
  advance(seconds(61));
  ASSERT_EQ(jobs().size(), 1u);
  EXPECT_EQ(jobs()[0].metadata.name, cat("c-", cron().status.last_schedule_time->seconds / 60));
  EXPECT_EQ(cron().status.active.size(), 1u);
  advance(seconds(60));
  EXPECT_EQ(jobs().size(), 2u);
}

TEST_F(CronJobTest, ForbidWaitsForTheRunningJob) {
  auto careful = make_cron();
  careful.spec.concurrency_policy = "Forbid";
  api_.put(careful);
  start<CronJobController>();
  advance(seconds(130));
  ASSERT_EQ(jobs().size(), 1u);
  finish(jobs()[0]);
  EXPECT_TRUE(cron().status.last_successful_time);
  advance(seconds(60));
  EXPECT_EQ(jobs().size(), 2u);
}

TEST_F(CronJobTest, ReplaceDeletesTheRunningJob) {
  auto impatient = make_cron();
  impatient.spec.concurrency_policy = "Replace";
  api_.put(impatient);
  start<CronJobController>();
  advance(seconds(61));
  const auto first = jobs().at(0).metadata.name;
  advance(seconds(60));
  ASSERT_EQ(jobs().size(), 1u);
  EXPECT_NE(jobs()[0].metadata.name, first);
}

TEST_F(CronJobTest, FinishedJobsAreKeptUpToTheLimit) {
  api_.put(make_cron());
  start<CronJobController>();
  for (int i = 0; i < 3; ++i) {
    advance(seconds(60));
    for (const auto& job : jobs()) {
      if (job.status.conditions.empty()) finish(job);
    }
  }
  EXPECT_EQ(jobs().size(), 1u);
}

TEST_F(CronJobTest, ASuspendedOneStartsNothing) {
  auto sleeping = make_cron();
  sleeping.spec.suspend = true;
  api_.put(sleeping);
  start<CronJobController>();
  advance(seconds(300));
  EXPECT_TRUE(jobs().empty());
}

}  // namespace
}  // namespace kpp::controllers
