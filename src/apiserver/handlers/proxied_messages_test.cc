#include "apiserver/handlers/proxied_messages.h"

#include <gtest/gtest.h>

#include <memory>

#include "async/executor.h"
#include "async/scope.h"

namespace kpp::apiserver {
namespace {

const LinkScope kScope{"/api/v1/namespaces/default/pods/web/proxy", "10.244.0.7:80",
                       "192.168.1.12:6443"};

net::Request asked() {
  net::Request out;
  out.method = "POST";
  out.query = "a=b";
  out.remote_address = "10.1.2.3:4567";
  out.headers.add("Host", "192.168.1.12:6443");
  out.headers.add("Content-Type", "application/json");
  return out;
}

TEST(ProxiedRequest, KeepsMethodQueryHostAndHeaders) {
  const auto out = proxied_request(asked(), "/jsonrpc", kScope);
  EXPECT_EQ(out.method, "POST");
  EXPECT_EQ(out.path, "/jsonrpc");
  EXPECT_EQ(out.query, "a=b");
  EXPECT_EQ(out.headers.get("Host"), "192.168.1.12:6443");
  EXPECT_EQ(out.headers.get("Content-Type"), "application/json");
}

TEST(ProxiedRequest, HasNeitherTheCredentialNorWhatIsOfTheConnection) {
  auto request = asked();
  for (const char* name :
       {"authorization", "Impersonate-User", "Impersonate-Extra-Scopes", "Connection",
        "Transfer-Encoding", "Content-Length", "Proxy-Authorization", "Accept-Encoding"}) {
    request.headers.add(name, "x");
  }
  const auto out = proxied_request(request, "/", kScope);
  for (const auto& [name, value] : out.headers.fields()) EXPECT_NE(value, "x") << name;
}

TEST(ProxiedRequest, SaysWhereItComesFrom) {
  auto request = asked();
  EXPECT_EQ(proxied_request(request, "/a/", kScope).headers.get("X-Forwarded-For"), "10.1.2.3");
  request.headers.add("X-Forwarded-For", "172.16.0.9");
  request.remote_address = "[fd00::1]:4567";
  const auto out = proxied_request(request, "/a/", kScope);
  EXPECT_EQ(out.headers.get("X-Forwarded-For"), "172.16.0.9, fd00::1");
  EXPECT_EQ(out.headers.get("X-Forwarded-Uri"), "/api/v1/namespaces/default/pods/web/proxy/a/");
}

// The pieces of a body that comes as a stream.
class Pieces final : public net::BodySource {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  async::Task<Result<net::SharedBytes>> next(async::StopToken /*stop*/) override {
    if (at_ == pieces_.size()) co_return net::SharedBytes();
    co_return std::make_shared<const std::string>(pieces_[at_++]);
  }

 private:
  std::vector<std::string> pieces_;
  std::size_t at_ = 0;
};

async::Task<void> read_all(net::BodySource* source, std::string* out) {
  while (true) {
    auto piece = co_await source->next({});
    EXPECT_TRUE(piece);
    if (!piece || *piece == nullptr) co_return;
    EXPECT_FALSE((*piece)->empty());
    *out += **piece;
  }
}

std::string whole_body(net::Response& response) {
  std::string out = response.body_text();
  if (!response.stream) return out;
  async::ManualExecutor executor;
  async::Scope scope(executor);
  scope.spawn(read_all(response.stream.get(), &out));
  executor.run_until_idle();
  return out;
}

net::Response page(std::string_view type) {
  net::Response out = net::Response::text(200, type, R"(<a href="/a">)");
  out.stream = std::make_unique<Pieces>(std::vector<std::string>{"<a hr", R"(ef="/b">)"});
  return out;
}

TEST(ProxiedResponse, LinksOfAPageLeadThroughTheProxy) {
  auto out = proxied_response(page("text/html; charset=utf-8"), kScope, "GET");
  EXPECT_EQ(whole_body(out), R"(<a href="/api/v1/namespaces/default/pods/web/proxy/a">)"
                             R"(<a href="/api/v1/namespaces/default/pods/web/proxy/b">)");
}

TEST(ProxiedResponse, OtherTypesAndCompressedPagesAreLeftAlone) {
  const std::string_view bytes = R"(<a href="/a"><a href="/b">)";
  auto text = proxied_response(page("text/plain"), kScope, "GET");
  EXPECT_EQ(whole_body(text), bytes);
  auto compressed = page("text/html");
  compressed.headers.add("Content-Encoding", "gzip");
  auto out = proxied_response(std::move(compressed), kScope, "GET");
  EXPECT_EQ(whole_body(out), bytes);
  EXPECT_EQ(out.headers.get("Content-Encoding"), "gzip");
}

TEST(ProxiedResponse, KeepsItsLengthUnlessItIsRewritten) {
  const auto length = [](std::string_view type, std::string_view method) {
    auto answer = page(type);
    answer.headers.add("Content-Length", "28");
    return std::string(
        proxied_response(std::move(answer), kScope, method).headers.get("Content-Length"));
  };
  EXPECT_EQ(length("text/plain", "GET"), "28");
  EXPECT_EQ(length("text/html", "HEAD"), "28");
  EXPECT_EQ(length("text/html", "GET"), "");
}

TEST(ProxiedResponse, RedirectsLeadThroughTheProxy) {
  net::Response moved = net::Response::text(302, "text/html", R"(<a href="/login">)");
  moved.headers.add("Location", "http://10.244.0.7:80/login");
  moved.headers.add("Connection", "close");
  auto out = proxied_response(std::move(moved), kScope, "GET");
  EXPECT_EQ(out.status, 302);
  EXPECT_EQ(out.headers.get("Location"), "/api/v1/namespaces/default/pods/web/proxy/login");
  EXPECT_EQ(out.headers.find("Connection"), nullptr);
}

TEST(ProxiedResponse, WithoutABodyThereIsNothingToRewrite) {
  auto head = proxied_response(net::Response::text(200, "text/html", ""), kScope, "HEAD");
  EXPECT_EQ(head.stream, nullptr);
}

}  // namespace
}  // namespace kpp::apiserver
