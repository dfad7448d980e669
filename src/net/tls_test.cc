// The server over TLS: certificates of both sides, HTTP/1.1.
#include <gtest/gtest.h>

#include "net/client.h"
#include "net/server.h"
#include "net/testing/echo_handler.h"
#include "net/testing/loopback.h"

namespace kpp::net {
namespace {

using testing::Certificates;
using testing::EchoHandler;
using testing::Loopback;

class TlsTest : public ::testing::Test {
 protected:
  TlsTest()
      : certificates_(Certificates::make()),
        handler_(loop_.executor()),
        server_(loop_.executor(), handler_, options(), loop_.log()) {
    const auto tls = TlsContext::server({.certificate_pem = certificates_.server.certificate_pem,
                                         .key_pem = certificates_.server.key_pem,
                                         .client_ca_pem = certificates_.ca.certificate_pem});
    port_ = server_.listen_tcp("127.0.0.1", 0, tls.value()).value();
  }

  HttpClient client(const TlsClientOptions& tls, std::string server_name = "localhost") {
    ClientOptions options;
    options.dial.tls = TlsContext::client(tls).value();
    options.dial.server_name = std::move(server_name);
    return HttpClient(loop_.executor(), Endpoint::parse(cat("https://127.0.0.1:", port_)).value(),
                      options);
  }

  static ServerOptions options() {
    ServerOptions out;
    out.max_body_bytes = 32 << 20;
    return out;
  }

  // Sends a body and gives back what the server made of it.
  std::string echo(HttpClient& client, std::string body) {
    std::string out;
    Request r;
    r.method = "POST";
    r.path = "/";
    r.body = std::move(body);
    loop_.run(send_and_stop(&client, std::move(r), &out));
    return out;
  }

  // What /who answers, or the error.
  std::string ask(HttpClient& client) {
    std::string out;
    loop_.run(ask_and_stop(&client, &out));
    return out;
  }

  Loopback loop_;
  const Certificates certificates_;
  EchoHandler handler_;
  Server server_;
  std::uint16_t port_ = 0;

 private:
  async::Task<void> ask_and_stop(HttpClient* client, std::string* out) {
    Request r;
    r.method = "GET";
    r.path = "/who";
    co_await send_and_stop(client, std::move(r), out);
  }
  async::Task<void> send_and_stop(HttpClient* client, Request r, std::string* out) {
    auto response = co_await client->send(std::move(r), false, {});
    *out = response ? response->body_text() : response.error().message();
    co_await server_.stop();
  }
};

TEST_F(TlsTest, AClientWithoutACertificateIsNobody) {
  HttpClient c = client({.ca_pem = certificates_.ca.certificate_pem});
  EXPECT_EQ(ask(c), "nobody");
}

TEST_F(TlsTest, AClientCertificateNamesItsUser) {
  HttpClient c = client({.ca_pem = certificates_.ca.certificate_pem,
                         .certificate_pem = certificates_.client.certificate_pem,
                         .key_pem = certificates_.client.key_pem});
  EXPECT_EQ(ask(c), "alice readers,writers true");
}

TEST_F(TlsTest, MoreThanTheKernelTakesAtOnceArrivesWhole) {
  HttpClient c = client({.ca_pem = certificates_.ca.certificate_pem});
  std::string body;
  while (body.size() < std::size_t{16} << 20) body += cat(body.size(), " ");
  EXPECT_TRUE(echo(c, body) == cat("POST /? ", body, " x-test="));
}

TEST_F(TlsTest, ACertificateOfAnotherCaIsNotVerified) {
  const Certificates other = Certificates::make();
  HttpClient c = client({.ca_pem = certificates_.ca.certificate_pem,
                         .certificate_pem = other.client.certificate_pem,
                         .key_pem = other.client.key_pem});
  EXPECT_EQ(ask(c), "alice readers,writers false");
}

TEST_F(TlsTest, AServerCertificateDoesNotServeAsAClients) {
  HttpClient c = client({.ca_pem = certificates_.ca.certificate_pem,
                         .certificate_pem = certificates_.server.certificate_pem,
                         .key_pem = certificates_.server.key_pem});
  EXPECT_EQ(ask(c), "server  false");
}

TEST_F(TlsTest, AServerThatTheClientDoesNotTrustIsRefused) {
  const Certificates other = Certificates::make();
  HttpClient c = client({.ca_pem = other.ca.certificate_pem});
  EXPECT_NE(ask(c).find("certificate verify failed"), std::string::npos);
}

TEST_F(TlsTest, AnotherServerNameIsRefused) {
  HttpClient c = client({.ca_pem = certificates_.ca.certificate_pem}, "elsewhere");
  EXPECT_NE(ask(c).find("hostname mismatch"), std::string::npos);
}

TEST_F(TlsTest, AddressesAreCheckedAsNames) {
  HttpClient c = client({.ca_pem = certificates_.ca.certificate_pem}, "127.0.0.1");
  EXPECT_EQ(ask(c), "nobody");
}

TEST_F(TlsTest, AnInsecureClientTakesAnyServer) {
  HttpClient c = client({.insecure = true}, "elsewhere");
  EXPECT_EQ(ask(c), "nobody");
}

TEST_F(TlsTest, ACertificateOfTheProxiesCaIsAProxysAndNoClients) {
  const Certificates proxies = Certificates::make();
  const auto tls = TlsContext::server({.certificate_pem = certificates_.server.certificate_pem,
                                       .key_pem = certificates_.server.key_pem,
                                       .client_ca_pem = certificates_.ca.certificate_pem,
                                       .proxy_ca_pem = proxies.ca.certificate_pem});
  port_ = server_.listen_tcp("127.0.0.1", 0, tls.value()).value();
  HttpClient proxy = client({.ca_pem = certificates_.ca.certificate_pem,
                             .certificate_pem = proxies.client.certificate_pem,
                             .key_pem = proxies.client.key_pem});
  EXPECT_EQ(ask(proxy), "alice readers,writers false of a proxy");
}

TEST(Tls, AKeyThatDoesNotFitIsAnError) {
  const Certificates certificates = Certificates::make();
  EXPECT_FALSE(TlsContext::server({.certificate_pem = certificates.server.certificate_pem,
                                   .key_pem = certificates.client.key_pem}));
  EXPECT_FALSE(TlsContext::server({.certificate_pem = "garbage", .key_pem = "garbage"}));
}

}  // namespace
}  // namespace kpp::net
