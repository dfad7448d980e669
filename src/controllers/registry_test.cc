#include "controllers/registry.h"

#include <gtest/gtest.h>

#include "api/appsv1.h"
#include "client/testing/fake_api.h"

namespace kpp::controllers {
namespace {

TEST(Registry, SelectionFollowsStarsNamesAndMinuses) {
  const auto& deployment =
      *std::find_if(controller_entries().begin(), controller_entries().end(),
                    [](const auto& e) { return e.name == "deployment-controller"; });
  EXPECT_TRUE(is_enabled(deployment, {"*"}));
  EXPECT_FALSE(is_enabled(deployment, {"*", "-deployment-controller"}));
  EXPECT_FALSE(is_enabled(deployment, {"-deployment", "*"}));
  EXPECT_TRUE(is_enabled(deployment, {"deployment"}));
  EXPECT_FALSE(is_enabled(deployment, {"namespace"}));
}

TEST(Registry, TheStarLeavesOutWhatIsOffByDefault) {
  const auto& signer =
      *std::find_if(controller_entries().begin(), controller_entries().end(),
                    [](const auto& e) { return e.name == "bootstrap-signer-controller"; });
  EXPECT_FALSE(is_enabled(signer, {"*"}));
  EXPECT_TRUE(is_enabled(signer, {"*", "bootstrapsigner"}));
}

TEST(ControllerManager, RunsAllTogetherAndStops) {
  async::ManualExecutor executor;
  LogSink sink(2);
  client::testing::FakeApi api(executor);
  corev1::Namespace ns;
  ns.metadata.name = "default";
  ns.status.phase = "Active";
  api.put(ns);
  ControllerManager manager({executor, api.transport(), Logger(sink, "test")},
                            {.facts = {.root_ca_pem = "PEM"}});
  ASSERT_TRUE(manager.start().ok());
  executor.run_until_idle();
  const auto& entries = controller_entries();
  const auto expected = std::count_if(entries.begin(), entries.end(), [](const auto& e) {
    // Without a CA nothing is signed, without ranges no node gets one.
    return e.on_by_default && e.alias != "csrsigning" && e.alias != "nodeipam";
  });
  EXPECT_EQ(manager.running().size(), static_cast<std::size_t>(expected));
  EXPECT_TRUE(api.get<corev1::ServiceAccount>({"default", "default"}));

  appsv1::Deployment d;
  d.metadata.name = "web";
  d.metadata.namespace_ = "default";
  d.spec.replicas = 2;
  d.spec.selector.ensure().match_labels = {{"app", "web"}};
  d.spec.template_.metadata.labels = {{"app", "web"}};
  d.spec.strategy.type = "RollingUpdate";
  api.put(d);
  executor.run_until_idle();
  EXPECT_EQ(api.all<corev1::Pod>().size(), 2u);
  EXPECT_EQ(api.remove<appsv1::Deployment>({"default", "web"}), 200);
  executor.run_until_idle();
  EXPECT_TRUE(api.all<appsv1::ReplicaSet>().empty());
  EXPECT_TRUE(api.all<corev1::Pod>().empty());

  async::Scope scope(executor);
  scope.spawn(manager.stop());
  executor.run_until_idle();
  EXPECT_EQ(scope.running(), 0);
}

// Writes down who asked for what.
class NotedAccounts final : public AccountTransports {
 public:
  explicit NotedAccounts(net::Transport& api) : api_(api) {}
  net::Transport& of(std::string_view account) override {
    return *made_.emplace_back(std::make_unique<Noted>(*this, std::string(account)));
  }
  std::vector<std::string> seen;

 private:
  struct Noted final : net::Transport {
    Noted(NotedAccounts& all, std::string name) : all_(all), name_(std::move(name)) {}
    async::Task<Result<net::Response>> send(net::Request request, bool want_stream,
                                            async::StopToken stop) override {
      all_.seen.push_back(cat(name_, ": ", request.method, " ", request.path));
      return all_.api_.send(std::move(request), want_stream, std::move(stop));
    }
    NotedAccounts& all_;
    const std::string name_;
  };
  net::Transport& api_;
  std::vector<std::unique_ptr<Noted>> made_;
};

TEST(ControllerManager, AControllerWritesAsItsOwnAccountAndOnlyWatchesAsTheManager) {
  async::ManualExecutor executor;
  LogSink sink(2);
  client::testing::FakeApi api(executor);
  corev1::Namespace ns;
  ns.metadata.name = "blue";
  ns.status.phase = "Active";
  api.put(ns);
  NotedAccounts accounts(api.transport());
  ControllerManager manager({executor, api.transport(), Logger(sink, "test"), &accounts},
                            {.controllers = {"serviceaccount", "root-ca-cert-publisher"},
                             .facts = {.root_ca_pem = "PEM"}});
  ASSERT_TRUE(manager.start().ok());
  executor.run_until_idle();
  std::ranges::sort(accounts.seen);
  EXPECT_EQ(accounts.seen,
            (std::vector<std::string>{
                "root-ca-cert-publisher: POST /api/v1/namespaces/blue/configmaps",
                "service-account-controller: POST /api/v1/namespaces/blue/serviceaccounts"}));
  async::Scope scope(executor);
  scope.spawn(manager.stop());
  executor.run_until_idle();
}

TEST(ControllerManager, RefusesAControllerThatThereIsNot) {
  async::ManualExecutor executor;
  LogSink sink(2);
  client::testing::FakeApi api(executor);
  ControllerManager manager({executor, api.transport(), Logger(sink, "test")},
                            {.controllers = {"nonsense"}});
  EXPECT_EQ(manager.start().message(), "\"nonsense\" is not in the list of known controllers");
}

}  // namespace
}  // namespace kpp::controllers
