// Several API servers on one etcd are one API.
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "api/corev1.h"
#include "api/json_codec.h"
#include "api/proto_codec.h"
#include "apiserver/testing/asking.h"
#include "store/etcd/etcd_store.h"
#include "store/testing/etcd_server.h"
#include "store/testing/pump_executor.h"

namespace kpp::apiserver {
namespace {

using store::testing::EtcdServer;
using store::testing::PumpExecutor;
using testing::admin_request;
using testing::Answer;
using testing::answer_of;

// One API server with its own connection to etcd.
struct Server {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<ApiServer> server;
};

class SharedStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = EtcdServer::missing(); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    etcd_.emplace();
    a_ = start("10.0.0.1");
    b_ = start("10.0.0.2");
  }
  void TearDown() override {
    for (auto* one : {&a_, &b_}) stop(*one);
  }
  std::unique_ptr<store::Store> open() {
    auto options = etcd_->options("/registry");
    options.root = "/registry";
    auto store = executor_.run(store::open_etcd(executor_.io(), std::move(options), {}));
    EXPECT_TRUE(store) << store.error().to_string();
    return store ? std::move(*store) : nullptr;
  }
  Server start(std::string address) {
    Server out;
    out.store = open();
    ApiServerOptions options;
    options.service_cidr = "10.96.0.0/28";  // 14 addresses
    options.hostname = address;
    options.advertise_address = std::move(address);
    out.server = testing::start_server(executor_, *out.store, sink_, std::move(options));
    return out;
  }
  void stop(Server& one) {
    if (one.server) executor_.run(one.server->stop());
    one.server.reset();
    if (one.store) executor_.run(one.store->close());
    one.store.reset();
  }
  PumpExecutor::Started<net::Response> begin(Server& at, std::string method, std::string path,
                                             std::string body = "") {
    return executor_.start(
        at.server->handle(admin_request(std::move(method), std::move(path), std::move(body)), {}));
  }
  Answer finish(PumpExecutor::Started<net::Response>& begun) {
    return answer_of(executor_.wait(begun));
  }
  Answer call(Server& at, std::string method, std::string path, std::string body = "") {
    auto begun = begin(at, std::move(method), std::move(path), std::move(body));
    return finish(begun);
  }
  static std::string config_map(std::string_view name, std::string_view value) {
    return cat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")", name,
               R"("},"data":{"v":")", value, R"("}})");
  }
  static std::string service(std::string_view name, std::string_view spec = "") {
    return cat(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":")", name,
               R"("},"spec":{"ports":[{"port":80}])", spec, "}}");
  }

  static constexpr std::string_view kMaps = "/api/v1/namespaces/default/configmaps";
  static constexpr std::string_view kServices = "/api/v1/namespaces/default/services";

  LogSink sink_{STDERR_FILENO};
  PumpExecutor executor_;
  std::optional<EtcdServer> etcd_;
  Server a_, b_;
};

TEST_F(SharedStoreTest, AWriteAtOneIsInTheNextReadOfTheOther) {
  for (int i = 0; i < 20; ++i) {
    const auto made = call(a_, "POST", std::string(kMaps), config_map(cat("m", i), "1"));
    ASSERT_EQ(made.status, 201) << made.body;
    const auto got = call(b_, "GET", cat(kMaps, "/m", i));
    ASSERT_EQ(got.status, 200) << got.body;
    EXPECT_EQ(got.at("/metadata/resourceVersion"), made.at("/metadata/resourceVersion"));
    const auto list = call(b_, "GET", std::string(kMaps));
    EXPECT_EQ(list.document.at("items").as_array().size(), static_cast<std::size_t>(i + 1));
    EXPECT_GE(std::stol(list.at("/metadata/resourceVersion")),
              std::stol(made.at("/metadata/resourceVersion")));
  }
}

TEST_F(SharedStoreTest, AnUpdateWithTheVersionOfTheOtherServerPassesAndAnOldOneConflicts) {
  const auto made = call(a_, "POST", std::string(kMaps), config_map("m", "1"));
  auto wanted = made.document;
  wanted.at("data").as_object()["v"] = "2";
  const auto changed = call(b_, "PUT", cat(kMaps, "/m"), json::write(wanted));
  ASSERT_EQ(changed.status, 200) << changed.body;
  const auto stale = call(a_, "PUT", cat(kMaps, "/m"), json::write(made.document));
  EXPECT_EQ(stale.status, 409) << stale.body;
  EXPECT_EQ(call(a_, "GET", cat(kMaps, "/m")).at("/data/v"), "2");
}

TEST_F(SharedStoreTest, AWatchAtOneSeesWhatIsWrittenAtTheOther) {
  const auto list = call(b_, "GET", std::string(kMaps));
  auto watch = executor_.run(b_.server->handle(
      admin_request(
          "GET", cat(kMaps, "?watch=1&resourceVersion=", list.at("/metadata/resourceVersion")), ""),
      {}));
  ASSERT_EQ(watch.status, 200);
  ASSERT_TRUE(watch.stream);
  const auto made = call(a_, "POST", std::string(kMaps), config_map("m", "1"));
  const auto frame = executor_.run(watch.stream->next({}));
  ASSERT_TRUE(frame && *frame);
  EXPECT_NE((*frame)->find(R"("type":"ADDED")"), std::string::npos) << **frame;
  EXPECT_NE((*frame)->find(cat(R"("resourceVersion":")", made.at("/metadata/resourceVersion"))),
            std::string::npos)
      << **frame;
}

TEST_F(SharedStoreTest, NoClusterIPIsGivenOutTwice) {
  // 12 services at both servers at once, in a range that has room for 13 beside the first.
  std::vector<PumpExecutor::Started<net::Response>> begun;
  for (int i = 0; i < 12; ++i) {
    begun.push_back(
        begin(i % 2 == 0 ? a_ : b_, "POST", std::string(kServices), service(cat("s", i))));
  }
  std::set<std::string> addresses;
  for (auto& one : begun) {
    const auto made = finish(one);
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_TRUE(addresses.insert(made.at("/spec/clusterIP")).second) << made.body;
  }
  const auto kept = call(a_, "GET", "/apis/networking.k8s.io/v1/ipaddresses");
  EXPECT_EQ(kept.document.at("items").as_array().size(), 13u) << kept.body;  // and the first
}

TEST_F(SharedStoreTest, AnAddressThatIsNamedTwiceAtOnceIsRefusedOnce) {
  auto one = begin(a_, "POST", std::string(kServices), service("a", R"(,"clusterIP":"10.96.0.9")"));
  auto other =
      begin(b_, "POST", std::string(kServices), service("b", R"(,"clusterIP":"10.96.0.9")"));
  const auto first = finish(one), second = finish(other);
  EXPECT_EQ(std::set<int>({first.status, second.status}), (std::set<int>{201, 422}));
  const auto& refused = first.status == 201 ? second : first;
  EXPECT_NE(refused.body.find("failed to allocate IP 10.96.0.9: provided IP is already allocated"),
            std::string::npos)
      << refused.body;
}

TEST_F(SharedStoreTest, AServiceThatIsMadeAgainWithItsAddressIsInvalidAndKeepsIt) {
  const std::string named = service("a", R"(,"clusterIP":"10.96.0.9")");
  ASSERT_EQ(call(a_, "POST", std::string(kServices), named).status, 201);
  for (auto* server : {&a_, &b_}) {
    const auto again = call(*server, "POST", std::string(kServices), named);
    EXPECT_EQ(again.status, 422) << again.body;
    EXPECT_NE(again.body.find("failed to allocate IP 10.96.0.9: provided IP is already allocated"),
              std::string::npos)
        << again.body;
  }
  EXPECT_EQ(call(b_, "POST", std::string(kServices), service("a")).status, 409);
  // Still held.
  const auto other =
      call(b_, "POST", std::string(kServices), service("b", R"(,"clusterIP":"10.96.0.9")"));
  EXPECT_EQ(other.status, 422) << other.body;
  EXPECT_EQ(call(a_, "GET", "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.9").status, 200);
}

TEST_F(SharedStoreTest, AClaimWithoutItsServiceIsTakenOverByThatServiceAlone) {
  const std::string claim =
      R"({"apiVersion":"networking.k8s.io/v1","kind":"IPAddress","metadata":{"name":"10.96.0.9",)"
      R"("labels":{"ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"}},)"
      R"("spec":{"parentRef":{"resource":"services","namespace":"default","name":"a"}}})";
  const auto made = call(a_, "POST", "/apis/networking.k8s.io/v1/ipaddresses", claim);
  ASSERT_EQ(made.status, 201) << made.body;
  const auto other =
      call(a_, "POST", std::string(kServices), service("b", R"(,"clusterIP":"10.96.0.9")"));
  EXPECT_EQ(other.status, 422) << other.body;
  const auto own =
      call(b_, "POST", std::string(kServices), service("a", R"(,"clusterIP":"10.96.0.9")"));
  EXPECT_EQ(own.status, 201) << own.body;
}

TEST_F(SharedStoreTest, ManyNodePortsAtOneServerAtOnceAreAllGiven) {
  std::vector<decltype(begin(a_, "", "", ""))> begun;
  for (int i = 0; i < 12; ++i) {
    begun.push_back(
        begin(a_, "POST", std::string(kServices), service(cat("s", i), R"(,"type":"NodePort")")));
  }
  std::set<std::string> ports;
  for (auto& one : begun) {
    const auto made = finish(one);
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_TRUE(ports.insert(made.at("/spec/ports/0/nodePort")).second) << made.body;
  }
}

TEST_F(SharedStoreTest, ANodePortThatIsNamedTwiceAtOnceIsRefusedOnceAndIsFreeAfterItsService) {
  const auto with_port = [](std::string_view name) {
    return cat(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":")", name,
               R"("},"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}})");
  };
  auto one = begin(a_, "POST", std::string(kServices), with_port("a"));
  auto other = begin(b_, "POST", std::string(kServices), with_port("b"));
  const auto first = finish(one), second = finish(other);
  EXPECT_EQ(std::set<int>({first.status, second.status}), (std::set<int>{201, 422}));
  const auto& refused = first.status == 201 ? second : first;
  EXPECT_NE(refused.body.find("provided port is already allocated"), std::string::npos)
      << refused.body;
  const std::string_view holder = first.status == 201 ? "a" : "b";
  EXPECT_EQ(call(b_, "DELETE", cat(kServices, "/", holder)).status, 200);
  const auto again = call(a_, "POST", std::string(kServices), with_port("c"));
  EXPECT_EQ(again.status, 201) << again.body;
}

TEST_F(SharedStoreTest, WhatWasCompactedIsTooOldForListsAndAServerThatCameLaterForWatches) {
  const std::string old =
      call(a_, "POST", std::string(kMaps), config_map("m", "1")).at("/metadata/resourceVersion");
  const std::string exact = cat(kMaps, "?resourceVersionMatch=Exact&resourceVersion=", old);
  EXPECT_EQ(call(b_, "GET", exact).status, 200);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(call(a_, "POST", std::string(kMaps), config_map(cat("n", i), "1")).status, 201);
  }
  ASSERT_TRUE(executor_.run(a_.store->compact(a_.store->revision(), {})).ok());
  const auto gone = call(b_, "GET", exact);
  EXPECT_EQ(gone.status, 410) << gone.body;
  EXPECT_EQ(gone.at("/message"), "The resourceVersion for the provided list is too old.");
  Server late = start("10.0.0.3");
  auto watch = executor_.run(late.server->handle(
      admin_request("GET", cat(kMaps, "?watch=1&resourceVersion=", old), ""), {}));
  EXPECT_NE(watch.body_text().find("too old resource version: "), std::string::npos)
      << watch.body_text();
  stop(late);
}

TEST_F(SharedStoreTest, WhatTheOriginalWroteAsProtobufIsServedAndChanged) {
  corev1::ConfigMap map;
  map.metadata.name = "theirs";
  map.metadata.namespace_ = "default";
  map.metadata.uid = "6f1e1a3c-0000-4000-8000-000000000001";
  map.metadata.creation_timestamp = api::Time(1'700'000'000, 0);
  map.data = {{"v", "1"}};
  store::Write write{.key = "/registry/configmaps/default/theirs",
                     .value = std::make_shared<const std::string>(
                         api::to_envelope(corev1::ConfigMap::desc(), &map))};
  const auto revision = executor_.run(a_.store->write(std::move(write), {}));
  ASSERT_TRUE(revision);
  const auto got = call(b_, "GET", cat(kMaps, "/theirs"));
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.at("/metadata/resourceVersion"), cat(*revision));
  EXPECT_EQ(got.at("/data/v"), "1");
  auto wanted = got.document;
  wanted.at("data").as_object()["v"] = "2";
  ASSERT_EQ(call(a_, "PUT", cat(kMaps, "/theirs"), json::write(wanted)).status, 200);
  EXPECT_EQ(call(b_, "GET", cat(kMaps, "/theirs")).at("/data/v"), "2");
}

TEST_F(SharedStoreTest, TheKubernetesServiceLeadsToEveryServerThatLives) {
  constexpr std::string_view kEndpoints = "/api/v1/namespaces/default/endpoints/kubernetes";
  constexpr std::string_view kSlice =
      "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";
  auto both = call(a_, "GET", std::string(kEndpoints));
  EXPECT_EQ(both.at("/subsets/0/addresses"), R"([{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}])");
  EXPECT_EQ(call(a_, "GET", std::string(kSlice)).at("/endpoints/1/addresses/0"), "10.0.0.2");
  stop(b_);
  both = call(a_, "GET", std::string(kEndpoints));
  EXPECT_EQ(both.at("/subsets/0/addresses"), R"([{"ip":"10.0.0.1"}])");
}

TEST_F(SharedStoreTest, EachServerHasALeaseThatNamesIt) {
  const auto list = [&] {
    return call(a_, "GET",
                "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?labelSelector="
                "apiserver.kubernetes.io%2Fidentity%3Dkube-apiserver");
  };
  auto leases = list();
  while (leases.status == 200 && leases.document.at("items").as_array().size() < 2) leases = list();
  ASSERT_EQ(leases.status, 200) << leases.body;
  EXPECT_EQ(leases.at("/items/0/spec/leaseDurationSeconds"), "3600");
}

TEST_F(SharedStoreTest, WhileEtcdIsGoneRequestsFailInItsWordsAndThenGoOn) {
  ASSERT_EQ(call(a_, "POST", std::string(kMaps), config_map("before", "1")).status, 201);
  etcd_->kill();
  const auto failed = call(a_, "POST", std::string(kMaps), config_map("meanwhile", "1"));
  EXPECT_EQ(failed.status, 500) << failed.body;
  EXPECT_TRUE(failed.at("/message").starts_with("rpc error: code = Unavailable desc = "))
      << failed.body;
  // What is asked for "as it may be" comes from memory.
  EXPECT_EQ(call(a_, "GET", cat(kMaps, "?resourceVersion=0")).status, 200);
  etcd_->start();
  while (call(b_, "GET", cat(kMaps, "/before")).status != 200) {
  }
  const auto after = call(b_, "POST", std::string(kMaps), config_map("after", "1"));
  EXPECT_EQ(after.status, 201) << after.body;
  EXPECT_EQ(call(a_, "GET", cat(kMaps, "/after")).status, 200);
}

}  // namespace
}  // namespace kpp::apiserver
