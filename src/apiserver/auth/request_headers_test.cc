#include "apiserver/auth/request_headers.h"

#include <gtest/gtest.h>

namespace kpp::apiserver {
namespace {

RequestHeaderOptions options() {
  RequestHeaderOptions out;
  out.client_ca_pem = "a CA";
  out.allowed_names = {"front-proxy-client"};
  out.username_headers = {"X-Remote-User"};
  out.uid_headers = {"X-Remote-Uid"};
  out.group_headers = {"X-Remote-Group"};
  out.extra_header_prefixes = {"X-Remote-Extra-"};
  return out;
}

net::Request from_proxy(std::string_view name) {
  net::Request out;
  out.peer_certificate = net::PeerCertificate{std::string(name), {}, false, true, {}};
  out.headers.add("X-Remote-User", "bob");
  out.headers.add("x-remote-group", "dev");
  out.headers.add("X-Remote-Group", "ops");
  out.headers.add("X-Remote-Uid", "u1");
  out.headers.add("X-Remote-Extra-Example.com%2fScopes", "a");
  out.headers.add("X-Remote-Extra-Example.com%2fScopes", "b");
  return out;
}

TEST(RequestHeaders, AProxySpeaksForTheUserThatItNames) {
  net::Request request = from_proxy("front-proxy-client");
  const auto user = user_of_request_headers(options(), request);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "bob");
  EXPECT_EQ(user->uid, "u1");
  EXPECT_EQ(user->groups, (std::vector<std::string>{"dev", "ops"}));
  EXPECT_EQ(user->extra.at("example.com/scopes"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(request.headers.fields().empty());
}

TEST(RequestHeaders, NobodyElseSpeaksForOthers) {
  net::Request other = from_proxy("somebody");
  EXPECT_FALSE(user_of_request_headers(options(), other));
  net::Request client = from_proxy("front-proxy-client");
  client.peer_certificate->of_proxy = false;
  client.peer_certificate->verified = true;
  EXPECT_FALSE(user_of_request_headers(options(), client));
  net::Request bare = from_proxy("front-proxy-client");
  bare.peer_certificate.reset();
  EXPECT_FALSE(user_of_request_headers(options(), bare));
  net::Request unconfigured = from_proxy("front-proxy-client");
  EXPECT_FALSE(user_of_request_headers({}, unconfigured));
}

TEST(RequestHeaders, AnyProxyOfTheCaIsBelievedWhenNoNamesAreGiven) {
  RequestHeaderOptions any = options();
  any.allowed_names.clear();
  net::Request request = from_proxy("somebody");
  EXPECT_TRUE(user_of_request_headers(any, request));
}

TEST(RequestHeaders, WithoutAUserNameNothingIsSaid) {
  net::Request request = from_proxy("front-proxy-client");
  request.headers.remove("X-Remote-User");
  EXPECT_FALSE(user_of_request_headers(options(), request));
}

}  // namespace
}  // namespace kpp::apiserver
