#include "network/testing/two_nodes.h"

#include "api/json_codec.h"
#include "base/fs.h"
#include "codec/yaml.h"

namespace kpp::network::testing {
namespace {

async::Task<void> finish(Agent* agent, std::promise<void>* done) {
  co_await agent->stop();
  done->set_value();
}

}  // namespace

Pod Node::add_pod() {
  Pod out;
  const int number = ++pods;
  out.address = cat(gateway.substr(0, gateway.rfind('.')), ".", number + 1);
  plug(*out.net, "eth0", net, "cni0", cat("veth", number), kMtu);
  out.net->ip(
      {cat("addr add ", out.address, "/24 dev eth0"), cat("route add default via ", gateway)});
  return out;
}

TwoNodes::TwoNodes() : sink_(2), log_(sink_, "test"), api_(executor_) {
  switch_.ip({"link add br0 type bridge", "addr add 192.168.1.1/24 dev br0", "link set br0 up"});
  add_node(a_, "class", "192.168.1.12", "10.244.0");
  add_node(b_, "class2", "192.168.1.8", "10.244.1");
  corev1::Namespace ns;
  ns.metadata.name = "default";
  ns.metadata.labels = {{"kubernetes.io/metadata.name", "default"}};
  api_.put(ns);
  thread_ = std::thread([this] { executor_.run(); });
}

TwoNodes::~TwoNodes() {
  for (Node* node : {&a_, &b_}) stop(*node);
  executor_.post([this] { executor_.stop(); });
  thread_.join();
}

void TwoNodes::add_node(Node& node, const std::string& name, const std::string& address,
                        const std::string& range) {
  node.name = name;
  node.address = address;
  node.range = cat(range, ".0/24");
  node.gateway = cat(range, ".1");
  plug(node.net, "eth0", switch_, "br0", cat("v-", name), 1500);
  node.net.ip({cat("addr add ", address, "/24 dev eth0"), "route add default via 192.168.1.1",
               cat("link add cni0 mtu ", kMtu, " type bridge"),
               cat("addr add ", node.gateway, "/24 dev cni0"), "link set cni0 up"});
  node.directory = cat(::testing::TempDir(), "network-node-", name);
  ASSERT_TRUE(fs::remove_all(node.directory).ok());
  corev1::Node object;
  object.metadata.name = name;
  object.spec.pod_cidr = node.range;
  object.spec.pod_cidrs = {node.range};
  corev1::NodeAddress internal;
  internal.type = "InternalIP";
  internal.address = address;
  object.status.addresses.push_back(internal);
  api_.put(object);
}

void TwoNodes::there(const std::function<void()>& body) {
  std::promise<void> done;
  executor_.post([&] {
    body();
    done.set_value();
  });
  done.get_future().wait();
}

void TwoNodes::start(Node& node, NetworkOptions options) {
  options.node_name = node.name;
  options.cni_file = cat(node.directory, "/10-kpp-net.conflist");
  sys::Fd monitor;
  node.net.within([&] {
    node.tables = std::make_unique<sys::RouteTables>(sys::RouteTables::open().value());
    monitor = sys::open_route_monitor().value();
  });
  node.commands = std::make_unique<sys::SystemCommands>(executor_, pool_, node.net.place());
  there([&] {
    node.client = std::make_unique<client::Client>(api_.transport(), "kpp-net");
    node.agent =
        std::make_unique<Agent>(AgentDeps{executor_, *node.client, *node.commands, *node.tables,
                                          std::move(monitor), log_.named(node.name)},
                                options);
    node.agent->start();
  });
}

void TwoNodes::stop(Node& node) {
  if (!node.agent) return;
  std::promise<void> done;
  async::Scope scope(executor_);
  executor_.post([&] { scope.spawn(finish(node.agent.get(), &done)); });
  done.get_future().wait();
  there([&] { node.agent.reset(); });
}

bool TwoNodes::up(const Node& node) {
  return fs::exists(cat(node.directory, "/10-kpp-net.conflist"));
}

void TwoNodes::start_both(NetworkOptions options) {
  start(a_, options);
  start(b_, options);
  ASSERT_TRUE(soon([&] { return up(a_) && up(b_); }));
  ASSERT_TRUE(soon([&] {
    return a_.net.run({"ip", "route"}).contains(b_.range) &&
           b_.net.run({"ip", "route"}).contains(a_.range);
  }));
}

Pod TwoNodes::run_pod(Node& node, const std::string& name, api::Labels labels,
                      const std::string& ns) {
  Pod out = node.add_pod();
  out.name = name;
  corev1::Pod object;
  object.metadata.name = name;
  object.metadata.namespace_ = ns;
  object.metadata.labels = std::move(labels);
  object.spec.node_name = node.name;
  object.status.phase = "Running";
  object.status.pod_ip = out.address;
  there([&] { api_.put(object); });
  return out;
}

void TwoNodes::put(const std::string& yaml_of_policy) {
  networkingv1::NetworkPolicy policy;
  const auto document = yaml::parse(yaml_of_policy);
  ASSERT_TRUE(document.has_value());
  const Status read = api::from_json(*document, networkingv1::NetworkPolicy::desc(), &policy, {});
  ASSERT_TRUE(read.ok()) << read.to_string();
  there([&] { api_.put(policy); });
}

}  // namespace kpp::network::testing
