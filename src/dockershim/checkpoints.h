// The shim's own memory: what Docker cannot tell of a sandbox that is gone from it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/cri.h"
#include "base/status.h"

namespace kpp::dockershim {

// What is needed to take the network of a sandbox down.
struct Checkpoint {
  std::string name, pod_namespace, uid;
  bool host_network = false;
  // The sandbox was made whole. One that is not is removed when the shim starts again.
  bool complete = false;
  std::vector<cri::PortMapping> port_mappings;
};

// As it lies on disk; kCorrupt if the checksum is not that of the data.
std::string write_checkpoint(const Checkpoint& checkpoint);
Result<Checkpoint> parse_checkpoint(std::string_view text);

// The checkpoints of all sandboxes, a small file each, named by the sandbox's id.
//
// Guarantees: a file that is damaged counts as none; it is removed.
// Runs on: any thread; everything blocks.
class Checkpoints {
 public:
  explicit Checkpoints(std::string directory) : directory_(std::move(directory)) {}

  Status save(const std::string& id, const Checkpoint& checkpoint) const;
  Status remove(const std::string& id) const;
  Result<Checkpoint> load(const std::string& id) const;
  std::map<std::string, Checkpoint> all() const;

 private:
  std::string path_of(const std::string& id) const;

  const std::string directory_;
};

// Port mappings as JSON: what CNI plugins are told, and what a sandbox's label keeps.
std::string write_port_mappings(const std::vector<cri::PortMapping>& mappings);
std::vector<cri::PortMapping> parse_port_mappings(std::string_view text);

}  // namespace kpp::dockershim
