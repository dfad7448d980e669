#include "dockershim/types.h"

namespace kpp::dockershim {

GrpcStatus to_grpc(const Status& status) {
  if (status.ok()) return {};
  switch (status.reason()) {
    case Reason::kNotFound:
      return {net::kGrpcNotFound, status.message()};
    case Reason::kCanceled:
      return {net::kGrpcCanceled, status.message()};
    case Reason::kTimeout:
      return {net::kGrpcDeadlineExceeded, status.message()};
    default:
      return {net::kGrpcUnknown, status.message()};
  }
}

}  // namespace kpp::dockershim
