#include "store/etcd/errors.h"

namespace kpp::store {
namespace {

constexpr std::string_view kEtcdWords = "etcdserver: ";
constexpr std::string_view kCompacted = "etcdserver: mvcc: required revision has been compacted";
constexpr std::string_view kFuture = "etcdserver: mvcc: required revision is a future revision";

}  // namespace

Status etcd_compacted(std::string_view words) {
  return Status(Reason::kExpired, std::string(words.empty() ? kCompacted : words));
}

Status etcd_status(const net::GrpcStatus& error) {
  if (error.message == kCompacted) return etcd_compacted(error.message);
  if (error.message == kFuture) return Status(Reason::kInvalid, error.message);
  if (error.message.starts_with(kEtcdWords)) return Status(Reason::kUnknown, error.message);
  if (error.code == net::kGrpcCanceled) return Status(Reason::kCanceled, error.message);
  if (error.code == net::kGrpcDeadlineExceeded) return Status(Reason::kTimeout, error.message);
  return Status(Reason::kUnknown, error.to_string());
}

}  // namespace kpp::store
