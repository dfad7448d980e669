// The network of pods, wired by CNI plugins.
#pragma once

#include <string>
#include <vector>

#include "async/executor.h"
#include "async/wait.h"
#include "codec/json.h"
#include "dockershim/cni/config.h"

namespace kpp::dockershim::cni {

struct NetworkOptions {
  std::string config_directory = "/etc/cni/net.d";
  std::vector<std::string> program_directories = {"/opt/cni/bin", "/usr/lib/cni"};
  // Results of ADD, which DEL and CHECK are given again.
  std::string results_directory = "/var/lib/cni/results";
};

// A pod that is to be wired.
struct Attachment {
  std::string id;  // of its sandbox
  std::string name, pod_namespace, uid;
  std::string network_namespace;  // a path; empty: the namespace has gone
  json::Object capabilities;      // portMappings, bandwidth
};

// Calls the plugins.
//
// Guarantees: after an ADD that failed, DEL was called for what it had made. DEL of what was never
// added, or was deleted, is no error of ours. Plugins are looked for at each call: configurations
// may come and go.
// Runs on: the executor; plugins run on the pool, several at a time.
// Errors: in the words of the plugin.
class Network {
 public:
  Network(async::Executor& executor, async::ThreadPool& pool, NetworkOptions options)
      : executor_(executor), pool_(pool), options_(std::move(options)) {}

  // Whether pods can be wired.
  async::Task<Status> ready();
  // Answers the addresses.
  async::Task<Result<std::vector<std::string>>> add(Attachment pod);
  async::Task<Status> remove(Attachment pod);
  async::Task<Status> check(Attachment pod);

 private:
  async::Executor& executor_;
  async::ThreadPool& pool_;
  const NetworkOptions options_;
};

// The addresses that a result of ADD names, of whatever version, without their prefix lengths.
std::vector<std::string> addresses_of(const json::Value& result);

}  // namespace kpp::dockershim::cni
