#include "dockershim/docker_objects.h"

#include <gtest/gtest.h>

#include "dockershim/containers.h"
#include "dockershim/engine.h"
#include "dockershim/images.h"
#include "dockershim/sandboxes.h"

namespace kpp::dockershim {
namespace {

json::Value parsed(std::string_view text) { return json::parse(text).value(); }

TEST(Nanoseconds, SurviveTheirText) {
  const std::int64_t time = parse_nanoseconds("2026-11-25T19:40:54.174796027Z");
  EXPECT_EQ(time % 1'000'000'000, 174796027);
  EXPECT_EQ(nanoseconds_text(time), "2026-11-25T19:40:54.174796027Z");
  EXPECT_EQ(parse_nanoseconds("2026-11-25T19:40:54.1Z") % 1'000'000'000, 100'000'000);
  EXPECT_EQ(parse_nanoseconds("0001-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_nanoseconds("soon"), 0);
}

cri::ContainerStatus status_of(std::string_view state) {
  return container_status(parse_container(
      parsed(cat(R"({"Id":"1","Name":"/k8s_c_p_n_u_1","Created":"2026-11-25T19:40:54Z","State":)",
                 state, "}"))));
}

TEST(ContainerStatus, TellsHowAContainerEnded) {
  EXPECT_EQ(status_of(R"({"Running":true,"StartedAt":"2026-11-25T19:40:55Z"})").state,
            cri::CONTAINER_RUNNING);
  EXPECT_EQ(status_of(R"({"ExitCode":0,"FinishedAt":"0001-01-01T00:00:00Z"})").state,
            cri::CONTAINER_CREATED);
  const auto ended = status_of(R"({"ExitCode":3,"FinishedAt":"2026-11-25T19:40:56Z"})");
  EXPECT_EQ(ended.state, cri::CONTAINER_EXITED);
  EXPECT_EQ(ended.reason, "Error");
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_EQ(
      status_of(R"({"OOMKilled":true,"ExitCode":137,"FinishedAt":"2026-11-25T19:40:56Z"})").reason,
      "OOMKilled");
  const auto never = status_of(R"({"ExitCode":127,"Error":"no such file"})");
  EXPECT_EQ(never.reason, "ContainerCannotRun");
  EXPECT_EQ(never.message, "no such file");
  EXPECT_EQ(never.finished_at, never.created_at);
  EXPECT_EQ(never.metadata->attempt, 1U);
}

TEST(ContainerStatus, EndsNotBeforeItsStart) {
  const auto ended =
      status_of(R"({"StartedAt":"2026-11-25T19:40:56.2Z","FinishedAt":"2026-11-25T19:40:56.1Z"})");
  EXPECT_EQ(ended.state, cri::CONTAINER_EXITED);
  EXPECT_EQ(ended.finished_at, ended.started_at);
}

TEST(EngineVersion, IsTheNewestThatBothSpeak) {
  EXPECT_EQ(choose_version(parsed(R"({"ApiVersion":"1.41","MinAPIVersion":"1.12"})"))->spoken, 41);
  EXPECT_EQ(choose_version(parsed(R"({"ApiVersion":"1.50","MinAPIVersion":"1.24"})"))->spoken, 45);
}

TEST(EngineVersion, ThatIsTooOldOrTooNewIsRefusedWithBothSides) {
  const auto old =
      choose_version(parsed(R"({"Version":"18.06","ApiVersion":"1.38","MinAPIVersion":"1.12"})"));
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().message(),
            "docker 18.06 speaks API versions 1.12 to 1.38; cri-dockerd needs one of 1.40 to 1.45");
  EXPECT_FALSE(choose_version(parsed(R"({"ApiVersion":"1.60","MinAPIVersion":"1.50"})")));
  EXPECT_FALSE(choose_version(parsed("{}")));
}

TEST(ImageOfDocker, WithoutANameHasNone) {
  const cri::Image image = parse_image(parsed(
      R"({"Id":"sha256:1","RepoTags":["<none>:<none>"],"RepoDigests":["a@sha256:2"],"Size":7})"));
  EXPECT_TRUE(image.repo_tags.empty());
  EXPECT_EQ(image.repo_digests, std::vector<std::string>{"a@sha256:2"});
  EXPECT_EQ(image.size, 7U);
  EXPECT_EQ(image_ref(image.id, image.repo_digests), "docker-pullable://a@sha256:2");
  EXPECT_EQ(image_ref(image.id, {}), "docker://sha256:1");
}

TEST(PodAddresses, AreTheLocalOnesOfTheNamespaceThatAreNoLoopback) {
  constexpr std::string_view kTrie =
      "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n"
      "        |-- 10.244.0.7\n           /32 host LOCAL\n        |-- 10.244.0.255\n"
      "           /32 link BROADCAST\n     |-- 127.0.0.1\n        /32 host LOCAL\n"
      "Local:\n        |-- 10.244.0.7\n           /32 host LOCAL\n";
  constexpr std::string_view kV6 =
      "fd000000000000000000000000000005 02 40 00 80     eth0\n"
      "fe800000000000000000000000000001 02 40 20 80     eth0\n"
      "00000000000000000000000000000001 01 80 10 80       lo\n";
  EXPECT_EQ(parse_addresses(kTrie, kV6),
            (std::vector<std::string>{"10.244.0.7", "fd00:0000:0000:0000:0000:0000:0000:0005"}));
  EXPECT_TRUE(parse_addresses("", "").empty());
}

TEST(PullQuery, NamesTagOrDigest) {
  EXPECT_EQ(pull_query("nginx"), "fromImage=nginx&tag=latest");
  EXPECT_EQ(pull_query("localhost:5000/a/b:1.0"), "fromImage=localhost%3A5000%2Fa%2Fb&tag=1.0");
  EXPECT_EQ(pull_query("localhost:5000/a"), "fromImage=localhost%3A5000%2Fa&tag=latest");
  EXPECT_EQ(pull_query("a:1@sha256:00"), "fromImage=a&tag=sha256%3A00");
}

TEST(PullProgress, EndsWithTheErrorThatDockerTells) {
  PullProgress progress;
  EXPECT_TRUE(progress.feed("{\"status\":\"Pulling\"}\r\n{\"err").ok());
  const Status failed = progress.feed("orDetail\":{\"message\":\"no space left\"}}\r\n");
  EXPECT_EQ(failed.message(), "no space left");
}

}  // namespace
}  // namespace kpp::dockershim
