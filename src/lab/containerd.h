// The containerd of a node: its configuration, its start, the images that are loaded into it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/status.h"
#include "lab/lab.h"

namespace kpp::lab {

inline constexpr std::string_view kContainerdSocket = "/run/containerd/containerd.sock";
inline constexpr std::string_view kPauseImage = "registry.k8s.io/pause:3.10.1";

struct ContainerdOptions {
  // Content, snapshots, configuration and log; a real file system that machine and node see at the
  // same path.
  std::string data_directory;
  std::string pod_cidr = "10.244.0.0/24";
  // Where CNI configurations are looked for. Empty: one of our own, a bridge with pod_cidr.
  std::string cni_directory;
  // Registries that are spoken to in plain HTTP.
  std::vector<std::string> plain_http_registries = {"localhost:5000"};
};

// Texts of the files that write_containerd_files writes.
std::string containerd_config(const ContainerdOptions& options, const std::string& cni_programs);
std::string cni_config(const ContainerdOptions& options);

// Where the CNI plugins of this machine are. kNotFound says how to install them.
Result<std::string> find_cni_programs();

// Starts containerd in a node, unless one that an earlier call started still runs there, and waits
// until it listens. It outlives the caller. Its pid file and log lie in the data directory. Errors:
// kNotFound names what is not installed; kTimeout carries the end of its log.
Status start_containerd(const Node& node, const ContainerdOptions& options,
                        std::chrono::milliseconds deadline = std::chrono::seconds(20));

// The same, called by a process inside the node: starts containerd again where it has ended.
Status start_containerd_here(const ContainerdOptions& options,
                             std::chrono::milliseconds deadline = std::chrono::seconds(20));

// Loads the pause image of this binary under kPauseImage, unless it is there.
Status load_pause_image(const Node& node, const ContainerdOptions& options);

// Loads image archives of the machine (OCI layouts as tar files) for use by pods, into the runtime
// that the node has.
Status load_images(const Node& node, const std::vector<std::string>& archives);

}  // namespace kpp::lab
