#include "kubelet/static/mirrors.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "client/testing/fake_api.h"
#include "kubelet/static/static_pod.h"

namespace kpp::kubelet {
namespace {

using std::chrono::milliseconds;
constexpr const char* kManifest =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: st}\nspec: {containers: [{name: c, image: i}]}\n";

struct MirrorsTest : ::testing::Test {
  MirrorsTest() {
    mirrors.start();
    mirrors.synced();
    pod = std::make_shared<const corev1::Pod>(
        static_pod(kManifest, "st.yaml", "node1", executor.wall()).value());
    key = api::key_of(*pod);
  }
  ~MirrorsTest() override {
    async::Scope scope(executor);
    scope.spawn(mirrors.stop());
    executor.run_until_idle();
  }
  // What the API has, handed on as the kubelet's watch does.
  std::optional<corev1::Pod> look() {
    executor.run_until_idle();
    auto there = api.get<corev1::Pod>(key);
    mirrors.seen(key, there ? std::make_shared<const corev1::Pod>(*there) : nullptr);
    executor.run_until_idle();
    return there;
  }

  LogSink sink{::open("/dev/null", O_WRONLY)};
  async::ManualExecutor executor;
  client::testing::FakeApi api{executor};
  client::Client client{api.transport(), "kubelet"};
  int found = 0;
  Mirrors mirrors{executor, client, Logger(sink, "test"), [] { return std::string("node-uid"); },
                  [this](const auto&, const auto&) { ++found; }};
  Mirrors::PodRef pod;
  api::ObjectKey key;
};

TEST_F(MirrorsTest, AStaticPodHasAMirrorWhichGoesWithIt) {
  mirrors.want({{key, pod}});
  const auto made = look();
  ASSERT_TRUE(made);
  EXPECT_TRUE(is_mirror(*made));
  EXPECT_EQ(found, 1);
  mirrors.want({});
  EXPECT_FALSE(look());
}

TEST_F(MirrorsTest, WhoDeletesAMirrorSeesItLeaveBeforeTheNextComes) {
  mirrors.want({{key, pod}});
  const auto first = look();
  ASSERT_TRUE(first);
  ASSERT_EQ(api.remove<corev1::Pod>(key, R"({"gracePeriodSeconds":30})"), 200);
  const auto leaving = look();
  ASSERT_TRUE(leaving && leaving->metadata.deletion_timestamp);
  executor.advance(milliseconds(900));
  ASSERT_TRUE(look());
  EXPECT_EQ(look()->metadata.uid, first->metadata.uid);
  executor.advance(milliseconds(200));
  look();
  EXPECT_FALSE(look());
  const auto next = look();
  ASSERT_TRUE(next);
  EXPECT_NE(next->metadata.uid, first->metadata.uid);
}

TEST_F(MirrorsTest, AMirrorOfAnotherManifestIsReplaced) {
  mirrors.want({{key, pod}});
  const auto first = look();
  auto changed = std::make_shared<corev1::Pod>(*pod);
  changed->metadata.annotations[annotation::kConfigHash] = "other";
  mirrors.want({{key, changed}});
  executor.run_until_idle();
  look();
  const auto next = look();
  ASSERT_TRUE(next);
  EXPECT_NE(next->metadata.uid, first->metadata.uid);
}

}  // namespace
}  // namespace kpp::kubelet
