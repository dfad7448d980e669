// Users, capabilities and profiles in Docker's words.
#pragma once

#include <string>

#include "api/cri.h"
#include "codec/json.h"
#include "net/grpc.h"

namespace kpp::dockershim {

using net::GrpcStatus;

// cri.SecurityProfile.ProfileType
inline constexpr std::int32_t kUnconfined = 1;
inline constexpr std::int32_t kLocalhost = 2;

// "user:group", "" for the image's own.
std::string user_text(const api::Opt<cri::Int64Value>& user, const api::Opt<cri::Int64Value>& group,
                      const std::string& user_name);
// SELinux labels, appended to Docker's security options.
void add_selinux(const cri::SELinuxOption& labels, json::Array& options);
// What HostConfig has of it. `seccomp_profile` is the text of a profile of this machine.
GrpcStatus add_security(const cri::LinuxContainerSecurityContext& security,
                        const std::string& seccomp_profile, json::Object& host);
// "SIGUSR1", "SIGRTMIN+3"; "" for the runtime's default.
std::string signal_name(std::int32_t signal);

}  // namespace kpp::dockershim
