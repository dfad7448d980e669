// What etcd's refusals mean.
#pragma once

#include "base/status.h"
#include "net/grpc.h"

namespace kpp::store {

// kExpired for a compacted revision, kInvalid for one to come, kCanceled for a call that its caller
// stopped, kTimeout for one that took too long. Everything else is kUnknown with etcd's own words,
// or with gRPC's where the words are not etcd's: so the API's answer has them.
Status etcd_status(const net::GrpcStatus& error);

// The answer to a read or a watch from a revision that was compacted.
Status etcd_compacted(std::string_view words);

}  // namespace kpp::store
