// For tests as root: two nodes with their agents, an API server in memory, an executor on a thread
// of its own.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "api/corev1.h"
#include "api/networkingv1.h"
#include "api/selectors.h"
#include "client/testing/fake_api.h"
#include "network/agent.h"
#include "network/testing/fabric.h"

namespace kpp::network::testing {

inline constexpr int kMtu = 1450;

// A pod: a namespace behind the node's bridge, as the CNI plugins would make it.
struct Pod {
  std::unique_ptr<Net> net = std::make_unique<Net>();
  std::string name, address;
};

struct Node {
  std::string name, address, range, gateway;
  Net net;
  std::string directory;
  std::unique_ptr<sys::RouteTables> tables;
  std::unique_ptr<sys::SystemCommands> commands;
  std::unique_ptr<client::Client> client;
  std::unique_ptr<Agent> agent;
  int pods = 0;

  Pod add_pod();
};

class TwoNodes : public ::testing::Test {
 protected:
  TwoNodes();
  ~TwoNodes() override;

  void start(Node& node, NetworkOptions options = {});
  void stop(Node& node);
  // Both agents, until each knows the other's pods.
  void start_both(NetworkOptions options = {});
  // Runs on the executor's thread, and waits for it.
  void there(const std::function<void()>& body);
  // A pod with its links, and its object.
  Pod run_pod(Node& node, const std::string& name, api::Labels labels,
              const std::string& ns = "default");
  void put(const std::string& yaml_of_policy);

  LogSink sink_;
  Logger log_;
  async::IoExecutor executor_;
  async::ThreadPool pool_{4};
  client::testing::FakeApi api_;
  Net switch_;  // the machines' network; 192.168.1.1 is in it
  Node a_, b_;
  std::thread thread_;

 private:
  void add_node(Node& node, const std::string& name, const std::string& address,
                const std::string& range);
  bool up(const Node& node);
};

}  // namespace kpp::network::testing
