// The settings of the pod network, as its ConfigMap holds them: a key a setting.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace kpp::network {

enum class Mode {
  kVxlan,   // all traffic between nodes in the tunnel
  kDirect,  // plain routes to nodes on a link of this node; the tunnel for others
};

struct NetworkOptions {
  std::string node_name;
  Mode mode = Mode::kVxlan;
  std::uint32_t vni = 1;
  std::uint16_t port = 4789;
  int mtu = 0;  // of pods; 0: what the node's link leaves after the tunnel's headers
  std::string cni_file = "/etc/cni/net.d/10-kpp-net.conflist";
};

// Reads mode, vni, port and mtu, each a file of that name; what has none keeps its value. The
// directory need not exist. kInvalid names a key that is unknown or what is wrong with its value.
Status read_settings(const std::string& directory, NetworkOptions& options);
// One setting.
Status set_option(NetworkOptions& options, std::string_view key, std::string_view value);

}  // namespace kpp::network
