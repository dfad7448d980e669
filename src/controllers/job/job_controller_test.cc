#include "controllers/job/job_controller.h"

#include "controllers/job/ttl_after_finished_controller.h"
#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

using std::chrono::seconds;

class JobTest : public testing::ControllerTest {
 protected:
  batchv1::Job make_job() {
    batchv1::Job job;
    job.metadata.name = "j";
    job.metadata.namespace_ = "default";
    job.spec.parallelism = 1;
    job.spec.completions = 1;
    job.spec.backoff_limit = 1;
    job.spec.completion_mode = "NonIndexed";
    job.spec.selector.ensure().match_labels = {{"job-name", "j"}};
    job.spec.template_.metadata.labels = {{"job-name", "j"}};
    job.spec.template_.spec.containers.emplace_back().name = "c";
    job.spec.template_.spec.restart_policy = "Never";
    return job;
  }
  batchv1::Job job() { return *api_.get<batchv1::Job>({"default", "j"}); }
  std::vector<corev1::Pod> pods() { return api_.all<corev1::Pod>(); }
  std::vector<corev1::Pod> active() {
    auto out = pods();
    std::erase_if(out, [](const auto& p) {
      return p.status.phase == "Succeeded" || p.status.phase == "Failed" ||
             p.metadata.deletion_timestamp;
    });
    return out;
  }
  void end(const corev1::Pod& pod, const std::string& phase, int exit_code = 0) {
    api_.edit<corev1::Pod>(api::key_of(pod), [&](corev1::Pod& p) {
      p.spec.node_name = "n1";
      p.status.phase = phase;
      auto& status = p.status.container_statuses.emplace_back();
      status.name = "c";
      status.state.terminated.ensure().exit_code = exit_code;
      status.state.terminated->finished_at = api::Time::from(executor_.wall());
    });
    run();
  }
  bool has_event(const std::string& text) {
    const auto all = events();
    return std::find(all.begin(), all.end(), text) != all.end();
  }
  std::string condition(const char* type) {
    const auto status = job().status;
    const auto* c = job_condition(status, type);
    return c ? cat(c->status, " ", c->reason, ": ", c->message) : "none";
  }
};

TEST_F(JobTest, CompletesWhenItsPodSucceeds) {
  api_.put(make_job());
  start<JobController>();
  ASSERT_EQ(pods().size(), 1u);
  EXPECT_TRUE(has_tracking_finalizer(pods()[0]));
  EXPECT_EQ(job().status.active, 1);
  EXPECT_TRUE(job().status.start_time);
  end(pods()[0], "Succeeded");
  EXPECT_EQ(job().status.succeeded, 1);
  EXPECT_EQ(job().status.active, 0);
  EXPECT_TRUE(job().status.completion_time);
  EXPECT_EQ(condition("SuccessCriteriaMet"),
            "True CompletionsReached: Reached expected number of succeeded pods");
  EXPECT_EQ(condition("Complete"),
            "True CompletionsReached: Reached expected number of succeeded pods");
  EXPECT_FALSE(has_tracking_finalizer(pods()[0]));
  EXPECT_TRUE(has_event("Normal Completed Job/j: Job completed"));
}

TEST_F(JobTest, AFailureWaitsBeforeTheNextPodAndTheLimitEndsIt) {
  api_.put(make_job());
  start<JobController>();
  end(pods()[0], "Failed", 2);
  EXPECT_EQ(job().status.failed, 1);
  EXPECT_TRUE(active().empty());
  advance(seconds(9));
  EXPECT_TRUE(active().empty());
  advance(seconds(2));
  ASSERT_EQ(active().size(), 1u);
  end(active()[0], "Failed", 2);
  EXPECT_EQ(job().status.failed, 2);
  EXPECT_EQ(condition("FailureTarget"),
            "True BackoffLimitExceeded: Job has reached the specified backoff limit");
  EXPECT_EQ(condition("Failed"),
            "True BackoffLimitExceeded: Job has reached the specified backoff limit");
  EXPECT_TRUE(
      has_event("Warning BackoffLimitExceeded Job/j: Job has reached the specified backoff limit"));
}

TEST_F(JobTest, AContainerThatWasStartedAgainHasASecondBeforeTheLimitEndsTheJob) {
  auto restarts = make_job();
  restarts.spec.template_.spec.restart_policy = "OnFailure";
  api_.put(restarts);
  start<JobController>();
  api_.edit<corev1::Pod>(api::key_of(pods().at(0)), [](corev1::Pod& p) {
    p.spec.node_name = "n1";
    p.status.phase = "Running";
    auto& status = p.status.container_statuses.emplace_back();
    status.name = "c";
    status.restart_count = 1;
    status.state.running.ensure();
  });
  run();
  EXPECT_EQ(condition("Failed"), "none");
  EXPECT_EQ(active().size(), 1U);
  advance(seconds(1));
  EXPECT_TRUE(active().empty());
}

TEST_F(JobTest, KeepsParallelismAndStopsAtCompletions) {
  auto wide = make_job();
  wide.spec.parallelism = 2;
  wide.spec.completions = 3;
  api_.put(wide);
  start<JobController>();
  EXPECT_EQ(active().size(), 2u);
  end(active()[0], "Succeeded");
  EXPECT_EQ(active().size(), 2u);
  end(active()[0], "Succeeded");
  EXPECT_EQ(active().size(), 1u);
  end(active()[0], "Succeeded");
  EXPECT_TRUE(active().empty());
  EXPECT_EQ(job().status.succeeded, 3);
}

TEST_F(JobTest, IndexedPodsCarryTheirIndex) {
  auto indexed = make_job();
  indexed.spec.completion_mode = "Indexed";
  indexed.spec.completions = 2;
  indexed.spec.parallelism = 2;
  api_.put(indexed);
  start<JobController>();
  ASSERT_EQ(pods().size(), 2u);
  for (const auto& pod : pods()) {
    const auto index = pod.metadata.annotations.at("batch.kubernetes.io/job-completion-index");
    EXPECT_EQ(pod.spec.hostname, "j-" + index);
    EXPECT_TRUE(pod.metadata.name.starts_with("j-" + index + "-"));
    EXPECT_EQ(pod.spec.containers[0].env[0].name, "JOB_COMPLETION_INDEX");
    end(pod, "Succeeded");
  }
  EXPECT_EQ(job().status.completed_indexes, "0,1");
  EXPECT_EQ(job().status.succeeded, 2);
  EXPECT_TRUE(is_finished(job()));
}

TEST_F(JobTest, FailedIndexesFailTheJobOnceTheOthersAreDone) {
  auto indexed = make_job();
  indexed.spec.completion_mode = "Indexed";
  indexed.spec.completions = indexed.spec.parallelism = 2;
  indexed.spec.backoff_limit = 100;
  indexed.spec.backoff_limit_per_index = 1;
  api_.put(indexed);
  start<JobController>();
  const auto of_index = [this](const std::string& index) {
    for (const auto& pod : active()) {
      if (pod.metadata.annotations.at("batch.kubernetes.io/job-completion-index") == index)
        return pod;
    }
    ADD_FAILURE() << "no pod of index " << index;
    return corev1::Pod();
  };
  end(of_index("1"), "Failed", 1);
  EXPECT_EQ(active().size(), 1u);
  advance(seconds(11));
  ASSERT_EQ(active().size(), 2u);
  EXPECT_EQ(of_index("1").metadata.annotations.at("batch.kubernetes.io/job-index-failure-count"),
            "1");
  end(of_index("1"), "Failed", 1);
  EXPECT_EQ(job().status.failed_indexes, "1");
  EXPECT_FALSE(is_finished(job()));
  end(of_index("0"), "Succeeded");
  EXPECT_EQ(condition("Failed"), "True FailedIndexes: Job has failed indexes");
  EXPECT_EQ(job().status.failed, 2);
}

TEST_F(JobTest, PodFailurePolicyFailsTheJobAtOnce) {
  auto strict = make_job();
  strict.spec.backoff_limit = 5;
  auto& rule = strict.spec.pod_failure_policy.ensure().rules.emplace_back();
  rule.action = "FailJob";
  rule.on_exit_codes.ensure().operator_ = "In";
  rule.on_exit_codes->values = {42};
  api_.put(strict);
  start<JobController>();
  const auto name = pods()[0].metadata.name;
  end(pods()[0], "Failed", 42);
  EXPECT_EQ(condition("Failed"), cat("True PodFailurePolicy: Container c for pod default/", name,
                                     " failed with exit code 42 matching FailJob rule at index 0"));
}

TEST_F(JobTest, IgnoredFailuresDoNotCount) {
  auto lenient = make_job();
  lenient.spec.backoff_limit = 0;
  auto& rule = lenient.spec.pod_failure_policy.ensure().rules.emplace_back();
  rule.action = "Ignore";
  auto& pattern = rule.on_pod_conditions.emplace_back();
  pattern.type = "DisruptionTarget";
  pattern.status = "True";
  api_.put(lenient);
  start<JobController>();
  api_.edit<corev1::Pod>(api::key_of(pods()[0]), [](corev1::Pod& p) {
    auto& c = p.status.conditions.emplace_back();
    c.type = "DisruptionTarget";
    c.status = "True";
  });
  end(pods()[0], "Failed", 137);
  EXPECT_FALSE(is_finished(job()));
  EXPECT_EQ(job().status.failed, 0);
  advance(seconds(11));
  EXPECT_EQ(active().size(), 1u);
}

TEST_F(JobTest, SuspensionTakesThePodsAndResumingBringsThemBack) {
  api_.put(make_job());
  start<JobController>();
  const auto suspend = [this](bool value) {
    api_.edit<batchv1::Job>({"default", "j"}, [&](batchv1::Job& j) { j.spec.suspend = value; });
    run();
  };
  suspend(true);
  EXPECT_TRUE(active().empty());
  EXPECT_EQ(condition("Suspended"), "True JobSuspended: Job suspended");
  EXPECT_EQ(job().status.active, 0);
  suspend(false);
  advance(seconds(30));
  EXPECT_EQ(active().size(), 1u);
  EXPECT_EQ(condition("Suspended"), "False JobResumed: Job resumed");
}

TEST_F(JobTest, TheDeadlineEndsRunningPods) {
  auto short_lived = make_job();
  short_lived.spec.active_deadline_seconds = 5;
  api_.put(short_lived);
  start<JobController>();
  advance(seconds(6));
  EXPECT_TRUE(active().empty());
  EXPECT_EQ(condition("Failed"),
            "True DeadlineExceeded: Job was active longer than specified deadline");
  EXPECT_EQ(job().status.failed, 1);
}

TEST_F(JobTest, SuccessPolicyEndsTheJobEarly) {
  auto indexed = make_job();
  indexed.spec.completion_mode = "Indexed";
  indexed.spec.completions = indexed.spec.parallelism = 3;
  indexed.spec.success_policy.ensure().rules.emplace_back().succeeded_indexes = "0";
  api_.put(indexed);
  start<JobController>();
  for (const auto& pod : active()) {
    if (pod.spec.hostname == "j-0") end(pod, "Succeeded");
  }
  EXPECT_TRUE(active().empty());
  EXPECT_EQ(condition("Complete"), "True SuccessPolicy: Matched rules at index 0");
  EXPECT_EQ(job().status.succeeded, 1);
}

TEST_F(JobTest, PodsOfADeletedJobLoseTheirFinalizer) {
  api_.put(make_job());
  start<JobController>();
  ASSERT_TRUE(has_tracking_finalizer(pods()[0]));
  api_.erase<batchv1::Job>({"default", "j"});
  run();
  EXPECT_FALSE(has_tracking_finalizer(pods()[0]));
}

TEST_F(JobTest, AJobThatAnotherControllerManagesIsLeftAlone) {
  auto foreign = make_job();
  foreign.spec.managed_by = "example.com/queue";
  api_.put(foreign);
  start<JobController>();
  EXPECT_TRUE(pods().empty());
}

TEST_F(JobTest, AFinishedJobGoesWhenItsTimeIsOver) {
  auto brief = make_job();
  brief.spec.ttl_seconds_after_finished = 6;
  api_.put(brief);
  start_all(std::make_unique<JobController>(context()),
            std::make_unique<TtlAfterFinishedController>(context()));
  end(pods()[0], "Succeeded");
  advance(seconds(5));
  EXPECT_FALSE(job().metadata.deletion_timestamp);
  advance(seconds(2));
  const auto left = api_.get<batchv1::Job>({"default", "j"});
  EXPECT_TRUE(!left || left->metadata.deletion_timestamp);
}

}  // namespace
}  // namespace kpp::controllers
