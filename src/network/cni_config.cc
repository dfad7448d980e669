#include "network/cni_config.h"

#include "base/fs.h"

namespace kpp::network {

std::string cni_config(const sys::Ipv4Network& pods, int mtu) {
  // ipMasq stays off: it would hide pods from the pods of other nodes. Addresses are kept in /run:
  // they end with the node, as the pods do that hold them.
  return cat(R"({
  "cniVersion": "1.0.0",
  "name": "kpp-net",
  "plugins": [
    {
      "type": "bridge",
      "bridge": ")",
             kBridge, R"(",
      "isDefaultGateway": true,
      "ipMasq": false,
      "hairpinMode": true,
      "mtu": )",
             mtu, R"(,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni",
        "ranges": [[{"subnet": ")",
             pods.to_string(), R"("}]]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
)");
}

Result<bool> write_cni_config(const std::string& path, const std::string& text) {
  if (const auto there = fs::read_file(path); there && *there == text) return false;
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash != 0) {
    KPP_RETURN_IF_ERROR(fs::make_directories(path.substr(0, slash)));
  }
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(path, text));
  return true;
}

}  // namespace kpp::network
