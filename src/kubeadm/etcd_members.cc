#include "kubeadm/etcd_members.h"

#include <algorithm>

#include "api/proto_codec.h"
#include "async/wait.h"
#include "base/fs.h"
#include "kubeadm/api_objects.h"
#include "kubeadm/certificates.h"
#include "net/grpc.h"
#include "net/tls.h"

namespace kpp::kubeadm {
namespace {

constexpr std::chrono::seconds kOneCall{5};
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kPause{200};
constexpr std::string_view kPods = "/api/v1/namespaces/kube-system/pods";

Result<net::DialOptions> dial_options(const std::string& certificates_dir) {
  net::TlsClientOptions tls;
  tls.http2 = true;
  KPP_ASSIGN(tls.ca_pem, fs::read_file(cat(certificates_dir, "/etcd/ca.crt"), 1U << 20));
  KPP_ASSIGN(const net::x509::KeyPair own, read_pair(certificates_dir, "etcd/healthcheck-client"));
  tls.certificate_pem = own.certificate_pem;
  tls.key_pem = own.key_pem;
  net::DialOptions out;
  out.timeout = kOneCall;
  KPP_ASSIGN(out.tls, net::TlsContext::client(tls));
  return out;
}

}  // namespace

std::string initial_cluster(const EtcdMembers& members, std::string_view name) {
  std::vector<std::string> out;
  for (const etcdserverpb::Member& member : members) {
    for (const std::string& url : member.peer_urls) {
      out.push_back(cat(member.name.empty() ? name : std::string_view(member.name), "=", url));
    }
  }
  return join(out, ",");
}

const etcdserverpb::Member* find_member(const EtcdMembers& members, std::string_view peer_url) {
  const auto found = std::ranges::find_if(members, [&](const etcdserverpb::Member& member) {
    return std::ranges::find(member.peer_urls, peer_url) != member.peer_urls.end();
  });
  return found == members.end() ? nullptr : &*found;
}

async::Task<Result<std::vector<std::string>>> etcd_endpoints(client::Client& api,
                                                             async::StopToken stop) {
  KPP_CO_ASSIGN(const json::Value pods,
                co_await get_path(api, std::string(kPods),
                                  "labelSelector=component%3Detcd%2Ctier%3Dcontrol-plane", stop));
  std::vector<std::string> out;
  const json::Value* const items = json::find(pods, "items");
  if (items != nullptr && items->is_array()) {
    for (const json::Value& pod : items->get_array()) {
      const json::Value* const annotations = json::find(pod, "metadata.annotations");
      if (annotations == nullptr || !annotations->is_object()) continue;
      const json::Value* const url =
          annotations->get_object().if_contains("kubeadm.kubernetes.io/etcd.advertise-client-urls");
      if (url != nullptr && url->is_string()) out.emplace_back(url->get_string());
    }
  }
  if (out.empty()) {
    co_return fail(Reason::kNotFound,
                   "could not retrieve the list of etcd endpoints: no etcd pod of kube-system has "
                   "the annotation kubeadm.kubernetes.io/etcd.advertise-client-urls");
  }
  co_return out;
}

async::Task<Result<std::string>> EtcdCluster::ask(std::string method, std::string message) {
  KPP_CO_ASSIGN(const net::DialOptions dial, dial_options(certificates_dir_));
  Status last(Reason::kNotFound, "no etcd endpoint is known");
  for (const std::string& url : endpoints_) {
    KPP_CO_ASSIGN(net::Endpoint endpoint, net::Endpoint::parse(url));
    net::GrpcOptions options;
    options.dial = dial;
    net::GrpcChannel channel(executor_, std::move(endpoint), std::move(options));
    auto answer =
        co_await channel.unary(cat("/etcdserverpb.Cluster/", method), message, kOneCall, stop_);
    co_await channel.close();
    if (answer) co_return std::move(*answer);
    last = answer.error().to_status().with_context(cat("etcd at ", url));
    // Another member would say the same.
    if (answer.error().code != net::kGrpcUnavailable) break;
  }
  co_return fail(std::move(last));
}

template <class Answer, class Request>
async::Task<Result<Answer>> EtcdCluster::call(std::string method, Request request) {
  auto bytes = co_await ask(std::move(method), api::to_proto(request));
  if (!bytes) co_return fail(std::move(bytes).error());
  co_return api::parse_proto<Answer>(*bytes);
}

template <class Answer, class Request>
async::Task<Result<Answer>> EtcdCluster::change(std::string method, Request request) {
  const TimePoint deadline = executor_.steady() + kPatience;
  while (true) {
    auto answer = co_await call<Answer>(method, request);
    if (answer || executor_.steady() >= deadline) co_return answer;
    const bool slept = co_await async::sleep_for(executor_, kPause, stop_);
    if (!slept) co_return fail(Reason::kCanceled, "stopped");
  }
}

async::Task<Result<EtcdMembers>> EtcdCluster::members() {
  auto list = co_await call<etcdserverpb::MemberListResponse>("MemberList",
                                                              etcdserverpb::MemberListRequest());
  if (!list) co_return fail(std::move(list).error());
  co_return std::move(list->members);
}

async::Task<Result<EtcdMembers>> EtcdCluster::add(std::string peer_url) {
  KPP_CO_ASSIGN(EtcdMembers present, co_await members());
  if (find_member(present, peer_url) != nullptr) co_return present;
  etcdserverpb::MemberAddRequest request;
  request.peer_urls = {peer_url};
  request.is_learner = true;
  auto added = co_await change<etcdserverpb::MemberAddResponse>("MemberAdd", request);
  if (!added) co_return fail(std::move(added).error());
  co_return std::move(added->members);
}

async::Task<Status> EtcdCluster::promote(std::string peer_url) {
  const TimePoint deadline = executor_.steady() + kPatience;
  while (true) {
    KPP_CO_ASSIGN(const EtcdMembers present, co_await members());
    const etcdserverpb::Member* const member = find_member(present, peer_url);
    if (member == nullptr) {
      co_return Status(Reason::kNotFound, cat("etcd has no member at ", peer_url, " any more"));
    }
    if (!member->is_learner) co_return Status();
    etcdserverpb::MemberPromoteRequest request;
    request.id = member->id;
    auto promoted = co_await call<etcdserverpb::MemberPromoteResponse>("MemberPromote", request);
    if (promoted) co_return Status();
    if (executor_.steady() >= deadline) {
      co_return Status(
          Reason::kTimeout,
          cat("the etcd member at ", peer_url,
              " has not caught up; see its log below /var/log/pods: ", promoted.error().message()));
    }
    const bool slept = co_await async::sleep_for(executor_, kPause, stop_);
    if (!slept) co_return Status(Reason::kCanceled, "stopped");
  }
}

async::Task<Status> EtcdCluster::remove(std::string peer_url) {
  KPP_CO_ASSIGN(const EtcdMembers present, co_await members());
  const etcdserverpb::Member* const member = find_member(present, peer_url);
  if (member == nullptr) co_return Status();
  etcdserverpb::MemberRemoveRequest request;
  request.id = member->id;
  auto removed = co_await change<etcdserverpb::MemberRemoveResponse>("MemberRemove", request);
  co_return removed ? Status() : std::move(removed).error();
}

}  // namespace kpp::kubeadm
