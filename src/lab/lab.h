// A cluster of nodes on one machine, each in namespaces of its own.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "lab/node_spec.h"
#include "linux/process.h"

namespace kpp::lab {

inline constexpr std::string_view kLabsDirectory = "/var/lib/kpp/lab";

struct LabOptions {
  std::string name;
  // Holds the directories of all labs; must lie on a disk (an overlay cannot lie on an overlay).
  std::string labs_directory{kLabsDirectory};
  // Nodes share a bridge of the machine and see each other. Otherwise each has a link of its own to
  // the machine alone.
  bool bridged = false;
  // Like bridged, but the bridge is in a network namespace of the lab's own, which this network
  // ("192.168.1.0/24") is in: the machine and the nodes do not see each other, whatever networks
  // the machine has.
  std::string network;
  // What is run to become a node's init, with the spec file as last argument.
  std::vector<std::string> init_command{"/proc/self/exe", "lab-init"};
};

// A node that runs.
struct Node {
  std::string name;
  std::string address;    // of the node
  std::string gateway;    // of the machine, as the node sees it
  std::string directory;  // of the node on the machine
  pid_t init = 0;         // its first process, as the machine sees it
  std::vector<std::string> cgroup_procs;
  std::string note;  // of its maker
};

// Makes, finds, enters and removes the nodes of one lab.
//
// Guarantees: of the machine's own network nothing is touched but one veth a node (and one bridge
// for a lab of several), and nothing at all with LabOptions::network;
//   mounts exist only in the node's own mount namespace. remove_node and remove leave nothing
//   behind: no process, namespace, mount, cgroup, link, directory; also when the node was half
//   made, or the machine lost its memory of it. What was made is written down before it is made. A
//   node outlives the process that made it.
// Runs on: any thread; everything blocks. Several processes may work on several labs at once.
// Errors: kNotFound for a node that does not run; kInvalid for names; kIo with what failed.
class Lab {
 public:
  static Result<Lab> open(LabOptions options);

  // Removes what an earlier node of this name left, then makes the node. On failure nothing of it
  // stays.
  Result<Node> create_node(const NodeSpec& spec);

  Result<Node> node(const std::string& name) const;
  // The nodes that run, by name.
  Result<std::vector<Node>> nodes() const;

  // Ends every process of the node and removes it. Ok if there is none.
  Status remove_node(const std::string& name);
  // Removes all nodes and the lab's directory.
  Status remove();

  const std::string& directory() const { return directory_; }

 private:
  Lab(LabOptions options, std::string directory)
      : options_(std::move(options)), directory_(std::move(directory)) {}

  std::string node_directory(const std::string& name) const { return cat(directory_, "/", name); }
  Status make_node(const NodeSpec& spec);
  Result<struct NodeLink> plan_link(const NodeSpec& spec) const;
  // The process that holds the network namespace with the bridge; made if it is not there.
  Result<pid_t> ensure_switch();
  // remove_node, for whatever directory of the lab.
  Status remove_made(const std::string& name);

  LabOptions options_;
  std::string directory_;
};

// Names of the labs that have a directory.
std::vector<std::string> list_labs(const std::string& labs_directory = std::string(kLabsDirectory));

// Runs a program in a node and waits. spec.place is filled in.
Result<sys::ProcessResult> run_in_node(const Node& node, sys::ProcessSpec spec);
// Starts a program in a node that outlives the caller; its output is appended to a file of the
// machine. Answers its pid as the machine sees it.
Result<pid_t> start_in_node(const Node& node, std::vector<std::string> argv,
                            const std::string& log_file,
                            std::vector<std::string> extra_environment = {});
// Runs a program in a node on the caller's terminal; answers its exit code.
Result<int> enter_node(const Node& node, const std::vector<std::string>& argv);

}  // namespace kpp::lab
