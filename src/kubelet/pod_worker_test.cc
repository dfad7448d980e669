#include "kubelet/pod_worker.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include "base/fs.h"
#include "client/testing/fake_api.h"
#include "kubelet/cri/testing/fake_runtime.h"

namespace kpp::kubelet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class NoDialer final : public Dialer {
 public:
  async::Task<Status> connect_tcp(std::string, int, Duration, async::StopToken) override {
    co_return Status();
  }
  async::Task<Result<HttpAnswer>> get(HttpProbe, Duration, async::StopToken) override {
    HttpAnswer out;
    out.status = 200;
    co_return out;
  }
  async::Task<Result<std::string>> grpc_health(std::string, int, std::string, Duration,
                                               async::StopToken) override {
    co_return std::string("SERVING");
  }
};

corev1::Container container(const std::string& name, const std::string& image = "busybox:1") {
  corev1::Container out;
  out.name = name;
  out.image = image;
  return out;
}

struct PodWorkerTest : ::testing::Test {
  PodWorkerTest() {
    char name[] = "/tmp/kpp-worker-XXXXXX";
    options.root_dir = ::mkdtemp(name);
    options.pod_log_dir = options.root_dir + "/logs";
    options.container_log_dir = options.root_dir + "/links";
    options.node_name = "node1";
    options.cgroups_per_qos = false;
    node.host_ips = {"192.0.2.10"};
    events.start();
  }
  ~PodWorkerTest() override {
    run(stop_all());
    (void)fs::remove_all(options.root_dir);
  }

  async::Task<void> stop_all() {
    if (worker) co_await worker->stop();
    co_await objects.stop();
    co_await events.stop();
  }
  void run(async::Task<void> task) {
    scope.spawn(std::move(task));
    settle();
  }
  // Everything that is ready has run, on the executor and on the pool.
  void settle() {
    for (int i = 0; i < 60; ++i) {
      executor.run_until_idle();
      std::promise<void> drained;
      pool.post([&] { drained.set_value(); });
      drained.get_future().wait();
    }
    executor.run_until_idle();
  }
  void advance(Duration time) {
    constexpr Duration kStep = milliseconds(500);
    for (Duration passed(0); passed < time; passed += kStep) {
      executor.advance(kStep);
      if (worker) worker->poke();  // as the relist does
      settle();
    }
  }
  void start(corev1::Pod pod) {
    pod.metadata.name = "p";
    pod.metadata.namespace_ = "ns";
    pod.metadata.uid = "uid1";
    pod.metadata.generation = 1;
    pod.spec.node_name = "node1";
    if (pod.spec.restart_policy.empty()) pod.spec.restart_policy = "Always";
    api.put(pod);
    worker = std::make_unique<PodWorker>(
        deps, std::make_shared<const corev1::Pod>(*api.get<corev1::Pod>(key)),
        [this](const std::string&) { done = true; });
    worker->start();
    settle();
  }
  corev1::PodStatus status() { return api.get<corev1::Pod>(key)->status; }
  std::string condition(const std::string& type) {
    for (const auto& c : status().conditions) {
      if (c.type == type) return cat(c.status, c.reason.empty() ? "" : " ", c.reason);
    }
    return {};
  }
  bool called(const std::string& call) {
    return std::ranges::find(runtime.calls, call) != runtime.calls.end();
  }
  bool has_event(const std::string& reason, const std::string& message) {
    for (const auto& e : api.all<corev1::Event>("ns")) {
      if (e.reason == reason && e.message == message) return true;
    }
    return false;
  }
  void remove_pod(std::int64_t grace) {
    api.edit<corev1::Pod>(key, [&](corev1::Pod& pod) {
      pod.metadata.deletion_timestamp = api::Time::from(executor.wall());
      pod.metadata.deletion_grace_period_seconds = grace;
      ++pod.metadata.generation;
    });
    worker->update(std::make_shared<const corev1::Pod>(*api.get<corev1::Pod>(key)));
    settle();
  }

  const api::ObjectKey key{"ns", "p"};
  async::ManualExecutor executor;
  async::ThreadPool pool{1};
  LogSink sink{2};
  Logger log{sink, "test"};
  client::testing::FakeApi api{executor};
  client::Client client{api.transport(), "kubelet"};
  testing::FakeRuntime runtime{executor};
  KubeletOptions options;
  NodeFacts node;
  client::EventRecorder events{executor, client, log, "kubelet", "node1"};
  Images images{executor, runtime};
  ConfigObjects objects{executor, client, log, [this](const std::string&) {
                          if (worker) worker->poke();
                        }};
  Tokens tokens{executor, client};
  PodCgroups cgroups{executor, pool, options};
  NoDialer dialer;
  Allocations allocations{executor, pool, log, options.root_dir + "/allocated_pods_state"};
  PodDeps deps{executor, pool,    runtime, client,      events,
               log,      options, node,    images,      objects,
               tokens,   cgroups, dialer,  allocations, [] { return Services(); }};
  async::Scope scope{executor};
  bool done = false;
  std::unique_ptr<PodWorker> worker;
};

TEST_F(PodWorkerTest, APodComesToRun) {
  corev1::Pod pod;
  pod.spec.containers = {container("a"), container("b")};
  start(pod);
  EXPECT_EQ(runtime.running(), 2);
  EXPECT_EQ(status().phase, "Running");
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_EQ(condition("PodReadyToStartContainers"), "True");
  EXPECT_FALSE(status().pod_ip.empty());
  EXPECT_EQ(status().host_ip, "192.0.2.10");
  EXPECT_TRUE(has_event("Started", "Container started"));
  EXPECT_TRUE(has_event(
      "Pulled",
      "Container image \"busybox:1\" already present on machine and can be accessed by the pod"));
}

TEST_F(PodWorkerTest, InitContainersRunInOrderBeforeTheOthers) {
  corev1::Pod pod;
  pod.spec.init_containers = {container("i1"), container("i2")};
  pod.spec.containers = {container("c")};
  runtime.programs["i1"].ends_after = seconds(2);
  runtime.programs["i2"].ends_after = seconds(2);
  start(pod);
  EXPECT_EQ(condition("Initialized"), "False ContainersNotInitialized");
  EXPECT_EQ(status().container_statuses.at(0).state.waiting->reason, "PodInitializing");
  EXPECT_FALSE(called("start i2"));
  advance(seconds(3));
  EXPECT_TRUE(called("start i2"));
  EXPECT_FALSE(called("start c"));
  advance(seconds(3));
  EXPECT_EQ(status().phase, "Running");
  EXPECT_EQ(condition("Initialized"), "True");
}

TEST_F(PodWorkerTest, ACrashingContainerIsRestartedAtOnceThenAfterTenSeconds) {
  corev1::Pod pod;
  pod.spec.containers = {container("c")};
  runtime.programs["c"] = {.ends_after = milliseconds(100), .exit_code = 1};
  start(pod);
  advance(seconds(2));
  ASSERT_TRUE(status().container_statuses.at(0).state.waiting);
  EXPECT_EQ(status().container_statuses[0].state.waiting->reason, "CrashLoopBackOff");
  EXPECT_EQ(status().container_statuses[0].state.waiting->message,
            "back-off 10s restarting failed container=c pod=p_ns(uid1)");
  EXPECT_EQ(status().container_statuses[0].restart_count, 1);
  EXPECT_EQ(status().container_statuses[0].last_state.terminated->exit_code, 1);
  EXPECT_EQ(status().phase, "Running");
  advance(seconds(11));
  EXPECT_EQ(status().container_statuses[0].restart_count, 2);
  EXPECT_EQ(status().container_statuses[0].state.waiting->message,
            "back-off 20s restarting failed container=c pod=p_ns(uid1)");
  EXPECT_EQ(runtime.containers(), 2u);  // older ones are removed
}

TEST_F(PodWorkerTest, AnImageThatIsNotThereBacksOff) {
  corev1::Pod pod;
  pod.spec.containers = {container("c", "nope:1")};
  runtime.pull_errors["nope:1"] = Status(Reason::kNotFound, "no such image");
  start(pod);
  const std::string why = "rpc error: code = NotFound desc = no such image";
  EXPECT_TRUE(has_event("Failed", "Failed to pull image \"nope:1\": " + why));
  EXPECT_TRUE(has_event("Failed", "Error: ErrImagePull"));
  advance(seconds(1));
  ASSERT_TRUE(status().container_statuses.at(0).state.waiting);
  EXPECT_EQ(status().container_statuses[0].state.waiting->reason, "ImagePullBackOff");
  EXPECT_EQ(status().container_statuses[0].state.waiting->message,
            "Back-off pulling image \"nope:1\": ErrImagePull: " + why);
  EXPECT_EQ(status().phase, "Pending");
  runtime.pull_errors.clear();
  advance(seconds(11));
  EXPECT_EQ(status().phase, "Running");
}

TEST_F(PodWorkerTest, DeletionEndsContainersThenThePod) {
  corev1::Pod pod;
  pod.spec.containers = {container("c")};
  runtime.programs["c"].term_delay = seconds(3);
  start(pod);
  remove_pod(10);
  EXPECT_TRUE(called("stop c 10"));
  EXPECT_TRUE(has_event("Killing", "Stopping container c"));
  EXPECT_TRUE(api.get<corev1::Pod>(key));
  advance(seconds(4));
  EXPECT_FALSE(api.get<corev1::Pod>(key));
  worker->removed();
  settle();
  EXPECT_TRUE(done);
  EXPECT_EQ(runtime.sandboxes(), 0u);
}

TEST_F(PodWorkerTest, AShorterGracePeriodCounts) {
  corev1::Pod pod;
  pod.spec.containers = {container("c")};
  runtime.programs["c"].term_delay = seconds(1000);
  start(pod);
  remove_pod(600);
  advance(seconds(2));
  EXPECT_EQ(runtime.running(), 1);
  remove_pod(3);
  advance(seconds(5));
  EXPECT_EQ(runtime.running(), 0);
}

TEST_F(PodWorkerTest, ACompletedPodSucceedsAndStays) {
  corev1::Pod pod;
  pod.spec.restart_policy = "Never";
  pod.spec.containers = {container("c")};
  runtime.programs["c"] = {.ends_after = seconds(1)};
  start(pod);
  advance(seconds(3));
  EXPECT_EQ(status().phase, "Succeeded");
  EXPECT_EQ(condition("Ready"), "False PodCompleted");
  EXPECT_EQ(condition("Initialized"), "True PodCompleted");
  EXPECT_EQ(condition("PodReadyToStartContainers"), "False");
  EXPECT_FALSE(done);
}

TEST_F(PodWorkerTest, RunningContainersAreTakenOver) {
  corev1::Pod pod;
  pod.spec.containers = {container("c")};
  start(pod);
  const std::string id = runtime.newest("c")->id;
  run(worker->stop());
  worker = std::make_unique<PodWorker>(
      deps, std::make_shared<const corev1::Pod>(*api.get<corev1::Pod>(key)),
      [this](const std::string&) { done = true; });
  worker->start();
  settle();
  EXPECT_EQ(runtime.newest("c")->id, id);
  EXPECT_EQ(runtime.containers(), 1u);
  EXPECT_EQ(status().container_statuses.at(0).restart_count, 0);
  EXPECT_EQ(status().phase, "Running");
}

TEST_F(PodWorkerTest, AFailedLivenessProbeRestartsTheContainer) {
  corev1::Pod pod;
  corev1::Container c = container("c");
  auto& probe = c.liveness_probe.emplace();
  probe.handler.exec.emplace().command = {"check"};
  probe.period_seconds = 1;
  probe.failure_threshold = 2;
  pod.spec.containers = {c};
  pod.spec.termination_grace_period_seconds = 1;
  int bad = 0;
  runtime.on_exec = [&](const std::string&, const std::vector<std::string>&) {
    cri::ExecSyncResponse out;
    if (bad++ < 2) {
      out.exit_code = 1;
      out.stdout = "broken";
    }
    return out;
  };
  start(pod);
  advance(seconds(5));
  EXPECT_TRUE(has_event("Unhealthy", "Liveness probe failed: broken"));
  EXPECT_TRUE(has_event("Killing", "Container c failed liveness probe, will be restarted"));
  EXPECT_EQ(status().container_statuses.at(0).restart_count, 1);
}

TEST_F(PodWorkerTest, AProgramHasAMomentBeforeItIsAskedWhetherItIsReady) {
  corev1::Pod pod;
  corev1::Container c = container("c");
  auto& probe = c.readiness_probe.emplace();
  probe.handler.exec.emplace().command = {"check"};
  probe.period_seconds = 10;
  pod.spec.containers = {c};
  int asked = 0;
  runtime.on_exec = [&](const std::string&, const std::vector<std::string>&) {
    ++asked;
    return cri::ExecSyncResponse();
  };
  start(pod);
  EXPECT_EQ(asked, 0);
  advance(seconds(1));
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(status().container_statuses.at(0).ready);
}

TEST_F(PodWorkerTest, AMissingConfigMapHoldsThePodUpUntilItIsThere) {
  corev1::Pod pod;
  corev1::Container c = container("c");
  corev1::VolumeMount mount;
  mount.name = "v";
  mount.mount_path = "/v";
  c.volume_mounts = {mount};
  pod.spec.containers = {c};
  corev1::Volume volume;
  volume.name = "v";
  volume.volume_source.config_map.emplace().local_object_reference.name = "cm";
  pod.spec.volumes = {volume};
  start(pod);
  EXPECT_TRUE(has_event("FailedMount",
                        "MountVolume.SetUp failed for volume \"v\" : configmap \"cm\" not found"));
  corev1::ConfigMap map;
  map.metadata.name = "cm";
  map.metadata.namespace_ = "ns";
  map.data["k"] = "value";
  api.put(map);
  advance(seconds(3));
  EXPECT_EQ(runtime.running(), 1);
  EXPECT_EQ(*fs::read_file(options.root_dir + "/pods/uid1/volumes/kubernetes.io~configmap/v/k"),
            "value");
}

// The pod's container asks for another amount of CPU.
void ask_for_cpu(corev1::Pod& pod, const std::string& amount) {
  pod.spec.containers[0].resources.requests["cpu"] = api::Quantity(amount);
  ++pod.metadata.generation;
}

TEST_F(PodWorkerTest, AResizeThatFitsGoesThroughWithoutARestart) {
  node.allocatable["cpu"] = api::Quantity("2");
  corev1::Pod pod;
  pod.spec.containers = {container("a")};
  pod.spec.containers[0].resources.requests["cpu"] = api::Quantity("100m");
  start(pod);
  api.edit<corev1::Pod>(key, [](corev1::Pod& p) { ask_for_cpu(p, "900m"); });
  worker->update(std::make_shared<const corev1::Pod>(*api.get<corev1::Pod>(key)));
  settle();
  EXPECT_EQ(status().container_statuses[0].allocated_resources["cpu"].text, "900m");
  EXPECT_EQ(status().container_statuses[0].resources->requests["cpu"].text, "900m");
  EXPECT_EQ(status().container_statuses[0].restart_count, 0);
  EXPECT_EQ(condition("PodResizeInProgress"), "");
  EXPECT_TRUE(has_event("ResizeCompleted",
                        "Pod resize completed: {\"containers\":[{\"name\":\"a\",\"resources\":"
                        "{\"requests\":{\"cpu\":\"900m\"}}}],\"generation\":2}"));
}

TEST_F(PodWorkerTest, AResizeThatFindsNoRoomWaitsForIt) {
  node.allocatable["cpu"] = api::Quantity("2");
  corev1::Pod other;
  other.spec.containers = {container("x")};
  other.spec.containers[0].resources.requests["cpu"] = api::Quantity("1500m");
  std::vector<PodRef> others{std::make_shared<const corev1::Pod>(other)};
  deps.others = [&others](const std::string&) { return others; };
  corev1::Pod pod;
  pod.spec.containers = {container("a")};
  pod.spec.containers[0].resources.requests["cpu"] = api::Quantity("100m");
  start(pod);
  api.edit<corev1::Pod>(key, [](corev1::Pod& p) { ask_for_cpu(p, "900m"); });
  worker->update(std::make_shared<const corev1::Pod>(*api.get<corev1::Pod>(key)));
  settle();
  EXPECT_EQ(condition("PodResizePending"), "True Deferred");
  EXPECT_EQ(status().container_statuses[0].allocated_resources["cpu"].text, "100m");
  EXPECT_TRUE(worker->waits_for_room());
  others.clear();
  worker->poke();
  settle();
  EXPECT_EQ(condition("PodResizePending"), "");
  EXPECT_EQ(status().container_statuses[0].allocated_resources["cpu"].text, "900m");
}

TEST_F(PodWorkerTest, AResizeBeyondTheNodeIsInfeasible) {
  node.allocatable["cpu"] = api::Quantity("2");
  corev1::Pod pod;
  pod.spec.containers = {container("a")};
  start(pod);
  api.edit<corev1::Pod>(key, [](corev1::Pod& p) { ask_for_cpu(p, "64"); });
  worker->update(std::make_shared<const corev1::Pod>(*api.get<corev1::Pod>(key)));
  settle();
  EXPECT_EQ(condition("PodResizePending"), "True Infeasible");
}

TEST_F(PodWorkerTest, AnEvictedPodFailsAtOnce) {
  corev1::Pod pod;
  pod.spec.containers = {container("a")};
  start(pod);
  worker->evict("Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ");
  settle();
  EXPECT_EQ(status().phase, "Failed");
  EXPECT_EQ(status().reason, "Evicted");
  EXPECT_TRUE(called("stop a 2") || called("stop a 1"));
}

}  // namespace
}  // namespace kpp::kubelet
