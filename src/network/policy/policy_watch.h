// Follows network policies, and what they select.
#pragma once

#include <functional>
#include <optional>

#include "async/executor.h"
#include "base/log.h"
#include "client/client.h"
#include "client/informer.h"
#include "network/policy/policy_facts.h"

namespace kpp::network {

// Guarantees: pods and namespaces are watched from the first policy on, not before: a cluster
//   without policies costs nothing. Changes that no rule can depend on are not told.
// Ownership: executor and client must outlive it. Runs on: the executor.
// Stop: stop() before destruction once start() was called.
class PolicyWatch {
 public:
  PolicyWatch(async::Executor& executor, client::Client& client, Logger log,
              std::function<void()> changed);

  void start();
  async::Task<void> stop();

  // Nothing until all that is needed has been listed: rules made of a part would let through what
  // is forbidden.
  std::optional<PolicyFacts> facts(const std::string& node) const;

 private:
  void follow_pods();
  async::Task<void> tell_when_listed(async::StopToken stop);

  std::function<void()> changed_;
  client::Informer<networkingv1::NetworkPolicy> policies_;
  client::Informer<corev1::Pod> pods_;
  client::Informer<corev1::Namespace> namespaces_;
  bool follows_pods_ = false;
  async::Scope scope_;
};

}  // namespace kpp::network
