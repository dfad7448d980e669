#include "apiserver/audit/trail.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "api/metav1.h"
#include "api/proto_codec.h"
#include "base/fs.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

class AuditTrailTest : public testing::Test {
 protected:
  void TearDown() override { (void)fs::remove_all(directory_); }

  Audit make(AuditLevel level) {
    return Audit{executor_, AuditPolicy::all(level),
                 std::move(*AuditLogFile::open({.path = path_})), log_};
  }
  std::unique_ptr<AuditTrail> begin(Audit& audit, std::string verb) {
    net::Request request;
    request.path = "/api/v1/namespaces/ns/pods/p";
    request.query = "x=1";
    request.remote_address = "10.0.0.7:4711";
    request.headers.add("User-Agent", "kubectl/v1");
    request.headers.add("X-Forwarded-For", "192.0.2.1, 10.0.0.7");
    User user;
    user.name = "bob";
    user.groups = {"dev"};
    user.extra["example.com/a"] = {"b"};
    AccessRequest access;
    access.verb = std::move(verb);
    access.resource = "pods";
    access.version = "v1";
    access.namespace_ = "ns";
    access.name = "p";
    auto out = std::make_unique<AuditTrail>(audit, "id1", request, executor_.wall());
    out->begin(user, access);
    return out;
  }
  std::vector<json::Value> events() const {
    std::vector<json::Value> out;
    const std::string text = *fs::read_file(path_);
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      auto event = json::parse(std::string_view(text).substr(at, end - at));
      EXPECT_TRUE(event);
      if (event) out.push_back(std::move(*event));
      at = end + 1;
    }
    return out;
  }

  const std::string directory_ = cat(testing::TempDir(), "/kpp-trail-", getpid());
  const std::string path_ = cat(directory_, "/audit.log");
  async::ManualExecutor executor_;
  LogSink sink_{2};
  Logger log_{sink_, "test"};
};

TEST_F(AuditTrailTest, ARequestIsWrittenWhenItComesAndWhenItIsAnswered) {
  Audit audit = make(AuditLevel::kMetadata);
  auto trail = begin(audit, "get");
  trail->annotate("authorization.k8s.io/decision", "allow");
  auto response = net::Response::text(200, "application/json", "{}");
  AuditTrail::finish(std::move(trail), response);
  const auto written = events();
  ASSERT_EQ(written.size(), 2u);
  EXPECT_EQ(json::text_at(written[0], "stage"), "RequestReceived");
  const auto& event = written[1];
  EXPECT_EQ(json::text_at(event, "apiVersion"), "audit.k8s.io/v1");
  EXPECT_EQ(json::text_at(event, "stage"), "ResponseComplete");
  EXPECT_EQ(json::text_at(event, "level"), "Metadata");
  EXPECT_EQ(json::text_at(event, "auditID"), "id1");
  EXPECT_EQ(json::text_at(event, "requestURI"), "/api/v1/namespaces/ns/pods/p?x=1");
  EXPECT_EQ(json::write(*json::find(event, "user")),
            R"({"username":"bob","groups":["dev"],"extra":{"example.com/a":["b"]}})");
  EXPECT_EQ(json::write(*json::find(event, "sourceIPs")), R"(["192.0.2.1","10.0.0.7"])");
  EXPECT_EQ(json::write(*json::find(event, "objectRef")),
            R"({"resource":"pods","namespace":"ns","name":"p","apiVersion":"v1"})");
  EXPECT_EQ(json::write(*json::find(event, "responseStatus")), R"({"metadata":{},"code":200})");
  EXPECT_EQ(json::write(*json::find(event, "annotations")),
            R"({"authorization.k8s.io/decision":"allow"})");
}

TEST_F(AuditTrailTest, ARefusalIsWrittenAsItIsAnswered) {
  Audit audit = make(AuditLevel::kMetadata);
  auto trail = begin(audit, "get");
  auto response = net::Response::text(
      403, "application/json",
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no","reason":"Forbidden","details":{"name":"p"},"code":403})");
  AuditTrail::finish(std::move(trail), response);
  EXPECT_EQ(
      json::write(*json::find(events().at(1), "responseStatus")),
      R"({"metadata":{},"status":"Failure","message":"no","reason":"Forbidden","details":{"name":"p"},"code":403})");
}

TEST_F(AuditTrailTest, ARefusalInProtobufSaysTheSame) {
  Audit audit = make(AuditLevel::kMetadata);
  auto trail = begin(audit, "get");
  metav1::Status status;
  status.status = "Failure";
  status.message = "no";
  status.reason = "Forbidden";
  const std::string body = api::to_envelope(metav1::Status::desc(), &status);
  auto response = net::Response::text(403, "application/vnd.kubernetes.protobuf", body);
  AuditTrail::finish(std::move(trail), response);
  EXPECT_EQ(json::write(*json::find(events().at(1), "responseStatus")),
            R"({"metadata":{},"status":"Failure","message":"no","reason":"Forbidden","code":403})");
}

TEST_F(AuditTrailTest, OfOneWhoIsNotKnownTheAnswerAloneIsWritten) {
  Audit audit = make(AuditLevel::kMetadata);
  net::Request request;
  request.path = "/api";
  AccessRequest access;
  access.verb = "get";
  access.is_resource = false;
  auto trail = std::make_unique<AuditTrail>(audit, "id1", request, executor_.wall());
  trail->begin_unknown(access);
  auto response = net::Response::text(
      401, "application/json",
      R"({"kind":"Status","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401})");
  AuditTrail::finish(std::move(trail), response);
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(json::text_at(events()[0], "stage"), "ResponseStarted");
  EXPECT_EQ(json::write(*json::find(events()[0], "user")), "{}");
  EXPECT_EQ(
      json::write(*json::find(events()[0], "responseStatus")),
      R"({"metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401})");
}

TEST_F(AuditTrailTest, AnAnnotationThatIsThereStays) {
  Audit audit = make(AuditLevel::kMetadata);
  auto trail = begin(audit, "get");
  trail->annotate("b", "1");
  trail->annotate("a", "2");
  trail->annotate("b", "3");
  auto response = net::Response::text(200, "application/json", "{}");
  AuditTrail::finish(std::move(trail), response);
  EXPECT_EQ(json::write(*json::find(events().at(1), "annotations")), R"({"a":"2","b":"1"})");
}

TEST_F(AuditTrailTest, ManagedFieldsAreLeftOutWhereThePolicySaysSo) {
  Audit audit = make(AuditLevel::kMetadata);
  audit.policy = *AuditPolicy::parse(
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitManagedFields: true\n"
      "rules: [{level: RequestResponse}]\n");
  auto trail = begin(audit, "create");
  trail->set_request(*json::parse(R"({"metadata":{"name":"p","managedFields":[{}]}})"));
  auto response = net::Response::text(
      200, "application/json", R"({"kind":"PodList","items":[{"metadata":{"managedFields":[]}}]})");
  AuditTrail::finish(std::move(trail), response);
  const auto event = events().at(1);
  EXPECT_EQ(json::write(*json::find(event, "requestObject")), R"({"metadata":{"name":"p"}})");
  EXPECT_EQ(json::write(*json::find(event, "responseObject")),
            R"({"kind":"PodList","items":[{"metadata":{}}]})");
}

TEST_F(AuditTrailTest, AWatchIsWrittenWhenItStartsAndWhenItEnds) {
  struct Empty final : net::BodySource {
    async::Task<Result<net::SharedBytes>> next(async::StopToken) override { co_return nullptr; }
  };
  Audit audit = make(AuditLevel::kMetadata);
  auto trail = begin(audit, "watch");
  net::Response response;
  response.stream = std::make_unique<Empty>();
  AuditTrail::finish(std::move(trail), response);
  ASSERT_EQ(events().size(), 2u);
  EXPECT_EQ(json::text_at(events()[1], "stage"), "ResponseStarted");
  response.stream.reset();
  ASSERT_EQ(events().size(), 3u);
  EXPECT_EQ(json::text_at(events()[2], "stage"), "ResponseComplete");
}

TEST_F(AuditTrailTest, ObjectsAreWrittenAsFarAsTheLevelGoes) {
  for (const AuditLevel level :
       {AuditLevel::kNone, AuditLevel::kRequest, AuditLevel::kRequestResponse}) {
    (void)fs::remove_all(directory_);
    Audit audit = make(level);
    auto trail = begin(audit, "create");
    EXPECT_EQ(trail->wants_request(), level != AuditLevel::kNone);
    trail->set_request(json::Object{{"a", 1}});
    auto response = net::Response::text(201, "application/json", R"({"b":2})");
    AuditTrail::finish(std::move(trail), response);
    const auto written = events();
    if (level == AuditLevel::kNone) {
      EXPECT_TRUE(written.empty());
      continue;
    }
    ASSERT_EQ(written.size(), 2u);
    EXPECT_EQ(json::find(written[0], "requestObject"), nullptr);
    EXPECT_EQ(json::int_at(written[1], "requestObject.a"), 1);
    EXPECT_EQ(json::find(written[1], "responseObject") != nullptr,
              level == AuditLevel::kRequestResponse);
  }
}

}  // namespace
}  // namespace kpp::apiserver
