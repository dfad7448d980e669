// The service under which pods reach the cluster's name server, when that runs in this process and
// not in a pod.
#pragma once

#include <string>

#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "client/client.h"
#include "dns/dns_server.h"

namespace kpp::cmd {

// The tenth address of the service range, where the original puts it too ("10.96.0.10" of
// "10.96.0.0/16").
std::string dns_service_address(const std::string& service_cidr);

// Makes the service kube-system/kube-dns, an endpoint slice that leads to the node (what exists is
// brought to this form), and the role of the account that the name server acts as.
async::Task<Status> ensure_dns_objects(client::Client& api, std::string service_address,
                                       std::string node_address, async::StopToken stop);

// What the name server of a one-node cluster does: the cluster's names, and the node's own
// resolvers for others.
Result<dns::DnsOptions> node_dns_options(const std::string& node_address,
                                         const std::string& resolv_conf);

}  // namespace kpp::cmd
