// Who may ask the node's port, and for what.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/executor.h"
#include "client/delegated_access.h"
#include "kubelet/options.h"
#include "net/http.h"

namespace kpp::kubelet {

// Guarantees: a caller is who his certificate or his token says, or nobody, where that is allowed;
// what he asks for is put before the API server as access to a subresource of the node, the finest
// first. A member of system:masters may do everything.
// Ownership: what it is made of must outlive it. Runs on: its executor only.
class NodeAccess {
 public:
  NodeAccess(async::Executor& executor, client::Client& client, const KubeletOptions& options);

  // The refusal (401, 403, or 500 if the API server could not be asked), or nothing.
  async::Task<std::optional<net::Response>> refuse(const net::Request& request,
                                                   async::StopToken stop);

 private:
  const KubeletOptions& options_;
  client::DelegatedAccess access_;
};

// The subresources of the node of which one must be allowed for a request to a path.
std::vector<std::string> node_subresources(std::string_view path);
// The verb that stands for a method.
std::string_view node_verb(std::string_view method);

}  // namespace kpp::kubelet
