#include "dns/dns_server.h"

#include <gtest/gtest.h>

#include "client/testing/fake_api.h"
#include "dns/forwarder.h"
#include "dns/listeners.h"
#include "dns/message.h"
#include "net/testing/loopback.h"

namespace kpp::dns {
namespace {

// A name server of the outside world: knows www.example.com, has a large answer for
// big.example.com, and counts.
class Outside final : public Responder {
 public:
  explicit Outside(async::IoExecutor& executor) : executor_(executor) {}
  std::optional<std::string> answer_now(std::string_view, bool) override { return std::nullopt; }
  async::Task<std::string> answer_later(std::string message, bool tcp,
                                        async::StopToken stop) override {
    ++asked;
    // Time enough for those who ask the same to ask it.
    co_await async::sleep_for(executor_, std::chrono::milliseconds(20), stop);
    const auto query = parse_query(message);
    if (!query) co_return std::string();
    Answer answer;
    if (query->folded == "www.example.com" && query->type == kA) {
      answer.answers.push_back({query->name, kA, 60, AddressData{"\x5d\xb8\xd8\x22"}});
    } else if (query->folded == "big.example.com") {
      for (int i = 0; i < 100; ++i)
        answer.answers.push_back(
            {query->name, kA, 60,
             AddressData{std::string("\x0a\x01\x01", 3) + static_cast<char>(i)}});
    } else {
      answer.rcode = Rcode::kNxDomain;
      answer.authority.push_back(
          {"example.com", kSoa, 60, SoaData{"ns.example.com", "root.example.com", 1, 1, 1, 1, 60}});
    }
    co_return encode(*query, answer, tcp ? 65535 : query->udp_size);
  }
  int asked = 0;

 private:
  async::IoExecutor& executor_;
};

struct Harness {
  Harness()
      : api(loop.executor()),
        client(api.transport(), "test"),
        outside(loop.executor()),
        outside_listeners(loop.executor(), outside, {}) {}

  async::Task<void> start() {
    corev1::Service service;
    service.metadata.name = "web";
    service.metadata.namespace_ = "lab";
    service.spec.type = "ClusterIP";
    service.spec.cluster_ip = "10.96.0.20";
    api.put(service);
    corev1::Service external;
    external.metadata.name = "ext";
    external.metadata.namespace_ = "lab";
    external.spec.type = "ExternalName";
    external.spec.external_name = "www.example.com";
    api.put(external);
    const auto upstream = outside_listeners.listen("127.0.0.1", 0);
    EXPECT_TRUE(upstream.has_value());
    auto blocks = parse_corefile(cat(
        ".:53 {\n kubernetes cluster.local\n forward . 127.0.0.1:", *upstream, "\n cache 30\n}\n"));
    EXPECT_TRUE(blocks.has_value());
    blocks->front().port = 0;
    DnsOptions options;
    options.blocks = *blocks;
    options.bind_addresses = {"127.0.0.1"};
    server = std::make_unique<DnsServer>(DnsDeps{loop.executor(), client, loop.log()}, options);
    EXPECT_TRUE(server->start().ok());
    const bool synced = co_await server->wait_synced({});
    EXPECT_TRUE(synced);
    Upstream us;
    us.address = "127.0.0.1";
    us.port = server->port();
    asker = std::make_unique<Forwarder>(loop.executor(), std::vector{us}, ForwardOptions{});
    co_await async::yield(loop.executor());
  }
  async::Task<std::string> ask(std::string name, bool tcp = false, std::uint16_t type = kA) {
    const std::string question = encode_question(42, name, type);
    auto answer = co_await asker->ask(question, *parse_query(question), tcp, {});
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    co_return answer.value_or(std::string());
  }
  async::Task<void> stop() {
    co_await server->stop();
    co_await outside_listeners.stop();
  }

  net::testing::Loopback loop;
  client::testing::FakeApi api;
  client::Client client;
  Outside outside;
  Listeners outside_listeners;
  std::unique_ptr<DnsServer> server;
  std::unique_ptr<Forwarder> asker;
};

std::string first_address(const std::string& message) {
  for (const auto& record : parse_records(message)) {
    if (const auto* a = std::get_if<AddressData>(&record.data)) return a->bytes;
  }
  return {};
}

async::Task<void> names_of_the_cluster(Harness* h) {
  co_await h->start();
  for (const bool tcp : {false, true}) {
    const std::string answer = co_await h->ask("web.lab.svc.cluster.local", tcp);
    EXPECT_EQ(first_address(answer), std::string("\x0a\x60\0\x14", 4));
  }
  const std::string unknown = co_await h->ask("nope.lab.svc.cluster.local");
  EXPECT_EQ(parse_answer(unknown)->rcode, Rcode::kNxDomain);
  EXPECT_EQ(h->outside.asked, 0);
  co_await h->stop();
}
TEST(DnsServer, NamesOfTheClusterNeedNoUpstream) {
  Harness h;
  h.loop.run(names_of_the_cluster(&h));
}

async::Task<void> other_names(Harness* h) {
  co_await h->start();
  std::string answer = co_await h->ask("www.example.com");
  EXPECT_EQ(first_address(answer), "\x5d\xb8\xd8\x22");
  answer = co_await h->ask("WWW.example.com");
  EXPECT_EQ(first_address(answer), "\x5d\xb8\xd8\x22");
  EXPECT_EQ(h->outside.asked, 1);
  answer = co_await h->ask("missing.example.com");
  EXPECT_EQ(parse_answer(answer)->rcode, Rcode::kNxDomain);
  answer = co_await h->ask("missing.example.com");
  EXPECT_EQ(h->outside.asked, 2);
  co_await h->stop();
}
TEST(DnsServer, OtherNamesAreForwardedOnceAndKept) {
  Harness h;
  h.loop.run(other_names(&h));
}

async::Task<void> external_name(Harness* h) {
  co_await h->start();
  const std::string answer = co_await h->ask("ext.lab.svc.cluster.local");
  const auto records = parse_records(answer);
  EXPECT_EQ(records.size(), 2u);
  if (records.size() == 2) EXPECT_EQ(std::get<NameData>(records[0].data).name, "www.example.com");
  EXPECT_EQ(first_address(answer), "\x5d\xb8\xd8\x22");
  co_await h->stop();
}
TEST(DnsServer, AnExternalNameBringsItsAddresses) {
  Harness h;
  h.loop.run(external_name(&h));
}

async::Task<void> large_answers(Harness* h) {
  co_await h->start();
  std::string answer = co_await h->ask("big.example.com");
  EXPECT_TRUE(parse_answer(answer)->truncated);
  answer = co_await h->ask("big.example.com", true);
  EXPECT_FALSE(parse_answer(answer)->truncated);
  EXPECT_EQ(parse_records(answer).size(), 100u);
  co_await h->stop();
}
TEST(DnsServer, LargeAnswersAreWholeOverTcp) {
  Harness h;
  h.loop.run(large_answers(&h));
}

async::Task<void> asked_by_many(Harness* h) {
  co_await h->start();
  std::vector<async::Task<void>> tasks;
  for (int i = 0; i < 20; ++i) {
    tasks.push_back([](Harness* harness) -> async::Task<void> {
      Upstream us;
      us.address = "127.0.0.1";
      us.port = harness->server->port();
      Forwarder asker(harness->loop.executor(), {us}, {});
      const std::string question = encode_question(1, "www.example.com", kA);
      const auto answer = co_await asker.ask(question, *parse_query(question), false, {});
      EXPECT_TRUE(answer.has_value());
    }(h));
  }
  co_await async::all(h->loop.executor(), std::move(tasks));
  EXPECT_EQ(h->outside.asked, 1);
  co_await h->stop();
}
TEST(DnsServer, AQuestionThatManyAskGoesOutOnce) {
  Harness h;
  h.loop.run(asked_by_many(&h));
}

async::Task<void> upstream_gone(Harness* h) {
  co_await h->start();
  co_await h->outside_listeners.stop();
  const std::string answer = co_await h->ask("www.example.com");
  EXPECT_EQ(parse_answer(answer)->rcode, Rcode::kServFail);
  co_await h->stop();
}
TEST(DnsServer, AnUpstreamThatIsGoneIsAServerFailure) {
  Harness h;
  h.loop.run(upstream_gone(&h));
}

}  // namespace
}  // namespace kpp::dns
