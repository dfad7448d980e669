// The objects that every cluster has from its first moment: namespaces, the kubernetes service,
// priority classes and levels, flow schemas, the RBAC roles and bindings of
// reference, the service CIDR.
#pragma once

#include <string>

#include "apiserver/auth/request_headers.h"
#include "apiserver/call.h"
#include "async/task.h"
#include "base/status.h"
#include "net/http.h"

namespace kpp::apiserver {

struct BootstrapOptions {
  std::string service_cidr;
  int secure_port = 6443;
  // How clients are known here: published for servers that trust this one.
  std::string client_ca_pem;
  RequestHeaderOptions request_headers;
};

// Makes what is missing, all in few commits; leaves what people changed. Default roles and bindings
// get back what they lack, and keep what was added. The cache shows everything when this is done.
async::Task<Status> bootstrap_objects(net::Handler& server, Core& core, BootstrapOptions options,
                                      async::StopToken stop);

}  // namespace kpp::apiserver
