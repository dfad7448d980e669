// What a container runtime must do, asked through its socket. Runs beside the runtime (in its
// node), as root:
//   CRI_ENDPOINT  the runtime's socket
//   CRI_IMAGE     an image with a shell, which the runtime has
//   CRI_REGISTRY  the address of a registry as tests/integration/pods/registry.py is one
//   CRI_PRIVATE_REGISTRY  of one that challenges
//   CRI_DIRECTORY where files of the test lie, seen by the runtime too
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "async/scope.h"
#include "async/wait.h"
#include "base/fs.h"
#include "base/ids.h"
#include "kubelet/cri/grpc_runtime.h"
#include "net/client.h"

namespace kpp::kubelet {
namespace {

std::string from_environment(const char* name, const char* otherwise) {
  const char* value = ::getenv(name);
  return value != nullptr ? value : otherwise;
}

#define CO_REQUIRE(result)                                                  \
  do {                                                                      \
    if (!(result)) {                                                        \
      ADD_FAILURE() << #result << ": " << rpc_error_text((result).error()); \
      co_return;                                                            \
    }                                                                       \
  } while (false)
#define CO_EXPECT_OK(status) EXPECT_TRUE((status).ok()) << rpc_error_text(status)

class CriContract : public ::testing::Test {
 public:
  CriContract()
      : runtime_(executor_, from_environment("CRI_ENDPOINT", "")),
        image_(from_environment("CRI_IMAGE", "localhost/busybox:1")),
        directory_(cat(from_environment("CRI_DIRECTORY", "/var/log/pods"), "/contract-",
                       random_suffix(6))) {}

  void SetUp() override {
    if (::getenv("CRI_ENDPOINT") == nullptr) GTEST_SKIP() << "CRI_ENDPOINT names no runtime";
    ASSERT_TRUE(fs::make_directories(directory_).ok());
  }
  void TearDown() override { EXPECT_TRUE(fs::remove_all(directory_).ok()); }

  // Once a test: the task, and then what it left is removed.
  void run(async::Task<void> task) {
    async::Scope scope(executor_);
    scope.spawn(finish(this, std::move(task)));
    executor_.run();
  }

  cri::PodSandboxConfig pod(std::string name) {
    cri::PodSandboxConfig out;
    auto& metadata = out.metadata.emplace();
    metadata.name = name;
    metadata.namespace_ = "contract";
    metadata.uid = uid_;
    out.hostname = name;
    out.log_directory = directory_;
    out.labels = {{"io.kubernetes.pod.name", name}, {"io.kubernetes.pod.uid", uid_}};
    out.annotations = {{"note", "kept"}};
    out.dns_config.emplace().servers = {"10.96.0.10"};
    out.linux.emplace().security_context.emplace().namespace_options.emplace();
    return out;
  }

  cri::ContainerConfig container(std::string name, std::string script) {
    cri::ContainerConfig out;
    out.metadata.emplace().name = name;
    out.image.emplace().image = image_;
    out.command = {"/bin/sh", "-c", std::move(script)};
    out.labels = {{"io.kubernetes.container.name", name}, {"io.kubernetes.pod.uid", uid_}};
    out.annotations = {{"note", "kept"}};
    out.log_path = cat(name, ".log");
    out.linux.emplace().resources.emplace().cpu_shares = 128;
    auto& security = out.linux->security_context.emplace();
    security.namespace_options.emplace().pid = cri::CONTAINER;
    return out;
  }

  // A sandbox with a container that runs in it.
  struct Started {
    std::string sandbox, container;
    cri::PodSandboxConfig config;
  };
  async::Task<Result<Started>> start(std::string name, std::string script) {
    Started out;
    out.config = pod(name);
    auto sandbox = co_await runtime_.run_sandbox(out.config, "", {});
    if (!sandbox) co_return std::unexpected(std::move(sandbox).error());
    out.sandbox = *sandbox;
    auto made = co_await runtime_.create_container(out.sandbox, container("c", std::move(script)),
                                                   out.config, {});
    if (!made) co_return std::unexpected(std::move(made).error());
    out.container = *made;
    Status started = co_await runtime_.start_container(out.container, {});
    if (!started.ok()) co_return std::unexpected(std::move(started));
    co_return out;
  }

  async::Task<cri::ContainerStatus> ended(std::string id) {
    cri::ContainerStatus out;
    for (int asked = 0; asked < 600; ++asked) {
      auto status = co_await runtime_.container_status(id, {});
      if (status && status->state == cri::CONTAINER_EXITED) co_return *status;
      co_await async::sleep_for(executor_, std::chrono::milliseconds(50), {});
    }
    ADD_FAILURE() << "the container does not end";
    co_return out;
  }

  async::Task<std::string> said(std::string id, std::string script) {
    auto answer = co_await runtime_.exec_sync(std::move(id), {"/bin/sh", "-c", std::move(script)},
                                              std::chrono::seconds(20), {});
    if (!answer) co_return rpc_error_text(answer.error());
    co_return cat(answer->stdout, answer->stderr, answer->exit_code == 0 ? "" : "!");
  }

  std::string log(const std::string& name) const {
    return fs::read_file(cat(directory_, "/", name, ".log")).value_or("no log");
  }

  async::IoExecutor executor_;
  GrpcRuntime runtime_;
  const std::string image_;
  const std::string directory_;
  const std::string uid_ = new_uuid();

 private:
  static async::Task<void> finish(CriContract* t, async::Task<void> task) {
    co_await std::move(task);
    co_await clean(t);
    t->executor_.post([t] { t->executor_.stop(); });
  }
  // What a test that failed left.
  static async::Task<void> clean(CriContract* t) {
    cri::PodSandboxFilter filter;
    filter.label_selector["io.kubernetes.pod.uid"] = t->uid_;
    auto left = co_await t->runtime_.list_sandboxes(filter, {});
    for (const auto& sandbox : left.value_or(std::vector<cri::PodSandbox>())) {
      const Status stopped = co_await t->runtime_.stop_sandbox(sandbox.id, {});
      CO_EXPECT_OK(stopped);
      const Status removed = co_await t->runtime_.remove_sandbox(sandbox.id, {});
      CO_EXPECT_OK(removed);
    }
    co_await t->runtime_.close();
  }
};

TEST_F(CriContract, ARuntimeSaysWhatItIsAndThatItIsReady) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      auto version = co_await t->runtime_.version({});
      CO_REQUIRE(version);
      EXPECT_FALSE(version->runtime_name.empty());
      EXPECT_FALSE(version->runtime_version.empty());
      auto status = co_await t->runtime_.status({});
      CO_REQUIRE(status);
      for (const auto& condition : status->status->conditions)
        EXPECT_TRUE(condition.status) << condition.type << ": " << condition.message;
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, ASandboxHasAnAddressItsLabelsAndAnEnd) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      auto id = co_await t->runtime_.run_sandbox(t->pod("p"), "", {});
      CO_REQUIRE(id);
      auto status = co_await t->runtime_.sandbox_status(*id, {});
      CO_REQUIRE(status);
      EXPECT_EQ(status->state, cri::SANDBOX_READY);
      EXPECT_EQ(status->metadata->name, "p");
      EXPECT_EQ(status->metadata->uid, t->uid_);
      EXPECT_EQ(status->labels.at("io.kubernetes.pod.name"), "p");
      EXPECT_EQ(status->annotations.at("note"), "kept");
      EXPECT_TRUE(status->network->ip.contains('.')) << status->network->ip;
      cri::PodSandboxFilter ready;
      ready.label_selector["io.kubernetes.pod.uid"] = t->uid_;
      ready.state.emplace().state = cri::SANDBOX_READY;
      auto listed = co_await t->runtime_.list_sandboxes(ready, {});
      CO_REQUIRE(listed);
      EXPECT_EQ(listed->size(), 1U);
      // Each twice: they are asked for again where an answer was lost.
      for (int i = 0; i < 2; ++i) {
        const Status stopped = co_await t->runtime_.stop_sandbox(*id, {});
        CO_EXPECT_OK(stopped);
      }
      status = co_await t->runtime_.sandbox_status(*id, {});
      CO_REQUIRE(status);
      EXPECT_EQ(status->state, cri::SANDBOX_NOTREADY);
      for (int i = 0; i < 2; ++i) {
        const Status removed = co_await t->runtime_.remove_sandbox(*id, {});
        CO_EXPECT_OK(removed);
      }
      status = co_await t->runtime_.sandbox_status(*id, {});
      EXPECT_FALSE(status);
      if (!status) EXPECT_TRUE(status.error().is(Reason::kNotFound)) << status.error().message();
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, AContainerRunsWritesItsLogAndTellsHowItEnded) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      auto pod = co_await t->start("p", "echo out; echo err >&2; exit 3");
      CO_REQUIRE(pod);
      const cri::ContainerStatus status = co_await t->ended(pod->container);
      EXPECT_EQ(status.exit_code, 3);
      EXPECT_EQ(status.reason, "Error");
      EXPECT_EQ(status.metadata->name, "c");
      EXPECT_EQ(status.labels.at("io.kubernetes.container.name"), "c");
      EXPECT_EQ(status.annotations.at("note"), "kept");
      EXPECT_EQ(status.log_path, cat(t->directory_, "/c.log"));
      EXPECT_GT(status.started_at, 0);
      EXPECT_GE(status.finished_at, status.started_at);
      EXPECT_FALSE(status.image_ref.empty());
      // A container that is told to have ended has its whole log.
      const std::string log = t->log("c");
      EXPECT_NE(log.find(" stdout F out\n"), std::string::npos) << log;
      EXPECT_NE(log.find(" stderr F err\n"), std::string::npos) << log;
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, LongLinesAreWholeInTheLog) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      auto pod = co_await t->start("p", "head -c 50000 /dev/zero | tr '\\0' x; echo; echo end");
      CO_REQUIRE(pod);
      (void)co_await t->ended(pod->container);
      std::size_t letters = 0;
      std::size_t partial = 0;
      const std::string log = t->log("c");
      for (std::size_t at = 0; at < log.size();) {
        const std::size_t end = log.find('\n', at);
        const std::string line = log.substr(at, end - at);
        letters += static_cast<std::size_t>(std::ranges::count(line, 'x'));
        partial += line.contains(" stdout P ") ? 1 : 0;
        at = end + 1;
      }
      EXPECT_EQ(letters, 50000U);
      EXPECT_GE(partial, 3U);
      EXPECT_NE(log.find(" stdout F end\n"), std::string::npos);
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, ALogThatWasMovedAwayGoesOnInANewFile) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      auto pod =
          co_await t->start("p", "echo one; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo two");
      CO_REQUIRE(pod);
      for (int i = 0; i < 100 && !t->log("c").contains("one"); ++i)
        co_await async::sleep_for(t->executor_, std::chrono::milliseconds(50), {});
      const std::string path = cat(t->directory_, "/c.log");
      EXPECT_EQ(::rename(path.c_str(), (path + ".20260101-000000").c_str()), 0);
      const Status reopened = co_await t->runtime_.reopen_container_log(pod->container, {});
      CO_EXPECT_OK(reopened);
      EXPECT_TRUE(fs::exists(path));
      (void)co_await t->said(pod->container, "mkdir -p /tmp; touch /tmp/go");
      (void)co_await t->ended(pod->container);
      const std::string log = t->log("c");
      EXPECT_FALSE(log.contains("one")) << log;
      EXPECT_TRUE(log.contains("stdout F two")) << log;
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, CommandsRunInAContainer) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      auto pod = co_await t->start("p", "sleep 1000");
      CO_REQUIRE(pod);
      auto answer = co_await t->runtime_.exec_sync(
          pod->container, {"/bin/sh", "-c", "echo out; echo err >&2; exit 7"},
          std::chrono::seconds(10), {});
      CO_REQUIRE(answer);
      EXPECT_EQ(answer->stdout, "out\n");
      EXPECT_EQ(answer->stderr, "err\n");
      EXPECT_EQ(answer->exit_code, 7);
      auto late = co_await t->runtime_.exec_sync(pod->container, {"/bin/sleep", "100"},
                                                 std::chrono::seconds(1), {});
      EXPECT_FALSE(late);
      if (!late) EXPECT_TRUE(late.error().is(Reason::kTimeout)) << late.error().message();
      const std::string host = co_await t->said(pod->container, "hostname");
      EXPECT_EQ(host, "p\n");
      const std::string names = co_await t->said(pod->container, "cat /etc/resolv.conf");
      EXPECT_TRUE(names.contains("nameserver 10.96.0.10")) << names;
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, ContainersOfASandboxShareItsNetwork) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      auto pod = co_await t->start("p", "while true; do echo hello | nc -l -p 8080; done");
      CO_REQUIRE(pod);
      auto other = co_await t->runtime_.create_container(
          pod->sandbox, t->container("d", "sleep 1000"), pod->config, {});
      CO_REQUIRE(other);
      const Status started = co_await t->runtime_.start_container(*other, {});
      CO_EXPECT_OK(started);
      std::string heard;
      for (int i = 0; i < 50 && !heard.contains("hello"); ++i)
        heard = co_await t->said(*other, "nc 127.0.0.1 8080 </dev/null || sleep 0.1");
      EXPECT_EQ(heard, "hello\n");
      cri::ContainerFilter filter;
      filter.pod_sandbox_id = pod->sandbox;
      filter.state.emplace().state = cri::CONTAINER_RUNNING;
      auto listed = co_await t->runtime_.list_containers(filter, {});
      CO_REQUIRE(listed);
      EXPECT_EQ(listed->size(), 2U);
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, AContainerThatIgnoresItsSignalIsKilledAfterItsGrace) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      auto pod = co_await t->start("p", "trap '' TERM; while true; do sleep 0.1; done");
      CO_REQUIRE(pod);
      const TimePoint begin = t->executor_.steady();
      const Status stopped = co_await t->runtime_.stop_container(pod->container, 1, {});
      CO_EXPECT_OK(stopped);
      EXPECT_GE(t->executor_.steady() - begin, std::chrono::milliseconds(900));
      const cri::ContainerStatus status = co_await t->ended(pod->container);
      EXPECT_EQ(status.exit_code, 137);
      const Status again = co_await t->runtime_.stop_container(pod->container, 1, {});
      CO_EXPECT_OK(again);
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, StoppingASandboxEndsItsContainersAndRemovingItRemovesThem) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      auto pod = co_await t->start("p", "sleep 1000");
      CO_REQUIRE(pod);
      const Status stopped = co_await t->runtime_.stop_sandbox(pod->sandbox, {});
      CO_EXPECT_OK(stopped);
      (void)co_await t->ended(pod->container);
      const Status removed = co_await t->runtime_.remove_sandbox(pod->sandbox, {});
      CO_EXPECT_OK(removed);
      auto gone = co_await t->runtime_.container_status(pod->container, {});
      EXPECT_FALSE(gone);
      if (!gone) EXPECT_TRUE(gone.error().is(Reason::kNotFound)) << gone.error().message();
      const Status again = co_await t->runtime_.remove_container(pod->container, {});
      CO_EXPECT_OK(again);
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, AProgramThatIsNotThereIsAnErrorOfTheStart) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      const auto config = t->pod("p");
      auto sandbox = co_await t->runtime_.run_sandbox(config, "", {});
      CO_REQUIRE(sandbox);
      auto wrong = t->container("c", "");
      wrong.command = {"/no/such/program"};
      auto made = co_await t->runtime_.create_container(*sandbox, wrong, config, {});
      CO_REQUIRE(made);
      const Status started = co_await t->runtime_.start_container(*made, {});
      EXPECT_FALSE(started.ok());
      EXPECT_TRUE(started.message().contains("no such file or directory")) << started.message();
      const cri::ContainerStatus status = co_await t->ended(*made);
      EXPECT_NE(status.exit_code, 0);
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, ImagesAreListedLookedAtAndMissed) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      cri::ImageSpec spec;
      spec.image = t->image_;
      auto image = co_await t->runtime_.image_status(spec, {});
      CO_REQUIRE(image);
      EXPECT_TRUE(image->has_value());
      if (!image->has_value()) co_return;
      EXPECT_GT((*image)->size, 0U);
      EXPECT_TRUE(std::ranges::find((*image)->repo_tags, t->image_) != (*image)->repo_tags.end());
      auto all = co_await t->runtime_.list_images({});
      CO_REQUIRE(all);
      EXPECT_TRUE(std::ranges::any_of(*all, [&](const auto& i) { return i.id == (*image)->id; }));
      spec.image = "localhost/no-such-image:1";
      auto missing = co_await t->runtime_.image_status(spec, {});
      CO_REQUIRE(missing);
      EXPECT_FALSE(missing->has_value());
      const Status removed = co_await t->runtime_.remove_image(spec, {});
      CO_EXPECT_OK(removed);
      cri::PullImageRequest pull;
      pull.image = spec;
      auto pulled = co_await t->runtime_.pull_image(pull, {});
      EXPECT_FALSE(pulled);
      auto usage = co_await t->runtime_.image_fs_info({});
      CO_REQUIRE(usage);
      EXPECT_FALSE(usage->image_filesystems.empty());
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, ImagesArePulledAndPrivateOnesWithTheirPasswordAlone) {
  const std::string registry = from_environment("CRI_REGISTRY", "");
  const std::string guarded = from_environment("CRI_PRIVATE_REGISTRY", "");
  if (registry.empty() || guarded.empty())
    GTEST_SKIP() << "CRI_REGISTRY or CRI_PRIVATE_REGISTRY names no registry";
  struct Body {
    static async::Task<void> run(CriContract* t, std::string registry, std::string guarded) {
      cri::PullImageRequest plain;
      plain.image.emplace().image = cat(registry, "/fresh:1");
      auto pulled = co_await t->runtime_.pull_image(plain, {});
      CO_REQUIRE(pulled);
      auto image = co_await t->runtime_.image_status(*plain.image, {});
      CO_REQUIRE(image);
      EXPECT_TRUE(image->has_value());
      if (!image->has_value()) co_return;
      const std::string id = (*image)->id;
      // A digest or an id: it leads to the image too.
      cri::ImageSpec answered;
      answered.image = *pulled;
      image = co_await t->runtime_.image_status(answered, {});
      CO_REQUIRE(image);
      EXPECT_TRUE(image->has_value() && (*image)->id == id);
      Status removed = co_await t->runtime_.remove_image(*plain.image, {});
      CO_EXPECT_OK(removed);
      image = co_await t->runtime_.image_status(*plain.image, {});
      CO_REQUIRE(image);
      EXPECT_FALSE(image->has_value());

      cri::PullImageRequest secret;
      secret.image.emplace().image = cat(guarded, "/private:1");
      pulled = co_await t->runtime_.pull_image(secret, {});
      EXPECT_FALSE(pulled) << "without a password";
      secret.auth.emplace().username = "user";
      secret.auth->password = "wrong";
      pulled = co_await t->runtime_.pull_image(secret, {});
      EXPECT_FALSE(pulled) << "with a wrong one";
      secret.auth->password = "password";
      pulled = co_await t->runtime_.pull_image(secret, {});
      CO_REQUIRE(pulled);
      removed = co_await t->runtime_.remove_image(*secret.image, {});
      CO_EXPECT_OK(removed);
      secret.auth.emplace().auth = "dXNlcjpwYXNzd29yZA==";  // user:password
      pulled = co_await t->runtime_.pull_image(secret, {});
      CO_REQUIRE(pulled);
      removed = co_await t->runtime_.remove_image(*secret.image, {});
      CO_EXPECT_OK(removed);
    }
  };
  run(Body::run(this, registry, guarded));
}

TEST_F(CriContract, HostPortsLeadToContainers) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      cri::PodSandboxConfig config = t->pod("ports");
      auto& port = config.port_mappings.emplace_back();
      port.protocol = cri::TCP;
      port.container_port = 8080;
      port.host_port = 35081;
      auto sandbox = co_await t->runtime_.run_sandbox(config, "", {});
      CO_REQUIRE(sandbox);
      auto server = co_await t->runtime_.create_container(
          *sandbox,
          t->container("c",
                       "mkdir -p /www && echo found > /www/index.html && httpd -f -p 8080 -h /www"),
          config, {});
      CO_REQUIRE(server);
      const Status started = co_await t->runtime_.start_container(*server, {});
      CO_EXPECT_OK(started);
      auto other = co_await t->start("asks", "sleep 1000");
      CO_REQUIRE(other);
      // The bridge's address is the node's; the server may take its time.
      const std::string answer = co_await t->said(
          other->container,
          "gateway=$(ip route | busybox sed -n 's/default via \\([0-9.]*\\).*/\\1/p'); for i in 1 "
          "2 3 4 5 6 "
          "7 8 9; do busybox wget -q -O - http://$gateway:35081/ && exit; sleep 0.3; done; exit 1");
      EXPECT_EQ(answer, "found\n");
    }
  };
  run(Body::run(this));
}

TEST_F(CriContract, LimitsOfAContainerCanBeChanged) {
  struct Body {
    static async::Task<void> run(CriContract* t) {
      auto pod = co_await t->start("p", "sleep 1000");
      CO_REQUIRE(pod);
      cri::UpdateContainerResourcesRequest request;
      request.container_id = pod->container;
      auto& limits = request.linux.emplace();
      limits.cpu_shares = 256;
      limits.memory_limit_in_bytes = 64 << 20;
      const Status updated = co_await t->runtime_.update_container_resources(request, {});
      CO_EXPECT_OK(updated);
      auto status = co_await t->runtime_.container_status(pod->container, {});
      CO_REQUIRE(status);
      EXPECT_EQ(status->resources->linux->cpu_shares, 256);
      EXPECT_EQ(status->resources->linux->memory_limit_in_bytes, 64 << 20);
      auto stats = co_await t->runtime_.list_container_stats({});
      CO_REQUIRE(stats);
      const auto own = std::ranges::find_if(
          *stats, [&](const auto& s) { return s.attributes->id == pod->container; });
      EXPECT_TRUE(own != stats->end());
      if (own != stats->end()) EXPECT_GT(own->memory->working_set_bytes->value, 0U);
    }
  };
  run(Body::run(this));
}

}  // namespace
}  // namespace kpp::kubelet
