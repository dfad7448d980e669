// What Docker is asked for: the bodies of POST /containers/create and /containers/ID/update.
#pragma once

#include <string>

#include "api/cri.h"
#include "codec/json.h"
#include "net/grpc.h"

namespace kpp::dockershim {

// What the bodies depend on beside the request.
struct EngineFacts {
  bool systemd_cgroups = false;
  // The lowest oom_score_adj that this process may give; lower ones are raised to it.
  std::int64_t lowest_oom_score_adj = -1000;
};

struct SandboxRequest {
  cri::PodSandboxConfig config;
  std::string image;            // of the pause container
  std::string runtime_handler;  // "": Docker's default
};

// Errors are Unimplemented, with the reason, for what Docker cannot do.
net::GrpcResult<json::Object> sandbox_spec(const SandboxRequest& request, const EngineFacts& facts);

struct ContainerRequest {
  std::string sandbox_id;
  cri::ContainerConfig config;
  cri::PodSandboxConfig sandbox;
  std::string seccomp_profile;  // the text of a profile that lies on this machine
};

net::GrpcResult<json::Object> container_spec(const ContainerRequest& request,
                                             const EngineFacts& facts);

json::Object update_spec(const cri::LinuxContainerResources& resources);

// Where the seccomp profile of a container lies; "" if it is none of this machine's files.
std::string seccomp_profile_path(const cri::ContainerConfig& config);
// The file of a container's log; "" if it has none.
std::string log_path_of(const cri::PodSandboxConfig& sandbox, const cri::ContainerConfig& config);
// resolv.conf of a pod.
std::string resolv_conf(const cri::DNSConfig& dns);

}  // namespace kpp::dockershim
