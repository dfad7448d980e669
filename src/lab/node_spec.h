// What a node of the lab is made of.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "lab/state_file.h"

namespace kpp::lab {

// A directory or file of the machine that the node sees as it is, not through its overlay.
struct Bind {
  std::string source;
  std::string target;  // absolute, inside the node; made if it is not there
  bool read_only = false;
};

// A file that the node has instead of the machine's.
struct NodeFile {
  std::string path;
  std::string content;
};

struct NodeSpec {
  std::string name;     // a DNS label; also its host name
  std::string address;  // in the lab's network; empty: the first that is free
  std::vector<Bind> binds;
  // Beside these every node gets /etc/hostname, /etc/hosts and, unless it is given here, the
  // machine's /etc/resolv.conf.
  std::vector<NodeFile> files;
  // What its maker wants to find again; kept with the node.
  std::string note;
};

// kInvalid unless the text can name a lab or a node: lower case letters, digits and '-', 1 to 40
// long, no '-' at an end.
Status check_name(std::string_view what, std::string_view name);

// What the node's init is told, beside the spec: where it lives. Handed over as a file.
struct InitSpec {
  NodeSpec node;
  std::string directory;                  // holds upper, work and root; on a real file system
  std::string address;                    // of the node, for /etc/hosts
  std::vector<std::string> cgroup_procs;  // joined before the cgroup namespace is made
  // No node but the holder of a network namespace: nothing else is separate from the machine's.
  bool network_only = false;
};

StateFile to_state(const InitSpec& spec);
Result<InitSpec> init_spec_from(const StateFile& state);

}  // namespace kpp::lab
