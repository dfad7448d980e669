#include "kubelet/cri/runtime.h"

namespace kpp::kubelet {
namespace {

// The gRPC code that stands for a reason, in gRPC's spelling.
std::string_view code_name(Reason reason) {
  switch (reason) {
    case Reason::kCanceled:
      return "Canceled";
    case Reason::kInvalid:
    case Reason::kBadRequest:
      return "InvalidArgument";
    case Reason::kTimeout:
    case Reason::kServerTimeout:
      return "DeadlineExceeded";
    case Reason::kNotFound:
      return "NotFound";
    case Reason::kAlreadyExists:
      return "AlreadyExists";
    case Reason::kForbidden:
      return "PermissionDenied";
    case Reason::kTooManyRequests:
    case Reason::kRequestEntityTooLarge:
      return "ResourceExhausted";
    case Reason::kConflict:
      return "Aborted";
    case Reason::kGone:
    case Reason::kExpired:
      return "OutOfRange";
    case Reason::kMethodNotAllowed:
      return "Unimplemented";
    case Reason::kInternalError:
      return "Internal";
    case Reason::kServiceUnavailable:
    case Reason::kIo:
      return "Unavailable";
    case Reason::kCorrupt:
      return "DataLoss";
    case Reason::kUnauthorized:
      return "Unauthenticated";
    case Reason::kNotAcceptable:
    case Reason::kUnsupportedMediaType:
      return "FailedPrecondition";
    case Reason::kUnknown:
    case Reason::kStoreReadError:
      return "Unknown";
  }
  return "Unknown";
}

}  // namespace

std::string rpc_error_text(const Status& error) {
  return cat("rpc error: code = ", code_name(error.reason()), " desc = ", error.message());
}

std::string pull_error_text(const Status& error) {
  if (error.reason() == Reason::kUnknown) return error.message();
  return rpc_error_text(error);
}

async::Task<Result<std::string>> Runtime::name(async::StopToken stop) {
  if (name_.empty()) {
    KPP_CO_ASSIGN(cri::VersionResponse answer, co_await version(std::move(stop)));
    name_ = std::move(answer.runtime_name);
  }
  co_return name_;
}

}  // namespace kpp::kubelet
