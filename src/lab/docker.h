// Docker as the container runtime of a node: its engine, and the CRI shim over it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/status.h"
#include "lab/containerd.h"
#include "lab/lab.h"

namespace kpp::lab {

inline constexpr std::string_view kDockerSocket = "/run/docker.sock";
inline constexpr std::string_view kCriDockerdSocket = "/run/cri-dockerd.sock";

// Which runtime a node's kubelet talks to.
enum class Runtime : std::uint8_t { kContainerd, kDocker };
// "containerd" or "docker"; kInvalid names what is neither.
Result<Runtime> parse_runtime(std::string_view name);
std::string_view name_of(Runtime runtime);
std::string_view socket_of(Runtime runtime);

struct DockerOptions {
  // Images, containers, configuration and logs; a real file system that machine and node see at
  // the same path.
  std::string data_directory;
  std::string program;  // the binary whose `cri-dockerd` is the shim
  // Where CNI configurations are looked for. Empty: what start_containerd() wrote.
  std::string cni_directory;
  std::vector<std::string> plain_http_registries = {"localhost:5000"};
  // What stands for runc; empty: runc itself.
  std::string runc;
};

// The engine's configuration: no network of its own, no rule, containers that survive it.
std::string docker_config(const DockerOptions& options);

// Starts dockerd and the shim in a node whose containerd runs, unless they run, and waits until
// they listen. They outlive the caller. Errors: as start_containerd().
Status start_docker(const Node& node, const DockerOptions& options,
                    std::chrono::milliseconds deadline = std::chrono::seconds(30));

bool has_docker(const Node& node);
Status load_docker_images(const Node& node, const std::vector<std::string>& archives);
// Unless it is there. The archive lies in a directory that machine and node share.
Status load_docker_pause_image(const Node& node, const std::string& directory);

}  // namespace kpp::lab
