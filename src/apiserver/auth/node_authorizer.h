// The authorization mode Node: what a kubelet may do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apiserver/auth/access.h"
#include "apiserver/auth/node_graph.h"

namespace kpp::apiserver {

// The node that the user is: system:node:NAME in the group system:nodes. nullopt: no node.
std::optional<std::string_view> node_name_of(const User& user);

// Guarantees: a node reads what its own pods need, itself, its own lease and CSINode, and what
//   every node needs; it has no opinion about users that are no nodes.
// Runs on: the server's executor.
class NodeAuthorizer {
 public:
  NodeAuthorizer(WatchCache& cache, const ResourceTable& table) : graph_(cache, table) {}
  Decision authorize(const User& user, const AccessRequest& request) const;

 private:
  Decision about(std::string_view node, const AccessRequest& request) const;
  Decision get(std::string_view node, const AccessRequest& request) const;
  Decision read(std::string_view node, const AccessRequest& request) const;
  Decision related(std::string_view node, const AccessRequest& request) const;
  Decision claim_status(std::string_view node, const AccessRequest& request) const;
  Decision service_account(std::string_view node, const AccessRequest& request) const;
  Decision slice(std::string_view node, const AccessRequest& request) const;
  Decision pod(std::string_view node, const AccessRequest& request) const;
  bool is_related(std::string_view node, const AccessRequest& request) const;

  NodeGraph graph_;
};

}  // namespace kpp::apiserver
