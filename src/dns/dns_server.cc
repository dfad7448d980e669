#include "dns/dns_server.h"

#include <array>
#include <map>

#include "client/informer.h"
#include "dns/health.h"
#include "dns/listeners.h"
#include "dns/message.h"
#include "dns/resolver.h"
#include "net/server.h"

namespace kpp::dns {
namespace {

constexpr std::size_t kMaxUdpAnswer = 4096;
constexpr std::size_t kMaxTcpAnswer = 65535;

std::string_view type_text(std::uint16_t type) {
  switch (type) {
    case kA:
      return "A";
    case kAaaa:
      return "AAAA";
    case kSrv:
      return "SRV";
    case kPtr:
      return "PTR";
    case kCname:
      return "CNAME";
    case kTxt:
      return "TXT";
    case kNs:
      return "NS";
    case kSoa:
      return "SOA";
    default:
      return "other";
  }
}

std::string_view rcode_text(unsigned rcode) {
  static constexpr std::array<std::string_view, 6> kTexts = {"NOERROR",  "FORMERR", "SERVFAIL",
                                                             "NXDOMAIN", "NOTIMP",  "REFUSED"};
  return rcode < kTexts.size() ? kTexts[rcode] : "other";
}

// "host:port" or ":port".
Result<std::pair<std::string, std::uint16_t>> host_and_port(const std::string& text) {
  const auto colon = text.rfind(':');
  const std::string host = text.substr(0, colon);
  KPP_ASSIGN(const Upstream parsed,
             Upstream::parse(
                 cat("0.0.0.0", colon == std::string::npos ? std::string() : text.substr(colon))));
  return std::pair(host == "localhost" ? "127.0.0.1"
                   : host.empty()      ? "0.0.0.0"
                                       : host,
                   parsed.port);
}

}  // namespace

struct DnsServer::State final : Responder {
  State(DnsDeps d, DnsOptions o)
      : deps(d),
        options(std::move(o)),
        services(d.executor, d.client, d.log),
        slices(d.executor, d.client, d.log),
        listeners(d.executor, *this, {}),
        health({[this] { return ready(); }, [this] { return metrics(); }}),
        known(d.executor),
        scope(d.executor) {}

  bool needs_cluster() const {
    return std::any_of(options.blocks.begin(), options.blocks.end(),
                       [](const auto& b) { return b.kubernetes.has_value(); });
  }
  bool ready() const { return known.is_set(); }

  Status start();
  void watch_cluster();
  async::Task<void> mark_synced(async::StopToken stop);
  Status serve_http();
  Resolver* resolver_for(std::string_view folded);
  std::string counted(std::string reply);
  std::size_t limit(const Query& query, bool tcp) const {
    return tcp ? kMaxTcpAnswer : std::min<std::size_t>(query.udp_size, kMaxUdpAnswer);
  }
  std::optional<std::string> answer_now(std::string_view message, bool tcp) override;
  async::Task<std::string> answer_later(std::string message, bool tcp,
                                        async::StopToken stop) override;
  std::string metrics() const;

  DnsDeps deps;
  const DnsOptions options;
  std::vector<std::unique_ptr<Resolver>> resolvers;
  client::Informer<corev1::Service> services;
  client::Informer<discoveryv1::EndpointSlice> slices;
  Listeners listeners;
  std::uint16_t port = 0;
  Health health;
  std::vector<std::unique_ptr<net::Server>> http;
  async::Event known;  // services and endpoint slices are in the zones
  async::Scope scope;
  std::map<std::pair<std::string_view, bool>, std::uint64_t>
      requests;                                         // by type and whether it came over TCP
  std::map<std::string_view, std::uint64_t> responses;  // by response code
};

Status DnsServer::State::start() {
  for (const auto& block : options.blocks) {
    KPP_ASSIGN(auto resolver, Resolver::make(deps.executor, block, deps.log));
    resolvers.push_back(std::move(resolver));
    for (const auto& word : block.without_effect)
      deps.log.warning("Part of the configuration has no effect", {kv("name", word)});
  }
  if (needs_cluster()) {
    watch_cluster();
  } else {
    known.set();
  }
  port = options.blocks.front().port;
  for (const auto& address : options.bind_addresses) {
    KPP_ASSIGN(port, listeners.listen(address, port));
  }
  if (options.serve_health) KPP_RETURN_IF_ERROR(serve_http());
  return {};
}

void DnsServer::State::watch_cluster() {
  services.add_handler([this](const auto& old_service, const auto& new_service) {
    const auto& meta = (new_service ? new_service : old_service)->metadata;
    for (auto& resolver : resolvers) {
      if (resolver->zone() != nullptr)
        resolver->zone()->set_service({meta.namespace_, meta.name}, new_service);
    }
  });
  slices.add_handler([this](const auto& old_slice, const auto& new_slice) {
    const auto& meta = (new_slice ? new_slice : old_slice)->metadata;
    for (auto& resolver : resolvers) {
      if (resolver->zone() != nullptr)
        resolver->zone()->set_slice({meta.namespace_, meta.name}, new_slice);
    }
  });
  services.start();
  slices.start();
  scope.spawn(mark_synced(scope.stop_token()));
}

async::Task<void> DnsServer::State::mark_synced(async::StopToken stop) {
  const bool have_services = co_await services.wait_synced(stop);
  const bool have_slices = co_await slices.wait_synced(stop);
  if (!have_services || !have_slices) co_return;
  for (auto& resolver : resolvers) resolver->set_synced();
  known.set();
  deps.log.info("Names of the cluster are known", {kv("services", services.size())});
}

Status DnsServer::State::serve_http() {
  std::vector<std::string> addresses;
  for (const auto& block : options.blocks) {
    for (const auto& address : {block.health, block.ready, block.prometheus}) {
      if (address && std::find(addresses.begin(), addresses.end(), *address) == addresses.end())
        addresses.push_back(*address);
    }
  }
  for (const auto& address : addresses) {
    KPP_ASSIGN(const auto where, host_and_port(address));
    auto server =
        std::make_unique<net::Server>(deps.executor, health, net::ServerOptions{}, deps.log);
    KPP_ASSIGN([[maybe_unused]] const std::uint16_t chosen,
               server->listen_tcp(where.first, where.second, nullptr));
    http.push_back(std::move(server));
  }
  return {};
}

Resolver* DnsServer::State::resolver_for(std::string_view folded) {
  Resolver* best = nullptr;
  std::size_t covered = 0;
  for (const auto& resolver : resolvers) {
    const auto match = resolver->match(folded);
    if (match && (best == nullptr || *match > covered)) {
      best = resolver.get();
      covered = *match;
    }
  }
  return best;
}

std::string DnsServer::State::counted(std::string reply) {
  if (reply.size() > 3) ++responses[rcode_text(static_cast<unsigned char>(reply[3]) & 0xfU)];
  return reply;
}

std::optional<std::string> DnsServer::State::answer_now(std::string_view message, bool tcp) {
  auto query = parse_query(message);
  if (!query) {
    if (!query.error().id) return std::string();
    return counted(encode_refusal(query.error()));
  }
  ++requests[{type_text(query->type), tcp}];
  Answer refused;
  refused.rcode = Rcode::kRefused;
  if (query->edns && query->edns_version != 0) {
    refused.rcode = Rcode::kBadVersion;
    return counted(encode(*query, refused, limit(*query, tcp)));
  }
  Resolver* resolver = query->klass == kClassInternet ? resolver_for(query->folded) : nullptr;
  if (resolver == nullptr) return counted(encode(*query, refused, limit(*query, tcp)));
  auto reply = resolver->resolve_now(*query, limit(*query, tcp));
  if (!reply) return std::nullopt;
  return counted(std::move(*reply));
}

async::Task<std::string> DnsServer::State::answer_later(std::string message, bool tcp,
                                                        async::StopToken stop) {
  auto query = parse_query(message);
  if (!query) co_return std::string();
  Resolver* resolver = resolver_for(query->folded);
  if (resolver == nullptr) co_return std::string();
  const std::size_t most = limit(*query, tcp);
  std::string reply =
      co_await resolver->resolve(std::move(*query), std::move(message), most, tcp, std::move(stop));
  co_return counted(std::move(reply));
}

std::string DnsServer::State::metrics() const {
  std::string out =
      "# HELP coredns_dns_requests_total Counter of DNS requests made per zone, protocol and "
      "family.\n"
      "# TYPE coredns_dns_requests_total counter\n";
  for (const auto& [key, count] : requests) {
    out += cat("coredns_dns_requests_total{proto=\"", key.second ? "tcp" : "udp", "\",type=\"",
               key.first, "\"} ", count, "\n");
  }
  out +=
      "# HELP coredns_dns_responses_total Counter of response status codes.\n# TYPE "
      "coredns_dns_responses_total counter\n";
  for (const auto& [rcode, count] : responses)
    out += cat("coredns_dns_responses_total{rcode=\"", rcode, "\"} ", count, "\n");
  Resolver::Counts cache;
  std::string forwarded;
  for (const auto& resolver : resolvers) {
    cache.hits += resolver->counts().hits;
    cache.misses += resolver->counts().misses;
    if (resolver->forwarder() == nullptr) continue;
    for (const auto& [upstream, counts] : resolver->forwarder()->counts()) {
      forwarded +=
          cat("coredns_proxy_request_total{to=\"", upstream, "\"} ", counts.requests, "\n");
    }
  }
  out +=
      cat("# HELP coredns_cache_hits_total The count of cache hits.\n# TYPE "
          "coredns_cache_hits_total counter\n"
          "coredns_cache_hits_total ",
          cache.hits,
          "\n# HELP coredns_cache_misses_total The count of cache misses.\n# TYPE "
          "coredns_cache_misses_total counter\n"
          "coredns_cache_misses_total ",
          cache.misses,
          "\n# HELP coredns_proxy_request_total Counter of requests per upstream.\n# TYPE "
          "coredns_proxy_request_total counter\n",
          forwarded);
  return out;
}

DnsServer::DnsServer(DnsDeps deps, DnsOptions options)
    : state_(std::make_unique<State>(deps, std::move(options))) {}
DnsServer::~DnsServer() = default;

Status DnsServer::start() { return state_->start(); }

async::Task<bool> DnsServer::wait_synced(async::StopToken stop) {
  return state_->known.wait(std::move(stop));
}

std::uint16_t DnsServer::port() const { return state_->port; }

async::Task<void> DnsServer::stop() {
  state_->scope.request_stop();
  for (auto& server : state_->http) co_await server->stop();
  co_await state_->listeners.stop();
  if (state_->needs_cluster()) {
    co_await state_->services.stop();
    co_await state_->slices.stop();
  }
  co_await state_->scope.join();
}

}  // namespace kpp::dns
