// The one link between a node and the machine.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "linux/links.h"

namespace kpp::lab {

// Names are made from the lab's and the node's, so that they are found again when nothing else is
// left of a node.
std::string link_name(std::string_view lab, std::string_view node);
std::string bridge_name(std::string_view lab);

// A network out of 10.199.0.0/16 that overlaps nothing in use; prefix is 24 to 30.
// kServiceUnavailable if all are taken.
Result<sys::Ipv4Network> pick_network(const std::vector<sys::Ipv4Network>& used, int prefix);

struct NodeLink {
  std::string link;  // of the machine; the node's end is eth0
  std::string
      bridge;  // of the machine, exists; empty: the machine's end has the gateway address itself
  std::string address;  // of the node
  std::string gateway;  // of the machine
  int prefix = 30;
  // A process in whose network namespace `link` and `bridge` are; 0: those of the caller.
  pid_t network_of = 0;
};

// Makes a veth into the network namespace of a process and gives both ends their addresses.
Status connect_node(const NodeLink& link, pid_t init);
// Makes the bridge of a lab with several nodes. Ok if it is there.
Status make_bridge(const NodeLink& link);

}  // namespace kpp::lab
