// The methods of CRI v1, and what of them goes where.
#pragma once

#include "dockershim/containers.h"
#include "dockershim/exec.h"
#include "dockershim/images.h"
#include "dockershim/sandboxes.h"
#include "dockershim/stats.h"
#include "dockershim/streaming/streaming_server.h"
#include "net/grpc_server.h"

namespace kpp::dockershim {

// Ownership: all parts must outlive it.
struct ShimParts {
  const ShimDeps& deps;
  cni::Network& network;
  Sandboxes& sandboxes;
  Containers& containers;
  Images& images;
  Execs& execs;
  Stats& stats;
  StreamingServer& streams;
};

// Adds every method of RuntimeService and ImageService. Those that Docker cannot do answer
// Unimplemented with the reason. `parts` must outlive the service.
void add_runtime_service(net::GrpcService& service, const ShimParts& parts);
void add_image_service(net::GrpcService& service, const ShimParts& parts);

}  // namespace kpp::dockershim
